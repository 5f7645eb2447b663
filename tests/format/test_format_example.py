"""docs/format.md is complete: a reader written from it alone gives the codec's symbols, latents and pixels."""

from pathlib import Path

import numpy as np
import pytest

import sarcodec
from format.slow_reader import SlowModel, read_file, sections
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.format.reader import FileReader
from sarcodec.models import published
from sarcodec.simulate.product import simulate

ROWS, COLS = 61, 90  # 2 x 3 cells, cut at both edges
QUALITIES = (25, 95)


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    """Two bands of uint16 with a border of nodata: a mask section beside the latents."""
    path = tmp_path_factory.mktemp("example") / "scene.tif"
    simulate(path, ROWS, COLS, seed=2, nodata_border=True)
    return path


@pytest.fixture(scope="module")
def slow(scene) -> SlowModel:
    """The shipped model, read by the slow reader."""
    homes = [folder / published.DEFAULT_MODEL for folder in published.folders()]
    return SlowModel(next(home for home in homes if home.exists()))


@pytest.fixture(scope="module", params=QUALITIES)
def packed(request, scene) -> Path:
    path = scene.with_name(f"{request.param}.sarc")
    sarcodec.compress(scene, path, quality=request.param)
    return path


@pytest.fixture(scope="module")
def read(packed, slow):
    """(file, symbols, latents in 1/32 step (2, 3, 1024)) of band 1, which leans on band 0, as the page has it."""
    file = read_file(packed.read_bytes())
    assert file.references == [-1, 0]
    reference = slow.read_tile(sections(file.payloads[0])[1], file.steps[0], 2, 3)[1], file.steps[0]
    symbols, cells = slow.read_tile(sections(file.payloads[1])[4], file.steps[1], 2, 3, reference)
    return file, symbols, np.array([[cells[i, j] for j in range(3)] for i in range(2)])


def test_the_file_names_the_model(read, slow):
    file = read[0]
    assert (file.rows, file.cols, file.model_id) == (ROWS, COLS, slow.card["id"])
    assert slow.digest.hex() == slow.card["digest"] and slow.digest.startswith(file.digest)


def test_symbols_are_the_codecs(read, packed):
    with FileReader(packed) as file:
        found = SceneDecoder(file).symbols(0, 1)
    assert len(read[1]) == 24 * 1 * 2 + 1024 * 6 and np.count_nonzero(found) > 20
    np.testing.assert_array_equal(found, read[1])


def test_latents_are_the_codecs_to_the_last_bit(read, packed, slow):
    file, _, latents = read
    exponents = [slow.log2_step(c, file.steps[1]) for c in range(1024)]
    steps = [slow.arrays["steps.powers"][e % 1024] * 2.0 ** ((e >> 10) - 20) for e in exponents]
    assert np.float32(steps).tolist() == steps
    expected = (latents / 32).astype(np.float32) * np.float32(steps)
    with FileReader(packed) as codec_file:
        decoder = SceneDecoder(codec_file).learned
        found = decoder.latents(0, 1)
        np.testing.assert_array_equal(found.values.reshape(2, 3, 1024), latents)
        np.testing.assert_array_equal(decoder.codec.dequantise(found, 2, 3), expected)


def test_pixels_are_the_codecs_to_rounding(read, packed, slow):
    file, _, latents = read
    level = levels_of(file, latents, slow)
    with sarcodec.open(packed, reconstruct="log") as opened:
        pixels = opened.read(2).astype(int)
        valid = pixels != 0
    assert 0.2 < valid.mean() < 1
    restored = np.clip(np.rint(10 ** (level / 20)), 1, 65535)
    assert (np.abs(restored - pixels)[valid] <= 1).all() and (restored == pixels)[valid].mean() > 0.99


def levels_of(file, latents: np.ndarray, slow: SlowModel) -> np.ndarray:
    """Section 11 for a scene of 2 x 3 cells in one tile."""
    s = file.steps[1]
    values = latents / 32 * [2.0 ** (slow.log2_step(c, s) / 1024) for c in range(1024)]
    pixels = (values @ basis()).reshape(2, 3, 32, 32).transpose(0, 2, 1, 3).reshape(64, 96)
    with np.load(slow.folder / "transform.npz", allow_pickle=False) as arrays:
        back = arrays["rotation"].T
    pixels[16:48] = back @ pixels[16:48]
    for border in (32, 64):
        pixels[:, border - 16 : border + 16] = pixels[:, border - 16 : border + 16] @ back.T
    return (pixels + file.levels[1] / 64)[:ROWS, :COLS]


def basis() -> np.ndarray:
    """C of section 10.3 in both directions (1024, 1024), by channel and pixel."""
    wave = lambda a: [np.sqrt((2 if a else 1) / 32) * np.cos(np.pi * (2 * i + 1) * a / 64) for i in range(32)]
    waves = np.array([wave(a) for a in range(32)])
    pairs = sorted(((a, b) for a in range(32) for b in range(32)), key=lambda p: (p[0] ** 2 + p[1] ** 2, p[0]))
    return np.array([np.outer(waves[a], waves[b]).reshape(-1) for a, b in pairs])
