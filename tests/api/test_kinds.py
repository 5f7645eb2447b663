"""Files whose bands are of different kinds: radar by the model or within a bound, everything else bit for bit; masks behind them."""

import dataclasses
import sys
import warnings

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

import sarcodec
from api.scenes import amplitude, bits, speckle, store, walk
from sarcodec.errors import InvalidArgument, TargetNotReached, UnsupportedScene
from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window
from sarcodec.raster.geotiff import SceneWriter, open_scene, read_array

ROWS, COLS = 70, 90


def geometry(rows: int = ROWS, cols: int = COLS) -> np.ndarray:
    """An incidence angle in degrees."""
    return (30 + np.arange(rows)[:, None] / 700 + np.arange(cols)[None] / 90).astype(np.float32)


def export() -> np.ndarray:
    """VV and VH in dB beside the angle, float32, with a border of NaN."""
    pixels = np.concatenate([10 * np.log10(0.05 * speckle(1, 2, ROWS, COLS)), geometry()[None]]).astype(np.float32)
    pixels[:, :9] = np.nan
    return pixels


NAMES = {"descriptions": ("VV", "VH", "angle")}


@pytest.mark.parametrize("options", [{"quality": 55}, {"max_error_db": 0.5}, {"lossless": True}, {"target_bpp": 2.0}])
def test_an_angle_beside_two_radar_bands_is_exact(options):
    if {"max_error_db", "lossless"} & set(options):
        pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    walked = walk(export(), NAMES, **options)
    assert [kind.kind == "exact" for kind in walked.report.band_kinds] == [False, False, True]
    assert walked.report.domain == "db" and walked.check.passed
    np.testing.assert_array_equal(bits(walked.after[2]), bits(walked.before[2]))
    valid = np.isfinite(walked.before[:2])
    error = np.abs(walked.after[:2] - walked.before[:2])[valid]
    assert error.max() <= options.get("max_error_db", 0 if options.get("lossless") else 60)
    np.testing.assert_array_equal(bits(walked.after[:2])[~valid], bits(walked.before[:2])[~valid])


def test_exact_bands_need_no_jpeg_xl(tmp_path, monkeypatch):
    """The extra is for those who ask for a bound or for lossless."""
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(InvalidArgument, match=r"sarcodec\[bounded\]"):
        walk(export(), NAMES, lossless=True)
    walked = walk(export(), NAMES, quality=55)
    np.testing.assert_array_equal(bits(walked.after[2]), bits(walked.before[2]))
    assert walked.check.passed and walked.report.band_kinds[2].kind == "exact"


def test_bands_that_are_named_are_exact(tmp_path):
    walked = walk(amplitude(2, ROWS, COLS, bands=3), exact_bands=[2], quality=40)
    assert [kind.kind for kind in walked.report.band_kinds] == ["learned", "exact", "learned"]
    np.testing.assert_array_equal(walked.after[1], walked.before[1])
    assert (walked.after[[0, 2]] != walked.before[[0, 2]]).any(axis=(1, 2)).all()
    source = store(tmp_path / "in.tif", amplitude(2, ROWS, COLS))
    for bands in ([2], [0], [-1]):
        with pytest.raises(InvalidArgument, match="band"):
            sarcodec.compress(source, tmp_path / "out.sarc", exact_bands=bands)


