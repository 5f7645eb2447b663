"""decompress --reconstruct and --speckle: unbiased power, restored texture, from one file; windows agree; refusals."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from sarcodec.decoding.learned import _with_halo
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.errors import InvalidArgument, ModelError
from sarcodec.format.reader import FileReader
from sarcodec.format.tiling import Window
from sarcodec.models import published
from sarcodec.quality.metrics import compare_levels
from sarcodec.raster.geotiff import open_scene
from sarcodec.simulate.product import simulate

ROWS, COLS = 288, 600  # two tiles
MODES = {"log": ("log", "keep"), "power": ("power", "keep"), "restore": ("power", "restore")}


def model_with_errors(folder: Path, name: str, errors: np.ndarray) -> None:
    """The shipped model with another array of expected errors, under another id."""
    home = next(f / published.DEFAULT_MODEL for f in published.folders() if (f / published.DEFAULT_MODEL).exists())
    shutil.copytree(home, folder / name)
    arrays = dict(np.load(folder / name / "prior.npz")) | {"errors": errors}
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    (folder / name / "prior.npz").write_bytes(out.getvalue())
    card = json.loads((folder / name / "card.json").read_text())
    contents = {n: (folder / name / n).read_bytes() for n in published.FILES}
    (folder / name / "card.json").write_text(
        json.dumps(card | {"id": name, "digest": published.digest_of(contents).hex()})
    )


def gaussian_errors() -> np.ndarray:
    """About what Gaussian latents lose: their variance where it is small, then that of the quantiser."""
    level = np.arange(256) % 64
    errors = np.minimum(np.exp2(2 * ((level - 0.5) / 4 - 4)), 0.1)
    errors[level == 0] = 0.15  # of the channel's typical variance
    return np.rint(np.repeat(errors[:, None], 8, 1) * 65536).astype(np.int32)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    model_with_errors(folder, "knows", gaussian_errors())
    model_with_errors(folder, "ignores", np.zeros((256, 8), np.uint8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SARCODEC_MODELS", str(folder))
        yield folder


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("power") / "scene.tif"
    simulate(path, ROWS, COLS, seed=5)
    return path


@pytest.fixture(scope="module")
def packed(models, scene) -> Path:
    sarcodec.compress(scene, scene.with_suffix(".sarc"), quality=34, model="knows")
    return scene.with_suffix(".sarc")


def levels_of(pixels: np.ndarray) -> np.ndarray:
    return 20 * np.log10(np.maximum(pixels, 1).astype(np.float64))


@pytest.fixture(scope="module")
def original(scene) -> np.ndarray:
    with open_scene(scene) as reader:
        return np.stack([reader.read(b, Window(0, 0, ROWS, COLS)) for b in (0, 1)])


@pytest.fixture(scope="module")
def decoded(packed) -> dict[str, np.ndarray]:
    found = {}
    for name, (reconstruct, speckle) in MODES.items():
        with sarcodec.open(packed, reconstruct=reconstruct, speckle=speckle) as opened:
            found[name] = opened.read()
    return found


@pytest.mark.parametrize("band", [0, 1])
def test_power_is_unbiased_and_texture_is_back(original, decoded, band):
    before, guide = levels_of(original[band]), levels_of(original[1 - band])
    found = {n: compare_levels(before, levels_of(p[band]), original[band] > 0, guide) for n, p in decoded.items()}
    assert found["log"].bias_power_db < -0.1
    assert abs(found["power"].bias_power_db) < 0.02 and abs(found["restore"].bias_power_db) < 0.03
    assert found["log"].rmse_db < found["power"].rmse_db < found["log"].rmse_db + 0.1
    assert found["log"].enl_ratio > 1.3 and found["restore"].enl_ratio == pytest.approx(1, abs=0.08)
    there = found["restore"]
    assert there.correlation_across_decoded == pytest.approx(there.correlation_across_original, abs=0.08)


@pytest.mark.parametrize("mode", ["power", "restore"])
def test_a_window_is_a_part_of_the_whole(packed, decoded, mode):
    window = slice(120, 180), slice(480, 550)  # across the border of the tiles
    with sarcodec.open(packed, reconstruct=MODES[mode][0], speckle=MODES[mode][1]) as opened:
        np.testing.assert_array_equal(opened.read(2, window=window), decoded[mode][1][window])


def test_texture_is_the_same_again_and_another_in_each_tile_and_band(packed, decoded):
    with sarcodec.open(packed, speckle="restore") as opened:
        np.testing.assert_array_equal(opened.read(), decoded["restore"])
    added = levels_of(decoded["restore"]) - levels_of(decoded["power"])
    assert abs(np.corrcoef(added[0].ravel(), added[1].ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(added[0][:, :88].ravel(), added[0][:, 512:].ravel())[0, 1]) < 0.1


def test_tags_say_what_was_done(packed, tmp_path):
    sarcodec.decompress(packed, tmp_path / "out.tif", speckle="restore")
    with open_scene(tmp_path / "out.tif") as reader:
        tags = dict(dict(reader.info.tags)["SARCODEC"])
    assert tags["RECONSTRUCT"] == "power" and tags["SPECKLE"] == "restore"


def test_mean_levels_are_kept_where_power_is_not_asked_for(packed, decoded):
    with sarcodec.open(packed, reconstruct="log", speckle="restore") as opened:
        restored = levels_of(opened.read())
    assert restored.mean() == pytest.approx(levels_of(decoded["log"]).mean(), abs=0.1)
    assert restored.var() > levels_of(decoded["log"]).var()


def test_a_model_that_does_not_know_its_errors_gives_power_but_no_texture(models, scene, original):
    path = scene.with_name("ignores.sarc")
    sarcodec.compress(scene, path, quality=34, model="ignores")
    with sarcodec.open(path) as opened:
        pixels = opened.read()
    bias = 10 * np.log10(np.square(pixels[0], dtype=float).sum() / np.square(original[0], dtype=float).sum())
    assert abs(bias) < 0.02
    with pytest.raises(ModelError, match="restored"):
        sarcodec.open(path, speckle="restore")


@pytest.mark.parametrize("words", [{"reconstruct": "dB"}, {"speckle": "add"}])
def test_other_words_are_refused(packed, tmp_path, words):
    with pytest.raises(InvalidArgument, match="expected one of"):
        sarcodec.decompress(packed, tmp_path / "out.tif", **words)
    assert not (tmp_path / "out.tif").exists()


def test_lost_variances_around_a_tile_are_the_neighbours(packed):
    with FileReader(packed) as file:
        decoder = SceneDecoder(file).learned
        left, right = (decoder._tile(tile, 0).lost for tile in (0, 1))
        assert left.shape == (9, 16) and right.shape == (9, 3) and (left > 0).all()
        around = _with_halo([tile and tile.lost for tile in decoder._around(0, 0, None)], left)
        np.testing.assert_array_equal(around[1:-1, 1:-1], left)
        np.testing.assert_array_equal(around[1:-1, -1], right[:, 0])
        np.testing.assert_array_equal(around[0, 1:-1], left[0])
