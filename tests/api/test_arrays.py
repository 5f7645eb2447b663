"""Arrays into bytes and back: the same file as compress would write, the same pixels and words, and no file of its own."""

import sys

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.windows import Window

import sarcodec
from api.scenes import amplitude
from sarcodec.errors import (
    CorruptFile,
    InvalidArgument,
    NotSarcodec,
    TargetNotReached,
    UnreadableScene,
    UnsupportedScene,
)

UTM = CRS.from_epsg(32633)
PLACE = Affine(10, 0, 500_000, 0, -10, 6_000_000)
ROWS, COLS = 80, 100


@pytest.fixture(scope="module")
def pixels():
    return amplitude(1, ROWS, COLS, bands=2)


@pytest.fixture(scope="module")
def data(pixels):
    return sarcodec.encode(pixels, threads=1)


@pytest.mark.parametrize("effort", [0, 1])
def test_the_bytes_are_those_of_the_file_that_compress_writes(tmp_path, pixels, effort):
    with rasterio.open(
        tmp_path / "in.tif",
        "w",
        driver="GTiff",
        count=2,
        height=ROWS,
        width=COLS,
        dtype="uint16",
        crs=UTM,
        transform=PLACE,
        nodata=0,
    ) as dataset:
        dataset.write(pixels)
        dataset.update_tags(MISSION="S1A")
        dataset.update_tags(ns="MORE", KEY="1")
        dataset.update_tags(2, LOOKS="4.4")
        dataset.descriptions, dataset.units, dataset.scales = ("VV", "VH"), ("DN", None), (1.0, 1.0)
    sarcodec.compress(tmp_path / "in.tif", tmp_path / "x.sarc", threads=1, effort=effort)
    found = sarcodec.encode(
        pixels, crs=UTM, transform=PLACE, nodata=0, descriptions=("VV", "VH"), units=("DN", None), scales=1,
        tags={"MISSION": "S1A", "MORE": {"KEY": 1}}, band_tags=({}, {"LOOKS": 4.4}),
        threads=1, effort=effort,
    )  # fmt: skip
    assert found == (tmp_path / "x.sarc").read_bytes()


@pytest.mark.parametrize("shape", [(ROWS, COLS), (1, ROWS, COLS), (2, ROWS, COLS)], ids=str)
def test_an_array_comes_back_in_its_shape(pixels, shape):
    array = pixels[: shape[0] if len(shape) == 3 else 1].reshape(shape)
    data = sarcodec.encode(array, threads=1, tags={"A": 1})
    back = sarcodec.decode(data, threads=1)
    assert back.shape == shape and back.dtype == np.uint16
    assert np.sqrt(np.mean((20 * np.log10(back / array)) ** 2)) < 0.6
    with sarcodec.open(data, threads=1) as scene:
        np.testing.assert_array_equal(scene.read().reshape(shape), back)
        assert scene.tags() == {"A": "1"}


def test_decode_takes_bands_and_windows(data):
    whole = sarcodec.decode(data, threads=1)
    for kind in (bytes, bytearray, memoryview):
        np.testing.assert_array_equal(sarcodec.decode(kind(data), indexes=2, threads=1), whole[1])
    np.testing.assert_array_equal(
        sarcodec.decode(data, indexes=[2], window=Window(5, 10, 20, 30)), whole[1:, 10:40, 5:25]
    )
    log = sarcodec.decode(data, reconstruct="log", threads=1)
    restored = sarcodec.decode(data, reconstruct="log", speckle="restore", threads=1)
    assert (log != whole).any() and (restored != log).any()


def test_a_file_of_one_band_comes_as_rows_and_columns(tmp_path, pixels):
    profile = {"driver": "GTiff", "count": 1, "height": ROWS, "width": COLS, "dtype": "uint16"}
    with rasterio.open(tmp_path / "in.tif", "w", **profile, transform=PLACE) as dataset:
        dataset.write(pixels[:1])
    sarcodec.compress(tmp_path / "in.tif", tmp_path / "x.sarc", threads=1)
    data = (tmp_path / "x.sarc").read_bytes()
    assert sarcodec.decode(data).shape == (ROWS, COLS) and sarcodec.decode(data, indexes=[1]).shape == (1, ROWS, COLS)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32", "float64", ">u2", ">f4"])
def test_lossless_arrays_of_all_types(pixels, dtype):
    pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    array = (pixels // 8).clip(1, 255).astype(dtype)[:, ::-1, ::2]
    back = sarcodec.decode(sarcodec.encode(array, lossless=True, threads=1), threads=1)
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)


def test_all_that_is_said_is_there(tmp_path, pixels):
    gcps = [
        GroundControlPoint(float(r), float(c), c / 10, r / 10, 5.0, str(n), "")
        for n, (r, c) in enumerate(((0, 0), (0, 90), (70, 3)), 1)
    ]
    words = {
        "descriptions": ("a", None),
        "units": "DN",
        "scales": (1, 2),
        "offsets": 0,
        "nodata": (0, None),
        "tags": {"K": "v", "N": {"k": 1}},
    }
    data = sarcodec.encode(
        pixels, crs=32633, transform=tuple(PLACE)[:6], gcps=(gcps, "EPSG:4326"), domain="amplitude", threads=1, **words
    )
    with sarcodec.open(data, threads=1) as scene:
        assert scene.crs == UTM and scene.transform == PLACE and scene.gcps[1] == CRS.from_epsg(4326)
        assert list(map(repr, scene.gcps[0])) == list(map(repr, gcps))
        assert (scene.descriptions, scene.units, scene.scales, scene.offsets) == (
            ("a", None),
            ("DN", "DN"),
            (1, 2),
            (0, 0),
        )
        assert scene.nodatavals == (0, None) and scene.tags() == {"K": "v"} and scene.tags(ns="N") == {"k": "1"}
        again = sarcodec.encode(
            pixels, crs=scene.crs, transform=scene.transform, gcps=scene.gcps, domain="amplitude", threads=1, **words
        )
    assert again == data
    sarcodec.decompress(data, tmp_path / "out.tif", threads=1)
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert dataset.descriptions == ("a", None) and dataset.transform == PLACE