def test_a_scene_of_exact_bands_alone_needs_no_model():
    classes = (np.arange(ROWS)[:, None] // 9 + np.arange(COLS)[None] // 11).astype(np.int32)
    walked = walk(np.stack([classes, classes * 70_000]), exact_bands=[1, 2])
    report = walked.report
    assert (report.mode, report.quality, report.model, report.domain) == ("exact", None, None, None)
    assert walked.check.passed and report.bytes < 1500
    np.testing.assert_array_equal(walked.after, walked.before)


def test_a_size_that_exact_pixels_do_not_reach_is_said(tmp_path):
    source = store(tmp_path / "in.tif", amplitude(3, ROWS, COLS))
    with pytest.raises(TargetNotReached, match="kept"):
        sarcodec.compress(source, tmp_path / "out.sarc", exact_bands=[1], target_size=500)
    assert not (tmp_path / "out.sarc").exists()


@pytest.mark.parametrize("dtype", ["float64", "int32", "uint32"])
def test_wide_types_come_back_as_what_they_were(dtype):
    pixels = 300 * np.sqrt(speckle(4, 1, ROWS, COLS))
    pixels = pixels if dtype == "float64" else np.rint(pixels).clip(1)
    pixels = pixels.astype(dtype)
    pixels[0, :9] = 0
    for options in ({"quality": 60}, {"max_error_db": 0.5}, {"lossless": True}):
        walked = walk(pixels, domain="amplitude", **options)
        assert walked.after.dtype == pixels.dtype and walked.check.passed
        error = np.abs(20 * np.log10(walked.after[0, 9:] / walked.before[0, 9:].astype(float)))
        assert error.max() < (1e-12 if "lossless" in options else 0.5001 if "max_error_db" in options else 8)
        assert (walked.after[0, :9] == 0).all()


def masked(path, pixels: np.ndarray, masks: np.ndarray, form: str):
    bands, rows, cols = pixels.shape
    kind = "dataset" if len(masks) == 1 else "bands"
    info = SceneInfo(rows, cols, bands, pixels.dtype.name, mask=kind, mask_form=form)
    with SceneWriter(path, info, overwrite=True) as writer:
        for band in range(bands):
            writer.write(band, Window(0, 0, rows, cols), pixels[band])
        for plane, mask in enumerate(masks):
            writer.write_mask(plane, Window(0, 0, rows, cols), mask)
    return path


def read_masks(path) -> np.ndarray:
    with open_scene(path) as reader:
        whole = Window(0, 0, reader.info.rows, reader.info.cols)
        return np.stack([reader.read_mask(plane, whole) for plane in range(reader.info.mask_planes)])


def disc(row: int, col: int) -> np.ndarray:
    return np.where(np.hypot(np.arange(ROWS)[:, None] - row, np.arange(COLS)[None] - col) < 20, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("form", ["internal", "sidecar", "bands"])
def test_masks_come_back_in_their_form(tmp_path, form):
    masks = np.stack([disc(30, 30), disc(40, 60)])[: 1 + (form == "bands")]
    form = "sidecar" if form == "bands" else form
    source = masked(tmp_path / "in.tif", amplitude(5, ROWS, COLS, bands=2), masks, form)
    sarcodec.compress(source, tmp_path / "x.sarc", quality=50, threads=1)
    sarcodec.decompress(tmp_path / "x.sarc", tmp_path / "out.tif", threads=1)
    assert sarcodec.info(tmp_path / "x.sarc").masks == len(masks)
    np.testing.assert_array_equal(read_masks(tmp_path / "out.tif"), masks)
    assert (tmp_path / "out.tif.msk").exists() == (form == "sidecar")
    assert sarcodec.verify(tmp_path / "x.sarc", against=source, threads=1).passed


def test_fill_that_a_mask_hides_is_kept_and_spoils_nothing(tmp_path):
    plain = amplitude(6, ROWS, COLS)
    filled, mask = plain.copy(), disc(30, 40)
    filled[0][mask == 0] = 65535
    source = masked(tmp_path / "in.tif", filled, mask[None], "internal")
    sarcodec.compress(source, tmp_path / "x.sarc", quality=45, threads=1)
    sarcodec.decompress(tmp_path / "x.sarc", tmp_path / "out.tif", threads=1)
    after = read_array(tmp_path / "out.tif")[0]
    np.testing.assert_array_equal(after[0][mask == 0], 65535)
    error = 20 * np.log10(after[0] / plain[0].astype(float))[mask > 0]
    alone = walk(plain, quality=45).error_db()
    assert np.sqrt(np.mean(error**2)) < 1.1 * np.sqrt(np.mean(alone**2))


def test_a_window_brings_its_part_of_the_mask(tmp_path):
    masks = np.stack([disc(30, 30), disc(40, 60)])
    source = masked(tmp_path / "in.tif", amplitude(7, ROWS, COLS, bands=2), masks, "sidecar")
    sarcodec.compress(source, tmp_path / "x.sarc", quality=50, threads=1)
    sarcodec.decompress(tmp_path / "x.sarc", tmp_path / "out.tif", window=((10, 40), (20, 60)), indexes=2, threads=1)
    np.testing.assert_array_equal(read_masks(tmp_path / "out.tif")[0], masks[1, 10:40, 20:60])


def test_verify_tells_another_mask_and_another_description(tmp_path):
    pixels = amplitude(8, ROWS, COLS)
    source = masked(tmp_path / "in.tif", pixels, disc(30, 30)[None], "internal")
    sarcodec.compress(source, tmp_path / "x.sarc", quality=50, threads=1)
    other = masked(tmp_path / "other.tif", pixels, disc(31, 30)[None], "internal")
    assert not sarcodec.verify(tmp_path / "x.sarc", against=other, threads=1).passed
    store(tmp_path / "plain.tif", pixels, units=("dn",))
    found = sarcodec.verify(tmp_path / "x.sarc", against=tmp_path / "plain.tif", threads=1)
    assert not found.passed and {"mask", "units"} <= set(found.comparison.description_differences)


def test_a_photograph_is_refused_but_kept_when_asked_exactly(tmp_path):
    pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    photo = np.random.default_rng(1).integers(0, 255, (3, ROWS, COLS)).astype(np.uint8)
    source = store(tmp_path / "in.tif", photo, colorinterp=("red", "green", "blue"))
    with pytest.raises(UnsupportedScene, match="lossless"):
        sarcodec.compress(source, tmp_path / "x.sarc")
    walked = walk(photo, {"colorinterp": ("red", "green", "blue")}, lossless=True)
    np.testing.assert_array_equal(walked.after, photo)
    assert walked.check.passed


def picture() -> np.ndarray:
    """Hills and a sky: smooth, as photographs are."""
    rows, cols = np.mgrid[:ROWS, :COLS]
    waves = [128 + 80 * np.sin(cols / 30 + shift) + 20 * np.cos(rows / 9) for shift in range(3)]
    return np.clip(waves, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "driver, options",
    [("JPEG", {}), ("JPEG", {"quality": 10}), ("PNG", {}), ("WEBP", {}), ("GTiff", {"photometric": "RGB"}),
     ("GTiff", {"photometric": "YCBCR", "compress": "JPEG"}), ("GTiff", {"photometric": "RGB", "dtype": "float32"})],
)  # fmt: skip
def test_photographs_are_refused_in_whatever_file_they_are(tmp_path, driver, options):
    """A channel of a JPEG is as smooth as geometry, beside channels with the noise of the blocks; it is a photograph all the same."""
    pixels, path = picture().astype(options.get("dtype", "uint8")), tmp_path / "in"
    options = {"driver": driver, "count": 3, "height": ROWS, "width": COLS, "dtype": pixels.dtype, **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **options) as dataset:
            dataset.write(pixels)
    for domain in ({}, {"max_error_db": 0.5}, {"quality_class": "archive"}):
        with pytest.raises(UnsupportedScene, match="photograph.*lossless"):
            sarcodec.compress(path, tmp_path / "x.sarc", **domain)


def test_info_says_what_was_taken_and_why(tmp_path):
    source = store(tmp_path / "in.tif", export(), **NAMES)
    sarcodec.compress(source, tmp_path / "x.sarc", quality=50, threads=1)
    kinds = sarcodec.info(tmp_path / "x.sarc").band_kinds
    assert [(kind.band, kind.kind, kind.domain) for kind in kinds] == [
        (1, "learned", "db"),
        (2, "learned", "db"),
        (3, "exact", None),
    ]
    assert all(kind.why for kind in kinds)


def test_scaled_db_keeps_the_bound_in_the_declared_unit():
    pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    level = 10 * np.log10(0.05 * speckle(9, 1, ROWS, COLS))
    for dtype, scale in (("int16", 0.01), ("uint8", 0.2), ("uint16", 0.01), ("int32", 0.001)):
        limits = np.iinfo(dtype)
        pixels = np.rint((level + 50) / scale).clip(limits.min + 1, limits.max).astype(dtype)
        about = {"scales": (scale,), "offsets": (-50.0,), "units": ("dB",)}
        walked = walk(pixels, about, max_error_db=0.5)
        assert walked.check.passed and walked.report.domain == "db"
        worst = np.abs(walked.after.astype(float) - walked.before) * scale
        assert 0.3 * (scale < 0.1) <= worst.max() <= 0.5 + 1e-9
        walked = walk(pixels, about, quality=60)
        error = (walked.after.astype(float) - walked.before) * scale
        assert walked.check.passed and 0.05 < np.sqrt(np.mean(error**2)) < 0.6


def test_the_report_is_of_plain_values():
    report = walk(export(), NAMES, quality=50).report
    assert dataclasses.asdict(report)["band_kinds"][2]["kind"] == "exact" and report.notes == ()
