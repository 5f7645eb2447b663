"""Scenes through a model into a research file and back: geometry, masks, domains, tiles, models that do not fit."""

from dataclasses import replace

import numpy as np
import pytest
from rasterio.crs import CRS
from study.fake_model import FakeModel, published_as

from sarcodec.errors import (
    CorruptFile,
    InvalidArgument,
    NotSarcodec,
    OutputExists,
    SarcodecError,
    UnknownModel,
    UnreadableScene,
)
from sarcodec.format.scene import GroundControlPoint, SceneInfo
from sarcodec.raster.geotiff import read_array, write_array
from sarcodec.signal.radiometry import AMPLITUDE, Measure, normalise
from sarcodec_lab.networks.levels import STUDY
from sarcodec_lab.study.files import coder, decode, latent_file

ABOUT = {
    "uint16": {
        "gcps": (GroundControlPoint(0, 0, 10, 50, 3), GroundControlPoint(70, 80, 10.1, 49.9, 5, "2")),
        "gcp_crs_wkt": CRS.from_epsg(4326).to_wkt(),
        "descriptions": ("VV",),
        "nodata": (0.0,),
    },
    "float32": {"transform": (10.0, 0, 5e5, 0, -10.0, 5.6e6), "units": ("dB",), "nodata": (-9999.0,)},
}


def smooth(rows: int, cols: int, seed: int = 1) -> np.ndarray:
    """Levels in dB that low frequencies hold nearly whole."""
    random = np.random.default_rng(seed)
    waves = [
        np.cos(2 * np.pi * (random.uniform(0, 2, 2) @ place + random.uniform()))
        for _ in range(4)
        for place in [np.stack(np.meshgrid(np.arange(rows) / 90, np.arange(cols) / 90, indexing="ij")).reshape(2, -1)]
    ]
    return 45 + 2 * sum(waves).reshape(rows, cols) + random.normal(0, 0.05, (rows, cols))


