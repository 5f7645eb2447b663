"""The decoder of a placed start: the sign of cells becomes masks of pixels, and masks choose what each pixel is made of. In: a decoder; out: it, changed.

At an eighth of a side the sign is carried on to the middle of the tile; at a quarter each of the 4 x 4 places in a cell takes its own combination
of the latents around (`Synthesis`, fitted), which are 16 pixels in 16 channels; at a half and at full size a place takes the 4 and then the one that are
its own, with the doubling's blur undone. The last block bends levels to what the sigmoid undoes (`Bend`).
A mask that is 0 takes more from a channel than it can hold, and the rectifier cuts it off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from sarcodec_lab.networks.autoencoders.blocks import PreActivationBlock
from sarcodec_lab.train.autoencoders.placed.encoder import CARRIER, CARRIER_SCALE, FILTERS
from sarcodec_lab.train.autoencoders.placed.wiring import Names, Tap, Wires, blocks_of, gate_of, rest, takes, turned

MARKS = ("", "|")
"""Behind a name: along a row, along a column."""

PLACES = 4  # of a cell, along a side, at a quarter of the side
TAPS = {0: (1, 2), 1: (0, 1, 2), 2: (0, 1, 2), 3: (0, 1)}
"""What each of these places reads along a side: nothing that lies beyond the border of a tile."""

AROUND = {"": (1, 1), "<": (1, 0), ">": (1, 2), "^": (0, 1), "v": (2, 1)}
LATENTS = tuple(f"z{number}{where}" for where in AROUND for number in range(FILTERS))
"""What the synthesis reads: the latents doubled twice, and the same shifted by a pixel at an eighth of a side, four ways."""

KINDS = {"0": (0, {0: -0.5, 1: 1.5}), "0b": (0, {1: 1.0}), "1b": (1, {1: 1.0}), "1": (1, {1: 1.5, 2: -0.5})}
"""Pixels of a doubling along a side: first or second, and what undoes its blur; those at a border (b) were not blurred."""

_COPIES = (("+0", 1.0), ("+1", 1.0), ("-0", -1.0), ("-1", -1.0))
_KILL = 200.0  # more than anything that it has to outweigh
_SPAN, _BIAS = 32.0, 64.0  # more than neighbouring carriers differ by along a side, and more than any carrier
_BEFORE = 0.25  # weight of the difference one pixel before in the sign at an eighth of a side
_FIRM, _CARRY = 4.0, 1.0  # what signs are multiplied by before they are cut at 1; weight of those two pixels away
_CLEAR = 8.0  # the same factor, later
_CLOSED = 2.0  # what a mask that is 0 takes away, over the reach of levels; of the study's, 0 to 1, they lie between 0 and about 1.3
_CLOSED_FIRMLY = 16.0  # where what a place would draw elsewhere may be larger than a level


@dataclass(frozen=True)
class Synthesis:
    """weight (4, 4, 16, 75, 3, 3): rows and columns of places, pixels, LATENTS, taps; bias (4, 4, 16)."""

    weight: torch.Tensor
    bias: torch.Tensor


class Features(Protocol):
    """What is read beside the latents: what `details.Details` has behind them. drawn: by each place, (256, features, 3, 3)."""

    first_in: nn.Conv2d
    first_out: nn.Conv2d
    second_in: nn.Conv2d
    second_out: nn.Conv2d
    second_bias: torch.Tensor
    quarter_bias: torch.Tensor

    def drawn(self) -> torch.Tensor: ...


@dataclass(frozen=True)
class Bend:
    """The logit of a level y: low + sum of slopes times relu(y - knots)."""

    knots: tuple[float, ...]
    slopes: tuple[float, ...]
    low: float


class Stage:
    """A doubling and its two blocks. names: of the stream's channels; places: of the stage before."""

    def __init__(self, doubling: nn.Conv2d, blocks: list[PreActivationBlock], scale: float):
        self.gain = 1 / gate_of(blocks[0]) / gate_of(blocks[1])
        self.doubling, self.names = doubling, Names(doubling.out_channels)
        doubling.weight.mul_(self.gain)
        self.first = Wires(blocks[0], scale * self.gain)
        self.second = Wires(blocks[1], self.first.scale_out)
        self.scale_out = self.second.scale_out

    def channel(self, name: str, sources: dict[int, float] | None = None) -> int:
        """A new channel of the stream, made of channels of the stage before; of none, it is for the blocks to fill."""
        (here,) = self.names.new(name)
        takes(self.doubling, here, {source: weight * self.gain for source, weight in (sources or {}).items()})
        return here

    def signs(self, mark: str, sources: dict[int, float]) -> None:
        """Four copies of a sign, of which the first block reads how far they lie above -1 and above 1, in both directions."""
        for copy, sign in _COPIES:
            here = self.channel(f"sign{copy}{mark}", {source: sign * weight for source, weight in sources.items()})
            self.first.passes(here, _CLEAR, 1.0 if copy[1] == "0" else -1.0)

    def steps(self, mark: str, copy: str, before: int, behind: int) -> list[int]:
        """Two channels inside the first block whose sum is twice 1 where the sign changes between two of the three pixels
        about this one, from `before` to `behind`; beyond the border it counts as what it is not inside."""
        zero, one = (self.names[f"sign{copy}{n}{mark}"] for n in "01")
        taps = {(zero, 1, behind): 1.0, (one, 1, behind): -1.0, (zero, 1, before): -1.0, (one, 1, before): 1.0}
        return [
            self.first.hidden(f"step{copy}{sign}{mark}", turned({k: sign * w for k, w in taps.items()}, bool(mark)))
            for sign in (1.0, -1.0)
        ]


