"""An open scene beside rasterio's dataset of the same pixels: every word of one is the other's, and every index is NumPy's."""

from contextlib import contextmanager

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.windows import Window

import sarcodec
from api.scenes import amplitude
from sarcodec.errors import InvalidArgument

ROWS, COLS = 70, 90
UTM = CRS.from_epsg(32633)
PLACE = Affine(10, 0, 500_000, 0, -10, 6_000_000)
PART = Window(20, 10, 30, 40)
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@contextmanager
def both(folder, pixels, setup=lambda dataset: None, mask=None, **options):
    """The scene that compress makes of a GeoTIFF, and rasterio's dataset of what decompress gives back."""
    source, packed, back = (folder / name for name in ("in.tif", "x.sarc", "back.tif"))
    count, height, width = pixels.shape
    shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype.name, "driver": "GTiff"}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(source, "w", **shape, **options) as dataset:
        setup(dataset)
        dataset.write(pixels)
        if mask is not None:
            dataset.write_mask(mask)
    sarcodec.compress(source, packed, lossless=True, threads=1)
    sarcodec.decompress(packed, back, threads=1)
    with sarcodec.open(packed, threads=1) as scene, rasterio.open(back) as dataset:
        yield scene, dataset


def described(dataset):
    dataset.descriptions, dataset.units = ("VV", "VH"), ("DN", "DN")
    dataset.update_tags(MISSION="S1A", ORBIT="12")
    dataset.update_tags(ns="MORE", KEY="1")
    dataset.update_tags(2, LOOKS="4.4")


WORDS = (
    "count", "width", "height", "shape", "dtypes", "nodata", "nodatavals", "descriptions", "units", "scales", "offsets",
    "colorinterp", "indexes", "crs", "transform", "bounds", "mask_flag_enums", "rpcs", "meta",
)  # fmt: skip


def same_words(scene, dataset):
    for word in WORDS:
        assert repr(getattr(scene, word)) == repr(getattr(dataset, word)), word
        assert type(getattr(scene, word)) is type(getattr(dataset, word)), word
    assert scene.crs == dataset.crs
    assert [repr(p) for p in scene.gcps[0]] == [repr(p) for p in dataset.gcps[0]] and scene.gcps[1] == dataset.gcps[1]
    for band in (0, *scene.indexes):
        theirs = dataset.tags(band)
        if theirs.get("AREA_OR_POINT") == "Area":  # what GDAL says of every GeoTIFF with a place
            del theirs["AREA_OR_POINT"]
        assert scene.tags(band) == theirs
        for space in scene.tag_namespaces(band):
            if space != "IMAGE_STRUCTURE":
                assert space in dataset.tag_namespaces(band) and scene.tags(band, ns=space) == dataset.tags(
                    band, ns=space
                )


def same_pixels(scene, dataset):
    for indexes in (None, 1, [1], list(scene.indexes)[::-1]):
        for window in (None, PART, ((10, 50), (20, 50)), (slice(10, None), slice(None, 20))):
            theirs = Window.from_slices(*window, height=ROWS, width=COLS) if isinstance(window, tuple) else window
            for read in ("read", "read_masks"):
                mine, other = (getattr(d, read)(indexes, window=w) for d, w in ((scene, window), (dataset, theirs)))
                assert mine.dtype == other.dtype
                np.testing.assert_array_equal(mine, other)
            mine, other = (d.read(indexes, window=w, masked=True) for d, w in ((scene, window), (dataset, theirs)))
            assert isinstance(mine, np.ma.MaskedArray) and repr(mine.fill_value) == repr(other.fill_value)
            np.testing.assert_array_equal(np.ma.getmaskarray(mine), np.ma.getmaskarray(other))
    np.testing.assert_array_equal(scene.dataset_mask(), dataset.dataset_mask())
    np.testing.assert_array_equal(scene.dataset_mask(window=PART), dataset.dataset_mask(window=PART))


def with_border(count=2, fill=0):
    pixels = amplitude(1, ROWS, COLS, bands=count)
    pixels[:, :12], pixels[0, :, :15] = fill, fill
    return pixels


def disc():
    rows, cols = np.ogrid[:ROWS, :COLS]
    return (np.hypot(rows - 35, cols - 45) < 30).astype(np.uint8) * np.uint8(255)


def alpha_last(dataset):
    dataset.colorinterp = [ColorInterp.gray, ColorInterp.alpha]