def store(path, dtype: str = "uint16", rows: int = 90, cols: int = 100, bands: int = 1):
    """A scene with invalid pixels; gives its pixels."""
    levels = np.stack([smooth(rows, cols, seed) for seed in range(bands)])
    pixels = np.rint(10 ** (levels / 20)).astype(dtype) if dtype != "float32" else (levels - 60).astype(dtype)
    pixels[:, :, : cols // 9] = 0 if dtype != "float32" else -9999
    if dtype == "float32":
        pixels.view(np.uint32)[0, rows // 2, cols // 2 :][:3] = (0x7FC12345, 0xFFC00001, 0x7F800000)
    about = {
        **ABOUT[dtype],
        **{k: v * bands for k, v in ABOUT[dtype].items() if k in ("nodata", "descriptions", "units")},
    }
    write_array(path, pixels, SceneInfo(rows, cols, bands, dtype, **about))
    return pixels


def there_and_back(tmp_path, model, multiplier: float = 1.0, **options):
    report = coder.encode_scene(tmp_path / "in.tif", model, multiplier, tmp_path / "scene.sara", **options)
    coder.decode_scene(tmp_path / "scene.sara", model, tmp_path / "out.tif")
    assert report.bytes == (tmp_path / "scene.sara").stat().st_size
    return report, *read_array(tmp_path / "out.tif")


def worst_db(one: np.ndarray, other: np.ndarray, domain: str, nodata: float) -> float:
    (level, valid), (found, found_valid) = (
        normalise(pixels, Measure(domain, nodata=nodata)) for pixels in (one, other)
    )
    assert np.array_equal(valid, found_valid)
    return float(np.abs(level - found)[valid].max())


@pytest.mark.parametrize("tile_px", [None, 64])
@pytest.mark.parametrize(
    "dtype, domain, bands", [("uint16", "amplitude", 1), ("float32", "db", 1), ("uint16", "amplitude", 2)]
)
def test_a_scene_comes_back(tmp_path, tile_px, dtype, domain, bands):
    pixels = store(tmp_path / "in.tif", dtype, bands=bands)
    model = FakeModel(latent_channels=36, tile_px=tile_px)
    report, found, _ = there_and_back(tmp_path, model, overlap_px=16)
    nodata = ABOUT[dtype]["nodata"][0]
    assert max(worst_db(a, b, domain, nodata) for a, b in zip(pixels, found)) < 3
    invalid = ~normalise(pixels, Measure(domain, nodata=nodata))[1]
    bits = f"u{pixels.itemsize}"
    assert np.array_equal(pixels.view(bits)[invalid], found.view(bits)[invalid])
    assert report.bits_per_pixel == 8 * report.bytes / pixels.size and 0 < report.payload_bytes < report.bytes
    assert report.clipped_share == 0 and report.tiles == (4 if tile_px else 1)


def test_what_a_scene_says_of_itself_comes_back(tmp_path):
    store(tmp_path / "in.tif", "float32")
    _, _, info = there_and_back(tmp_path, FakeModel())
    assert info.transform == ABOUT["float32"]["transform"] and info.units == ("dB",) and info.nodata == (-9999.0,)
    assert dict(dict(info.tags)["SARCODEC"])["MODEL"] == "fake-dct"
    store(tmp_path / "in.tif.points.tif")
    coder.encode_scene(tmp_path / "in.tif.points.tif", FakeModel(), 1, tmp_path / "p.sara")
    coder.decode_scene(tmp_path / "p.sara", FakeModel(), tmp_path / "p.tif")
    points = read_array(tmp_path / "p.tif")[1].gcps
    assert [(p.row, p.col, p.x, p.y, p.z) for p in points] == [(0, 0, 10, 50, 3), (70, 80, 10.1, 49.9, 5)]


def test_larger_steps_take_fewer_bytes(tmp_path):
    store(tmp_path / "in.tif")
    sizes = [
        coder.encode_scene(tmp_path / "in.tif", FakeModel(), step, tmp_path / "s.sara", overwrite=True).bytes
        for step in (0.25, 1, 4)
    ]
    assert sizes[0] > sizes[1] > sizes[2]


def test_latents_are_chosen_unless_told_otherwise(tmp_path):
    """Fewer bytes for an error that is hardly larger; the file is read as any other, and what is no weight is refused."""
    model, reports, errors = FakeModel(step=0.1), [], []
    for name, options in (("plain", {"rate_weight": 0}), ("chosen", {})):
        (tmp_path / name).mkdir()
        pixels = store(tmp_path / name / "in.tif", rows=200, cols=200)
        report, found, _ = there_and_back(tmp_path / name, model, **options)
        (level, valid), (back, _) = (normalise(dn[0], AMPLITUDE) for dn in (pixels, found))
        reports.append(report)
        errors.append(np.mean((level - back)[valid] ** 2))
    assert reports[1].bytes < 0.98 * reports[0].bytes and errors[1] < 1.1 * errors[0]
    for weight in (-1, float("nan"), float("inf")):
        with pytest.raises(InvalidArgument, match="rate weight"):
            coder.encode_scene(tmp_path / "plain" / "in.tif", model, 1, tmp_path / "t.sara", rate_weight=weight)
    assert not (tmp_path / "t.sara").exists()


def test_tiles_that_overlap_cost_bytes_and_the_report_says_how_many_tiles(tmp_path):
    store(tmp_path / "in.tif", rows=200, cols=200)
    model = FakeModel(tile_px=64)
    reports = [
        coder.encode_scene(tmp_path / "in.tif", model, 1, tmp_path / "s.sara", overlap_px, overwrite=True)
        for overlap_px in (0, 32)
    ]
    assert reports[0].tiles < reports[1].tiles and reports[0].bytes < reports[1].bytes


def test_the_share_of_clipped_pixels_is_counted(tmp_path):
    pixels = store(tmp_path / "in.tif")
    report, _, _ = there_and_back(tmp_path, FakeModel(scale=STUDY))
    level, valid = normalise(pixels, AMPLITUDE)
    low, high = STUDY.to_level(0, 0), STUDY.to_level(1, 0)
    assert report.clipped_share == np.mean(((level < low) | (level > high))[valid]) > 0


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (17, 3), (64, 64), (65, 64)])
def test_small_scenes_come_back(tmp_path, size):
    pixels = np.full((1, *size), 200, np.uint16)
    write_array(tmp_path / "in.tif", pixels, SceneInfo(*size, 1, "uint16"))
    for tile_px in (None, 64):
        model = FakeModel(tile_px=tile_px)
        coder.encode_scene(tmp_path / "in.tif", model, 0.1, tmp_path / "s.sara", overwrite=True)
        coder.decode_scene(tmp_path / "s.sara", model, tmp_path / "out.tif", overwrite=True)
        assert np.abs(read_array(tmp_path / "out.tif")[0].astype(int) - 200).max() <= 1


def test_a_scene_without_valid_pixels_comes_back(tmp_path):
    pixels = np.zeros((1, 40, 40), np.uint16)
    write_array(tmp_path / "in.tif", pixels, SceneInfo(40, 40, 1, "uint16"))
    _, found, _ = there_and_back(tmp_path, FakeModel())
    assert np.array_equal(found, pixels)