@torch.no_grad()
def place_decoder(
    decoder: nn.Sequential,
    bend: Bend,
    reach: tuple[float, float] = (0.0, 1.0),
    synthesis: Synthesis | None = None,
    details: Features | None = None,
    carrier: float = CARRIER_SCALE,
) -> Stage:
    """Without a synthesis its block adds nothing yet: what it reads can be looked at, and a synthesis fitted. Returns that stage.

    carrier: scale of the sign in the latent. reach: of the levels that come out. Inside, they are counted from its lower end, so that a rectifier leaves them alone.
    """
    low, high = reach
    closed = _CLOSED * (high - low)
    convolutions = [layer for layer in decoder if isinstance(layer, nn.Conv2d)]
    for layer in decoder:
        if isinstance(layer, nn.BatchNorm2d):
            rest(layer)
    blocks, scale, stages = blocks_of(decoder), 1.0, []
    for number, doubling in enumerate(convolutions[:-1]):
        stages.append(Stage(doubling, blocks[2 * number : 2 * number + 2], scale))
        scale = stages[-1].scale_out
    eighth, quarter, half, full = stages
    _eighth(eighth, carrier)
    if details is not None:
        _features(eighth, details)
    if synthesis is not None:
        synthesis = Synthesis(synthesis.weight, synthesis.bias - low)
    _quarter(quarter, eighth.names, closed if details is None else max(closed, _CLOSED_FIRMLY), synthesis, details)
    sign = {1.0: ("place0", "place2"), -1.0: ("place1", "place3")}
    _doubled(half, quarter.names, sign, 4, [f"pixel{n}" for n in range(4)], ((0.0, 1.0),), closed)
    sign = {1.0: ("0", "0b"), -1.0: ("1", "1b")}
    _doubled(full, half.names, sign, 2, ["level"], tuple(zip(bend.knots, bend.slopes)), closed)
    head = convolutions[-1]
    head.weight.zero_()
    head.weight[0, full.names["level"], 3, 3] = 1 / scale
    head.bias.fill_(bend.low)
    return quarter


