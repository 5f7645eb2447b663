"""COGs: pixels of decompress, overviews of mean power, and all that is said."""

import numpy as np
import pytest
import rasterio

import sarcodec
from api.scenes import amplitude
from doors.scenes import decompressed, geocoded, grd
from sarcodec.errors import InvalidArgument, OutputExists
from sarcodec.raster.comparing import differences
from sarcodec.raster.description import read_info
from sarcodec.raster.quiet import open_reader

SIDES = [2, 4, 8, 16, 32]


def cog_of(path, **options):
    target = path.with_suffix(".cog.tif")
    report = sarcodec.decompress(path, target, cog=True, threads=2, overwrite=True, **options)
    return target, report


@pytest.mark.parametrize("make", [grd, geocoded])
def test_everything_is_that_of_decompress(tmp_path, make):
    path = make(tmp_path)
    pixels = decompressed(path)
    target, report = cog_of(path)
    assert report.notes == ()
    with open_reader(target) as found, open_reader(path.with_suffix(".back.tif")) as wanted:
        one, other = read_info(found), read_info(wanted)
        assert not differences(other, one) and not differences(one, other)
        np.testing.assert_array_equal(found.read(), pixels)
        np.testing.assert_array_equal(found.dataset_mask(), wanted.dataset_mask())
        assert found.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and found.compression.name == "deflate"
        assert found.overviews(1) == [side for side in SIDES if max(found.shape) * 2 > 512 * side]


@pytest.fixture(scope="module", params=["amplitude", "power", "db", "mask", "bounded", "lossless"])
def large(request, tmp_path_factory):
    kind, path = request.param, tmp_path_factory.mktemp("large") / "a.sarc"
    pixels = amplitude(5, 520, 2100, 2) + np.uint16(50)  # so that rounding is small, and no value is a fill
    about: dict = {"domain": "amplitude", "quality": 30, "effort": 0}
    if kind in ("power", "db"):
        pixels = (pixels / np.float32(300)).astype("float32") ** 2
        pixels = 10 * np.log10(np.maximum(pixels, 1e-5)) if kind == "db" else pixels
        about |= {"domain": kind, "nodata": np.nan}
        pixels[:, :300, :500] = np.nan
    else:
        pixels[:, :300, :500] = 0
        about |= {"mask": np.where(pixels[0], 255, 0).astype("uint8")} if kind == "mask" else {"nodata": 0}
    if kind in ("bounded", "lossless"):
        pytest.importorskip("imagecodecs", reason="imagecodecs (extra bounded) is not installed")
        about = {"nodata": 0, "domain": "amplitude"} | (
            {"lossless": True} if kind == "lossless" else {"max_error_db": 1}
        )
    path.write_bytes(sarcodec.encode(pixels, **about))
    return kind, path, cog_of(path)[0]


def test_directories_come_first_and_small_pictures_before_large_ones(large):
    """The rules of the standard, by the places that GDAL tells."""
    with rasterio.open(large[2]) as whole:
        count = len(whole.overviews(1))
        firsts = [int(whole.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))]
        directories = [int(whole.get_tag_item("IFD_OFFSET", "TIFF", bidx=1))]
    for level in range(count):
        with rasterio.open(large[2], overview_level=level) as one:
            firsts.append(int(one.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1)))
            directories.append(int(one.get_tag_item("IFD_OFFSET", "TIFF", bidx=1)))
            assert one.block_shapes == [(512, 512)] * one.count
    assert count == 3 and directories == sorted(directories) and firsts == sorted(firsts, reverse=True)
    assert max(directories) < min(firsts)


def test_overviews_are_means_of_power(large):
    kind, path, target = large
    with sarcodec.open(path) as scene, rasterio.open(target) as whole:
        full, valid = whole.read(1), whole.read_masks(1) > 0
        for level, side in enumerate(whole.overviews(1)):
            with rasterio.open(target, overview_level=level) as found:
                small, mask = found.read(1), found.read_masks(1)
            if side >= 8:
                np.testing.assert_array_equal(small, scene.read(1, reduce=side))
                np.testing.assert_array_equal(mask, scene.read_masks(1, reduce=side))
                continue
            if kind == "lossless":
                continue  # exact bands are not said to be radar: the middle pixels
            rows, cols = 520 // side, 2100 // side
            cut = lambda array: array[: rows * side, : cols * side].reshape(rows, side, cols, side)
            weight = cut(valid).sum((1, 3))
            power = cut(np.where(valid, linear(full, kind), 0.0)).sum((1, 3)) / np.maximum(weight, 1)
            some = weight > 0
            error = 10 * np.log10(linear(small[:rows, :cols], kind)[some] / power[some])
            assert np.abs(error).max() < (0.01 if "float" in str(full.dtype) else 0.1), (side, np.abs(error).max())
            assert abs(error.mean()) < 0.01
            assert (mask[:rows, :cols][~some] == 0).all() and (mask[:rows, :cols][some] == 255).all()


def linear(pixels, kind):
    pixels = pixels.astype("float64")
    return pixels**2 if kind not in ("power", "db") else pixels if kind == "power" else 10 ** (pixels / 10)


def test_bands_that_are_chosen(large):
    _, path, _ = large
    target, _ = cog_of(path, indexes=2)
    with sarcodec.open(path) as scene, rasterio.open(target) as found:
        assert found.count == 1
        np.testing.assert_array_equal(found.read(1), scene.read(2))
        np.testing.assert_array_equal(found.read_masks(1), scene.read_masks(2))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "uint32", "float64"])
def test_every_type(tmp_path, dtype):
    pytest.importorskip("imagecodecs", reason="imagecodecs (extra bounded) is not installed")
    rng, info = np.random.default_rng(1), np.iinfo(dtype) if "int" in dtype else np.finfo(dtype)
    low, high = max(info.min, -(2**31)), min(info.max, 2**31)
    pixels = rng.uniform(low, high, (600, 700)).astype(dtype)
    (tmp_path / "a.sarc").write_bytes(sarcodec.encode(pixels, lossless=True, exact_bands=1))
    with rasterio.open(cog_of(tmp_path / "a.sarc")[0]) as found:
        np.testing.assert_array_equal(found.read(1), pixels)


def test_masks_of_single_bands(tmp_path):
    pixels = amplitude(7, 700, 700, 2)
    masks = (pixels > 200).astype("uint8") * 255
    (tmp_path / "a.sarc").write_bytes(sarcodec.encode(pixels, quality=30, effort=0, domain="amplitude", mask=masks))
    with pytest.raises(InvalidArgument, match="--indexes"):
        cog_of(tmp_path / "a.sarc")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.sarc"]
    target, _ = cog_of(tmp_path / "a.sarc", indexes=2)
    with rasterio.open(target) as found:
        np.testing.assert_array_equal(found.read_masks(1), masks[1])


def test_parts_are_refused_and_nothing_is_replaced(tmp_path):
    path = grd(tmp_path, 100, 120)
    for part in ({"window": ((0, 10), (0, 10))}, {"reduce": 8}):
        with pytest.raises(InvalidArgument, match="whole scenes"):
            cog_of(path, **part)
    (tmp_path / "there.tif").write_text("mine")
    with pytest.raises(OutputExists):
        sarcodec.decompress(path, tmp_path / "there.tif", cog=True)
    assert (tmp_path / "there.tif").read_text() == "mine"
    data = bytearray(path.read_bytes())
    data[-20] ^= 255
    with pytest.raises(sarcodec.errors.CorruptFile):
        sarcodec.decompress(bytes(data), tmp_path / "new.tif", cog=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["grd.in.tif", "grd.sarc", "there.tif"]