CASES = {
    "all that is said": {"pixels": with_border(), "nodata": 0, "crs": UTM, "transform": PLACE, "setup": described},
    "nothing said": {"pixels": with_border()},
    "turned": {"pixels": with_border(1), "transform": Affine(9, 3, 500_000, 2, -8, 6_000_000)},
    "a mask": {"pixels": with_border(), "mask": disc()},
    "a mask and nodata": {"pixels": with_border(), "mask": disc(), "nodata": 0},
    "alpha": {"pixels": np.stack([amplitude(1, ROWS, COLS)[0], disc() * np.uint16(257)]), "setup": alpha_last},
    "floats": {"pixels": np.where(disc() > 0, amplitude(2, ROWS, COLS)[:1] ** 2.0, np.nan).astype(np.float32), "nodata": np.nan},
    "points": {
        "pixels": with_border(),
        "gcps": [GroundControlPoint(r, c, 10 + c / 1e3, 50 - r / 1e3, 7.0, str(n), "") for n, (r, c) in enumerate([(0, 0), (0, 90), (70, 0), (70, 90)], 1)],
        "crs": CRS.from_epsg(4326),
    },
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_scene_speaks_as_a_dataset_of_rasterio(tmp_path, case):
    pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    with both(tmp_path, **case) as (scene, dataset):
        same_words(scene, dataset)
        same_pixels(scene, dataset)
        assert scene.has_transform == (not dataset.transform.is_identity)


def test_profile_writes_the_same_pixels(tmp_path):
    pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    with both(tmp_path, **CASES["all that is said"]) as (scene, dataset):
        assert set(dataset.profile) - {"blockysize", "blockxsize"} <= set(scene.profile)
        with rasterio.open(tmp_path / "copy.tif", "w", **scene.profile) as copy:
            copy.write(scene.read())
        with rasterio.open(tmp_path / "copy.tif") as copy:
            np.testing.assert_array_equal(copy.read(), dataset.read())
            assert copy.crs == UTM and copy.transform == PLACE and copy.nodata == 0


@pytest.fixture(scope="module")
def scene():
    """Learned, of four tiles."""
    pixels = amplitude(3, 600, 560, bands=3)
    with sarcodec.open(sarcodec.encode(pixels, threads=1, effort=0, tags={"A": 1}), threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def whole(scene):
    return scene.read()


INDEXES = [
    np.s_[0], np.s_[-1], np.s_[:], np.s_[...], np.s_[0, 100:200, :], np.s_[0, 100], np.s_[1, 2, 3], np.s_[..., 5],
    np.s_[..., 500:520], np.s_[:, ::7, ::-5], np.s_[::-1, 599:500:-3, -20:], np.s_[1:, ..., 3:4], np.s_[0, ..., -1],
    np.s_[[2, 0]], np.s_[[2, 0], 5], np.s_[[0, 0, 1], :, 511:513], np.s_[[1], 5, 6], np.s_[np.array([0, -1])], np.s_[:, 5:5],
    np.s_[2, 700:, :], np.s_[3:], np.s_[np.int64(1), np.uint16(5) : 9], np.s_[:, 10:0:-1, 0], np.s_[()], np.s_[1, ...], np.s_[[]],
]  # fmt: skip


@pytest.mark.parametrize("index", INDEXES, ids=str)
def test_an_index_is_numpy_s(scene, whole, index):
    if isinstance(index, list) and not index:
        assert scene[index].shape == (0, 600, 560)
        return
    found, expected = scene[index], whole[index]
    assert np.shape(found) == np.shape(expected) and found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("index", [3, -4, (0, 600), (0, 0, -561), (0, 0, 0, 0), (..., 0, ...), ([3],)], ids=str)
def test_an_index_outside_is_an_index_error(scene, index):
    with pytest.raises(IndexError) as caught:
        scene[index]
    assert isinstance(caught.value, InvalidArgument)


@pytest.mark.parametrize("index", [None, "VV", 1.0, True, (0, [1, 2]), (0, slice(None), [1]), [True, False, True], np.ones((1, 1), int)], ids=str)  # fmt: skip
def test_other_kinds_of_an_index_are_refused(scene, index):
    with pytest.raises(InvalidArgument, match="expected"):
        scene[index]


def test_a_scene_as_an_array(scene, whole):
    np.testing.assert_array_equal(np.asarray(scene), whole)
    assert np.asarray(scene, np.float64).dtype == np.float64
    assert scene.array_shape == whole.shape and scene.dtype == whole.dtype and scene.shape == whole.shape[1:]
    with pytest.raises(ValueError, match="copy"):
        np.array(scene, copy=False)


def test_out_is_filled(scene, whole):
    for indexes, out in ((None, np.zeros((3, 600, 560), np.uint16)), (2, np.zeros((600, 560), np.float64))):
        assert scene.read(indexes, out=out) is out
        np.testing.assert_array_equal(out, whole if indexes is None else whole[1])
    view = np.zeros((2, 40, 100), np.uint16)[:, ::2, ::-1]
    scene.read([1, 3], window=((500, 520), (450, 550)), out=view)
    np.testing.assert_array_equal(view, whole[[0, 2], 500:520, 450:550])


@pytest.mark.parametrize(
    "out", [np.zeros((1, 600, 560), np.uint16), np.zeros((600, 560), np.uint8), [1]], ids=lambda o: str(np.shape(o))
)
def test_another_out_is_refused(scene, out):
    with pytest.raises(InvalidArgument, match="out is"):
        scene.read(1, out=out)


def test_tags_of_what_is_not_there(scene):
    assert (
        scene.tags() == {"A": "1"} and scene.tags(ns="X") == {} and scene.tags(3) == {} and scene.tag_namespaces() == []
    )
    for bidx in (-1, 4):
        with pytest.raises(InvalidArgument, match="bidx"):
            scene.tags(bidx)