def test_a_crs_that_rasterio_does_not_know(pixels, capfd):
    with sarcodec.open(sarcodec.encode(pixels, crs='PROJCS["nonsense"]', threads=1), threads=1) as scene:
        assert "nonsense" in repr(scene)
        with pytest.raises(UnreadableScene, match="nonsense"):
            _ = scene.crs
    assert not capfd.readouterr().err


def test_masks(pixels):
    hidden = np.zeros((2, ROWS, COLS), bool)
    hidden[0, :30], hidden[1, :, :40] = True, True
    masked = np.ma.MaskedArray(pixels, hidden)
    each = np.where(hidden, 0, 255).astype(np.uint8)
    for array, mask, expected in (
        (pixels, None, np.full_like(each, 255)),
        (pixels, ~hidden[0], each[[0, 0]]),
        (pixels, each[0], each[[0, 0]]),
        (pixels, each, each),
        (masked, None, each),
        (masked, each[1], each[[1, 1]]),
    ):
        with sarcodec.open(sarcodec.encode(array, mask=mask, threads=1), threads=1) as scene:
            np.testing.assert_array_equal(scene.read_masks(), expected)
            np.testing.assert_array_equal(scene.read(2, masked=True).mask, expected[1] == 0)


@pytest.mark.parametrize(
    "aim", [{"target_bpp": 1.5}, {"target_size": 3000}, {"target_rmse_db": 0.4}, {"quality_class": "archive"}], ids=str
)
def test_targets(pixels, aim):
    steps = []
    data = sarcodec.encode(pixels, threads=1, progress=lambda done, of: steps.append(done / of), **aim)
    assert steps[-1] == 1 and sarcodec.verify(data, threads=1).passed
    assert len(data) <= {"target_size": 3000}.get(next(iter(aim)), 1 << 20)


def test_bands_that_are_coded_alone(pixels):
    data = sarcodec.encode(pixels, threads=1, independent_bands=True, exact_bands=iter([2]))
    np.testing.assert_array_equal(sarcodec.decode(data, indexes=2), pixels[1])
    with pytest.raises(InvalidArgument, match="exact bands"):
        sarcodec.encode(pixels, exact_bands=["VV"])


@pytest.mark.parametrize(
    "array, error, words",
    [
        (np.ones(5, np.uint8), InvalidArgument, r"\(5,\)"),
        (np.ones((1, 1, 2, 2), np.uint8), InvalidArgument, "expected"),
        (np.ones((0, 5), np.uint8), InvalidArgument, "none of them 0"),
        (np.ones((5, 5), np.complex64), UnsupportedScene, "complex64.*abs"),
        (np.ones((5, 5), np.int64), UnsupportedScene, "int64"),
        (np.ones((5, 5), bool), UnsupportedScene, "bool"),
        ([["a"]], UnsupportedScene, "expected one of"),
    ],
)
def test_arrays_that_are_no_scenes(array, error, words):
    with pytest.raises(error, match=words):
        sarcodec.encode(array)


@pytest.mark.parametrize(
    "words, said",
    [
        ({"mask": np.ones((3, 3), bool)}, "the mask is"),
        ({"mask": np.ones((ROWS, COLS), float)}, "uint8"),
        ({"transform": (1, 2, 3)}, "transform"),
        ({"transform": (1, 2, 3, 4, 5, np.nan)}, "transform"),
        ({"crs": "EPSG:nowhere"}, "CRS"),
        ({"descriptions": ("a", "b", "c")}, "3 descriptions"),
        ({"nodata": (1,)}, "1 nodata"),
        ({"quality": 50, "lossless": True}, "targets"),
        ({"effort": 11}, "effort"),
        ({"quality": 101}, "101"),
        ({"lossless": True, "model": "lapped32"}, "without a model"),
        ({"domain": "dB"}, "domain"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_words_that_mean_nothing(pixels, words, said):
    with pytest.raises(InvalidArgument, match=said):
        sarcodec.encode(pixels, threads=1, **words)


def test_a_size_that_cannot_be_met(pixels):
    with pytest.raises(TargetNotReached):
        sarcodec.encode(pixels, target_size=50, threads=1)


def test_bytes_that_are_no_scene(data, tmp_path):
    with pytest.raises(NotSarcodec):
        sarcodec.decode(b"II*\0" * 10)
    with pytest.raises(CorruptFile):
        sarcodec.decode(data[:-5])
    for other in (str(tmp_path), tmp_path, None, np.ones(3)):
        with pytest.raises(InvalidArgument, match="sarcodec.open"):
            sarcodec.decode(other)


def test_what_is_public():
    assert sorted(sarcodec.__all__) == sarcodec.__all__ and all(hasattr(sarcodec, name) for name in sarcodec.__all__)
    assert all(getattr(sarcodec, name).__doc__ for name in sarcodec.__all__)
    assert sarcodec.errors is sys.modules["sarcodec.errors"] and "Window" not in sarcodec.__all__
    with pytest.raises(AttributeError):
        getattr(sarcodec, "CompressedScene")  # noqa: B009
