"""What is written of a tile is what is read of it, and a reader at another step, of another size or of noise notices."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sarcodec.encoding import coded_tile
from sarcodec.encoding.tile import TileEncoder
from sarcodec.entropy.prior import CHANNELS
from sarcodec.entropy.tables import MAX_MAGNITUDE
from sarcodec.errors import CorruptFile
from sarcodec.format.sections import BASE, LATENTS, Section
from sarcodec.models import published

STEPS = st.integers(0, 639)
SIDES = st.integers(1, 16)


@pytest.fixture(scope="module")
def codec() -> TileEncoder:
    return TileEncoder(published.load())


def latents_of(codec: TileEncoder, seed: int, rows: int, cols: int, size_db: float) -> np.ndarray:
    """Latents in dB as a scene has them: each channel about as large as the model expects, times size_db."""
    noise = np.random.default_rng(seed).standard_normal((rows, cols, CHANNELS), np.float32)
    return (noise * codec._deviation * np.float32(size_db)).astype(np.float32)


def encode_watched(codec: TileEncoder, latents: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray, Section]:
    """What the writer's walk left as latents in 1/32 step, which of them have a table that codes, and the section."""
    left, coded, walk, skip = (
        [],
        np.zeros((latents[..., 0].size, CHANNELS), bool),
        coded_tile.walk,
        codec.model.tables.skip,
    )

    def watched(prior, step, rows, cols, port, reference, lost, **options):
        ask = port.latents

        def latents_of_pass(rows, mean, cells, channels):
            coded[cells, channels] = ~skip[rows]
            return ask(rows, mean, cells, channels)

        port.latents = latents_of_pass
        left.append(walk(prior, step, rows, cols, port, reference, lost, **options))
        return left[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coded_tile, "walk", watched)
        patch.setitem(vars(codec.model.prior), "native", None)  # the library takes its own walk
        section, kept = codec.encode(latents, step)
    assert np.array_equal(kept.latents.values, left[0]) and kept.latents.step == step
    return left[0].reshape(latents.shape), coded.reshape(latents.shape), section


@settings(max_examples=20, deadline=None)
@given(SIDES, SIDES, STEPS, st.sampled_from([0.0, 0.1, 1.0, 30.0, 1e4]), st.integers(0, 99))
@example(1, 1, 0, 1.0, 0)
@example(16, 16, 639, 1.0, 0)
@example(16, 16, 0, 1.0, 0)
@example(1, 16, 639, 1e4, 0)
@example(2, 1, 0, 1e7, 0)
def test_reading_gives_what_was_written(rows, cols, step, size_db, seed):
    codec = TileEncoder(published.load())
    latents, steps_db = latents_of(codec, seed, rows, cols, size_db), codec.model.prior.steps.steps_db(step)
    written, coded, section = encode_watched(codec, latents, step)
    decoded = codec.decoder.dequantise(codec.decoder.decode(section, step, rows, cols), rows, cols)
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decoded, (written / 32).astype(np.float32) * steps_db)
    # The encoder may take a place that is not the nearest where that saves bits, but no bits are worth many steps.
    values = (latents / steps_db).astype(np.float64)
    within = coded & (np.abs(values) < MAX_MAGNITUDE / 2)
    error = np.abs(written / 32 - values)[within]
    assert (error <= 5 + 1e-6 * np.abs(values[within])).all() and np.sqrt(
        np.square(error).sum() / max(1, error.size)
    ) < 1
    assert within.any() or step > 0


@settings(max_examples=15, deadline=None)
@given(SIDES, SIDES, STEPS, STEPS, st.integers(0, 99))
@example(4, 4, 320, 321, 0)
@example(16, 16, 639, 0, 1)
@example(16, 16, 0, 639, 1)
def test_a_reader_at_another_step_notices(rows, cols, step, other, seed):
    codec = TileEncoder(published.load())
    section, _ = codec.encode(latents_of(codec, seed, rows, cols, 1.0), step)
    if sum(len(part.payload) for part in section) < 40 or step == other:
        return  # a few symbols may happen to read the same at a neighbouring step
    try:
        decoded = codec.decoder.decode(section, other, rows, cols)
    except CorruptFile:
        return
    pytest.fail(f"step {step} read at {other} gave latents up to {np.abs(decoded.values).max() / 32} steps")


def test_a_reader_of_another_size_or_of_noise_notices(codec):
    section, _ = codec.encode(latents_of(codec, 3, 6, 6, 1.0), 320)
    for rows, cols in ((6, 5), (5, 6), (16, 16), (1, 1)):
        with pytest.raises(CorruptFile):
            codec.decoder.decode(section, 320, rows, cols)
    random = np.random.default_rng(4)
    for length in (2, 3, 5, 40, 4000):
        for step in (0, 320, 639):
            with pytest.raises(CorruptFile):
                codec.decoder.decode((Section(BASE, random.bytes(length)), section[1]), step, 16, 16)
    with pytest.raises(CorruptFile):
        codec.decoder.decode((section[0], Section(LATENTS, b"a")), 320, 6, 6)