def _eighth(stage: Stage, carrier_scale: float) -> None:
    first, second = stage.first, stage.second
    for number in range(FILTERS):
        _shifted(stage, number)
    carrier, ones = stage.channel("carrier", {CARRIER: 1 / carrier_scale}), stage.names.width - 1
    first.passes(carrier, 1.0, _BIAS)
    first.passes(ones, 0.0, 1.0)
    inside = first.ones()
    for mark in MARKS:
        upright = bool(mark)
        # The span less the difference to the pixel before, along one side: the sign along the other falls out. At the border it is cut off.
        taps = {(carrier, 1, 1): -1.0, (carrier, 1, 0): 1.0, (ones, 1, 0): _KILL}
        fall = first.hidden("fall" + mark, turned(taps, upright), _SPAN - _KILL)
        weights = {1: 1.0, 2: -1.0, 0: _BEFORE}
        taps = {(fall, 1, at): -w for at, w in weights.items()} | {
            (inside, 1, at): _SPAN * w for at, w in weights.items()
        }
        for copy, sign in _COPIES:
            here = stage.channel(f"found{copy}{mark}")
            first.adds(here, turned({tap: sign * w for tap, w in taps.items()}, upright))
            second.passes(here, _FIRM, 0.0 if copy[1] == "0" else -1.0)
        _carry_on(stage, mark)


def _shifted(stage: Stage, number: int) -> None:
    """A latent in both signs, and its neighbours; beyond the border they are 0, which is about their mean."""
    plus, minus = (stage.channel(f"z{number}{name}", {number: sign}) for name, sign in (("+", 1.0), ("-", -1.0)))
    for where, at in AROUND.items():
        if where:
            here = stage.channel(f"z{number}{where}+")
            for sign in (1.0, -1.0):
                inside = stage.first.hidden(f"z{number}{where}{sign}", {(plus, *at): sign, (minus, *at): -sign})
                stage.first.adds(here, {(inside, 1, 1): sign})


def _features(stage: Stage, details: Features) -> None:
    """What is not linear in the latents."""
    signs = [stage.names[f"z{number}{sign}"] for sign in "+-" for number in range(FILTERS)]
    features = [stage.channel(f"detail{number}") for number in range(details.first_out.out_channels)]
    inside = stage.first.layer("detail", details.first_in, signs)
    stage.first.adds_layer(features, inside, details.first_out)
    for feature, bias in zip(features, details.second_bias.tolist()):
        stage.second.passes(feature, 1.0, bias)
    inside = stage.second.layer("detail", details.second_in, signs + features)
    stage.second.adds_layer(features, inside, details.second_out)


def _carry_on(stage: Stage, mark: str) -> None:
    """The sign, cut at 1, less those two pixels before and behind: of the other sign where they are known."""
    upright, here = bool(mark), stage.channel("sign" + mark)
    plus, over, minus, under = (stage.names[f"found{copy}{mark}"] for copy, _ in _COPIES)
    for at, weight in ((1, 1.0), (0, -_CARRY), (2, -_CARRY)):
        for sign in (1.0, -1.0):
            taps = {(plus, 1, at): sign, (over, 1, at): -sign, (minus, 1, at): -sign, (under, 1, at): sign}
            inside = stage.second.hidden(f"sign{at}{sign}{mark}", turned(taps, upright))
            stage.second.adds(here, turned({(inside, 1, at): sign * weight}, upright))


def _quarter(stage: Stage, before: Names, closed: float, synthesis: Synthesis | None, details: Features | None) -> None:
    for latent in LATENTS:
        for name, sign in (("+", 1.0), ("-", -1.0)):
            stage.channel(latent + name, {before[latent + "+"]: sign})
    for mark in MARKS:
        stage.signs(mark, {before["sign" + mark]: 1.0})
        begins, ends = stage.steps(mark, "+", 0, 1), stage.steps(mark, "-", 1, 2)
        for place, (steps, at) in enumerate(((begins, 1), (begins, 0), (ends, 2), (ends, 1))):
            here = stage.channel(f"place{place}{mark}")
            stage.first.adds(here, turned({(step, 1, at): 0.5 for step in steps}, bool(mark)))
    for pixel in range(PLACES**2):
        stage.channel(f"pixel{pixel}")
    biases = [] if details is None else details.quarter_bias.tolist()
    features = [stage.channel(f"detail{n}", {before[f"detail{n}"]: 1.0}) for n in range(len(biases))]
    for feature, bias in zip(features, biases):
        stage.second.passes(feature, 1.0, bias)
    if synthesis is not None:
        inside = _synthesis(stage, synthesis, closed)
        if details is not None:
            stage.second.first.weight[torch.tensor(inside)[:, None], torch.tensor(features)] = details.drawn()


