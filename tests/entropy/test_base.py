"""The base stream alone: what it gives is the first part of what both streams give, by the library at every level as by its twin."""

import dataclasses

import numpy as np
import pytest

from entropy.levels import level  # noqa: F401
from native_levels import LEVELS
from sarcodec.encoding.tile import TileEncoder
from sarcodec.entropy.prior import CHANNELS, GROUPS, TileLatents
from sarcodec.entropy.shifts import by_channel
from sarcodec.entropy.tiles import Place, read_tile
from sarcodec.entropy.trellis import LARGE, USUAL
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.sections import unpack_base, unpack_latents
from sarcodec.models import published

STEP, ROWS, COLS = 400, 3, 4
LOW = GROUPS[0]


@pytest.fixture(scope="module")
def model():
    return published.load(None)


def fresh(prior):
    """The same weights, not yet packed for a level."""
    return dataclasses.replace(prior)


@pytest.fixture(scope="module")
def tiles(model):
    """Two tiles, the second leaning on the first: their streams, and what reading both gives."""
    random, codec, reference, found = np.random.default_rng(1), TileEncoder(model), None, []
    falling = 40 / (1 + np.arange(CHANNELS)) ** 0.5
    shared = random.normal(size=(ROWS, COLS, CHANNELS)) * falling
    for _ in range(2):
        own = shared + random.normal(size=shared.shape)
        sections, known = codec.encode(own.astype(np.float32), STEP, reference)
        (_, choices, base), (_, rest) = unpack_base(sections[0]), unpack_latents(sections[1])
        place = Place(STEP, ROWS, COLS, reference, by_channel(choices.shifts), LARGE if choices.large else USUAL)
        found.append((base, place, read_tile(model.prior, model.tables, (base, rest), place, True)))
        reference = known.latents
    return found


@pytest.mark.parametrize("compact", [False, True])
def test_the_base_is_the_first_part_of_all(level, model, tiles, compact):  # noqa: F811
    """compact: of the reference no more is given than a reader of bases has."""
    prior = fresh(model.prior)
    for base, place, whole in tiles:
        if compact and place.reference is not None:
            low = TileLatents(place.reference.values[:, :LOW].copy(), place.reference.step)
            place = dataclasses.replace(place, reference=low)
        found = read_tile(prior, model.tables, (base, None), place, True)
        np.testing.assert_array_equal(found.symbols, whole.symbols[: place.base_count])
        np.testing.assert_array_equal(found.latents.values, whole.latents.values[:, :LOW])
        np.testing.assert_allclose(found.lost, whole.lost[:, :LOW], rtol=1e-5)
        assert read_tile(prior, model.tables, (base, None), place).lost is None


def test_a_base_that_is_too_short_or_too_long_is_damaged(level, model, tiles):  # noqa: F811
    prior = fresh(model.prior)
    for base, place, _ in tiles:
        for damaged in (base[:-2], base + b"\1\0"):
            with pytest.raises(CorruptFile):
                read_tile(prior, model.tables, (damaged, None), place)


@pytest.mark.skipif(not LEVELS, reason="the library checks what it is given")
def test_a_reference_of_another_size_is_refused(model, tiles):
    base, place, _ = tiles[1]
    for values in (place.reference.values[:3], place.reference.values[:, : LOW - 1]):
        with pytest.raises(InvalidArgument, match="reference"):
            read_tile(
                model.prior, model.tables, (base, None), dataclasses.replace(place, reference=TileLatents(values, STEP))
            )