def test_a_large_scene_is_cut_for_a_convolutional_model_too(monkeypatch, tmp_path):
    monkeypatch.setattr(coder, "WHOLE_PX", 4000)
    monkeypatch.setattr(coder, "LARGE_TILE_PX", 48)
    store(tmp_path / "in.tif")
    report, _, _ = there_and_back(tmp_path, FakeModel(), overlap_px=16)
    assert report.tiles == 9


def test_another_model_is_refused(tmp_path):
    store(tmp_path / "in.tif")
    coder.encode_scene(tmp_path / "in.tif", FakeModel(), 1, tmp_path / "s.sara")
    for other in (FakeModel(id="other"), FakeModel(digest=bytes(32))):
        with pytest.raises(UnknownModel):
            coder.decode_scene(tmp_path / "s.sara", other, tmp_path / "out.tif")
    for other in (FakeModel(latent_channels=8), FakeModel(tile_px=64)):
        with pytest.raises(CorruptFile):
            coder.decode_scene(tmp_path / "s.sara", other, tmp_path / "out.tif")


def test_nothing_is_overwritten_unasked_and_bad_input_has_its_errors(tmp_path):
    store(tmp_path / "in.tif")
    (tmp_path / "s.sara").write_bytes(b"mine")
    with pytest.raises(OutputExists):
        coder.encode_scene(tmp_path / "in.tif", FakeModel(), 1, tmp_path / "s.sara")
    with pytest.raises(NotSarcodec):
        coder.decode_scene(tmp_path / "s.sara", FakeModel(), tmp_path / "out.tif")
    with pytest.raises(UnreadableScene):
        coder.encode_scene(tmp_path / "s.sara", FakeModel(), 1, tmp_path / "t.sara")
    for multiplier in (0, -1, float("nan"), float("inf"), 1e-40, 1e-12):
        with pytest.raises(InvalidArgument):
            coder.encode_scene(tmp_path / "in.tif", FakeModel(), multiplier, tmp_path / "t.sara")
    assert not (tmp_path / "t.sara").exists() and not (tmp_path / "out.tif").exists()


def test_a_damaged_file_leaves_no_raster(tmp_path):
    store(tmp_path / "in.tif")
    coder.encode_scene(tmp_path / "in.tif", FakeModel(), 1, tmp_path / "s.sara")
    data = (tmp_path / "s.sara").read_bytes()
    for place in range(0, len(data), 7):
        (tmp_path / "bad.sara").write_bytes(data[:place] + bytes([data[place] ^ 0xA5]) + data[place + 1 :])
        with pytest.raises(SarcodecError):
            coder.decode_scene(tmp_path / "bad.sara", FakeModel(), tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()


def test_damaged_descriptions_and_masks_stay_in_the_error_tree(tmp_path):
    store(tmp_path / "in.tif")
    coder.encode_scene(tmp_path / "in.tif", FakeModel(), 1, tmp_path / "s.sara")
    head, bands = latent_file.unpack((tmp_path / "s.sara").read_bytes())
    bad_mask = replace(bands[0], mask=b"\x55" + bands[0].mask[1:])
    for damaged in ((replace(head, metadata=b"\x07rubbish"), bands), (head, [bad_mask])):
        (tmp_path / "bad.sara").write_bytes(latent_file.pack(*damaged))
        with pytest.raises(CorruptFile):
            coder.decode_scene(tmp_path / "bad.sara", FakeModel(), tmp_path / "out.tif")


def test_the_door_decodes_and_gives_exit_codes(tmp_path, monkeypatch, capsys):
    store(tmp_path / "in.tif")
    model, out = FakeModel(), tmp_path / "out.tif"
    coder.encode_scene(tmp_path / "in.tif", model, 1, tmp_path / "s.sara")
    published_as(monkeypatch, lambda folder: model)
    arguments = [str(tmp_path / "s.sara"), str(out), "--models", str(tmp_path)]
    assert decode.main(arguments) == 4 and "fake-dct" in capsys.readouterr().err
    (tmp_path / "fake-dct").mkdir()
    assert decode.main(arguments) == 0 and read_array(out)[1].rows == 90
    assert decode.main(arguments) == 6 and decode.main([*arguments, "--overwrite"]) == 0
    assert decode.main([str(tmp_path / "in.tif"), *arguments[1:]]) == 5
    assert decode.main([str(tmp_path / "none"), *arguments[1:]]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