def _synthesis(stage: Stage, synthesis: Synthesis, closed: float) -> list[int]:
    """The channels inside, place by place."""
    names, made = stage.names, []
    for row in range(PLACES):
        for col in range(PLACES):
            for pixel in range(PLACES**2):
                taps: dict[Tap, float] = {(names[f"place{row}|"], 1, 1): closed, (names[f"place{col}"], 1, 1): closed}
                for number, latent in enumerate(LATENTS):
                    for down in TAPS[row]:
                        for right in TAPS[col]:
                            weight = float(synthesis.weight[row, col, pixel, number, down, right])
                            taps[names[latent + "+"], down, right] = weight
                            taps[names[latent + "-"], down, right] = -weight
                bias = float(synthesis.bias[row, col, pixel]) - 2 * closed
                inside = stage.second.hidden(f"{row},{col},{pixel}", taps, bias)
                stage.second.adds(names[f"pixel{pixel}"], {(inside, 1, 1): 1.0})
                made.append(inside)
    return made


def _doubled(
    stage: Stage,
    before: Names,
    sign: dict[float, tuple[str, str]],
    side: int,
    out: list[str],
    pieces: tuple[tuple[float, float], ...],
    closed: float,
) -> None:
    """side x side pixels in as many channels become a quarter as many at twice the size; each is bent by pieces (knot, slope)."""
    inputs = [stage.channel(f"before{n}", {before[f"pixel{n}"]: 1.0}) for n in range(side**2)]
    for name in out:
        stage.channel(name)
    for mark in MARKS:
        stage.signs(mark, {before[name + mark]: weight for weight, names in sign.items() for name in names})
        _kinds(stage, mark)
    kept = side // 2
    for down, (row, rows) in KINDS.items():
        for right, (col, cols) in KINDS.items():
            for number, name in enumerate(out):
                pixel = inputs[(row * kept + number // kept) * side + col * kept + number % kept]
                taps = {(pixel, y, x): a * b for y, a in rows.items() for x, b in cols.items()}
                taps |= {(stage.names[down + "|"], 1, 1): closed, (stage.names[right], 1, 1): closed}
                for piece, (knot, slope) in enumerate(pieces):
                    inside = stage.second.hidden(f"{down},{right},{name},{piece}", taps, -knot - 2 * closed)
                    stage.second.adds(stage.names[name], {(inside, 1, 1): slope})


def _kinds(stage: Stage, mark: str) -> None:
    """Masks of the first and the second pixels of a doubling, those at the border apart."""
    first, upright, ones = stage.first, bool(mark), stage.names.width - 1
    first.passes(ones, 0.0, 1.0)
    begins, ends = stage.steps(mark, "+", 0, 1), stage.steps(mark, "-", 1, 2)
    edges = {
        kind: first.hidden(kind + mark, turned({(ones, 1, at): -1.0}, upright), 1.0)
        for kind, at in (("0b", 0), ("1b", 2))
    }
    for kind, steps, edge in (("0", begins, edges["0b"]), ("1", ends, edges["1b"])):
        first.adds(stage.channel(kind + mark), {(step, 1, 1): 0.5 for step in steps} | {(edge, 1, 1): -1.0})
        first.adds(stage.channel(kind + "b" + mark), {(edge, 1, 1): 1.0})
