"""A tile that the library codes is the one that its twin codes, at every level: the same bytes, symbols and latents, and nearly the same expected errors."""

from dataclasses import replace

import numpy as np
import pytest

from native_levels import LEVELS, at_level
from sarcodec.decoding.tile import TileDecoder
from sarcodec.encoding.tile import TileEncoder
from sarcodec.entropy.steps import OCTAVE
from sarcodec.entropy.tiles import Place
from sarcodec.entropy.trellis import USUAL, places
from sarcodec.entropy.walk import walk
from sarcodec.models import published
from sarcodec.models.published import DEFAULT_MODEL


def latents(shape, seed) -> np.ndarray:
    """As large as the model expects, float32, a few of them far larger."""
    rng, steps = np.random.default_rng(seed), published.load(DEFAULT_MODEL).prior.steps
    found = rng.laplace(size=(*shape, 1024)) * np.exp2(steps.deviation / OCTAVE) / 2
    found[rng.random(found.shape) < 1e-3] *= 300
    return found.astype(np.float32)


def coded(shape, step: int, effort: int, level: str):
    """Two sections, the second of which leans on the first."""
    with at_level(level):
        model = published.load(DEFAULT_MODEL)
        encoder = TileEncoder(
            replace(model, prior=replace(model.prior)), effort
        )  # a prior keeps what a level made of its weights
        first, known = encoder.encode(latents(shape, 1), step)
        second, leaning = encoder.encode(latents(shape, 1) + latents(shape, 2) / 4, step, known.latents)
    return (first, known), (second, leaning)


@pytest.mark.parametrize(
    "shape, step, effort",
    [
        *((*place, effort) for place in (((1, 1), 30), ((3, 2), 639), ((2, 5), 0), ((5, 4), 360)) for effort in (0, 1)),
        ((1, 1), 330, 2),
    ],
)
def test_every_level_codes_what_the_twin_codes(monkeypatch, shape, step, effort):
    # hyper symbols are rounded floats: those of one machine for all
    monkeypatch.setattr(
        TileEncoder,
        "_hyper_symbols",
        lambda self, x, s: np.arange(-(-x.shape[0] // 2) * -(-x.shape[1] // 2) * 24) % 7 - 3,
    )
    expected = coded(shape, step, effort, "off")
    assert LEVELS, "the library was not built"
    for level in LEVELS:
        for (section, known), (found, learnt) in zip(expected, coded(shape, step, effort, level), strict=True):
            assert found == section, level
            np.testing.assert_array_equal(learnt.latents.values, known.latents.values)
            assert (learnt.lost is None) == (known.lost is None) == (effort == 0)
            if known.lost is not None:
                np.testing.assert_allclose(learnt.lost, known.lost, rtol=1e-5)


@pytest.mark.parametrize("effort", [0, 1, 2])
def test_what_is_coded_is_what_is_read(effort):
    model = published.load(DEFAULT_MODEL)
    encoder, decoder, shape = TileEncoder(model, effort), TileDecoder(model), (7, 4)
    first, known = encoder.encode(latents(shape, 1), 300)
    second, leaning = encoder.encode(latents(shape, 1) + latents(shape, 2) / 4, 300, known.latents)
    np.testing.assert_array_equal(decoder.decode(first, 300, *shape).values, known.latents.values)
    reference = known.latents if second[0].kind != first[0].kind else None
    np.testing.assert_array_equal(decoder.decode(second, 300, *shape, reference).values, leaning.latents.values)
    back = decoder.dequantise(leaning.latents, *shape)
    step = model.prior.steps.steps_db(300)
    assert np.abs((back - latents(shape, 1) - latents(shape, 2) / 4) / step).mean() < 0.6


def test_weighed_scales_are_what_coding_them_costs():
    """The bits of all symbols by the tables that coded them."""
    model, x, place = published.load(DEFAULT_MODEL), latents((2, 2), 1), Place(300, 2, 2)
    coder, hyper, costs = TileEncoder(model, 1)._coder, np.zeros(24, np.int64), np.zeros((1024, 9), np.int64)
    _, read = coder.code(x, hyper, place, False, costs)
    port = Given(model, read, coder.quantiser.prices)
    walk(model.prior, 300, 2, 2, port)
    np.testing.assert_array_equal(costs[:, 4], port.bits)
    assert port.bits.sum() > 64 * 1000


class Given:
    """A port that gives symbols which were coded before, and counts what they cost under the tables that it is told, by channel."""

    def __init__(self, model, read, prices):
        self.symbols, self.prices, self.tables, self.at = read.symbols, prices, model.tables, 0
        self.states, self.bits = [0, 0], np.zeros(1024, np.int64)

    def hyper(self, rows):
        self.at = rows.size
        return self.symbols[: rows.size].astype(np.int64)

    def latents(self, rows, mean, cells, channels):
        symbols = self.symbols[self.at : self.at + rows.size].reshape(rows.shape).astype(np.int64)
        self.at += rows.size
        which = np.zeros(rows.shape, np.int64)
        part = int(channels.start >= 16)
        for place in np.ndindex(*rows.shape):
            which[place] = self.states[part] & 1
            if not self.tables.skip[rows[place]]:
                self.states[part] = int(USUAL.next_state[self.states[part], symbols[place] % 2])
                self.bits[channels.start + place[1]] += self.cost(rows[place], which[place], symbols[place])
            elif symbols[place]:
                self.bits[channels.start + place[1]] += 1 << 16
        return places(symbols, which)

    def cost(self, row, quantiser, symbol) -> int:
        table = np.array([row + 256 * quantiser])
        return int(self.prices.bits(table, np.array([abs(symbol)]), np.array([symbol < 0]))[0]) + 64 * int(
            self.tables.shift[row]
        )
