"""The encoder of a placed start: 15 lapped filters of 32 x 32 pixels, and the carrier. In: an encoder, filters; out: the encoder, changed.

Shortcuts take levels less one half, in both signs, down to a quarter of a side (16 places of 4 x 4 pixels); one block gathers 8 x 8, the next filters 4 x 4 of these.
Along with it, places near the border are counted: at a quarter of a side the pixels 0 to 3 from the left and 0 to 2 from the right (above and
below alike), at an eighth 0 to 5 and 0 to 4, in the latent the sign of cells 0 to 6 and 0 to 5. The decoder goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from sarcodec_lab.train.autoencoders.placed.wiring import Names, Wires, blocks_of, rest, turned

FILTERS, FILTER_PX, MARGIN_PX = 15, 32, 8
CARRIER = 15
SIGNS = "+-"
_SIDE = 4  # pixels of a side that the stem's copies hold
_KILL = 40.0  # more than anything that it has to outweigh
_SPAN = 5.0  # more than neighbouring carriers differ by
_FURTHER = 2.0  # weight of the last block's two more cells
CARRIER_SCALE, CODED_CARRIER_SCALE = 0.1, 2.0
"""Of the sign in the latent: for latents that stay float numbers, and for such as are rounded to steps of one half, one or two. With 2.0 they are even."""

_COUNTED = 8  # channels that a block counts on with: two on each of four sides


class Differences(Protocol):
    """What is added to the filters' numbers: what `details.Details` has before the latent."""

    gather_in: nn.Conv2d
    gather_out: nn.Conv2d
    noted_bias: torch.Tensor
    filter_in: nn.Conv2d
    filter_out: nn.Conv2d


@dataclass(frozen=True)
class Analysis:
    """filters: (15, 32, 32) over levels less one half, of latents that come out with a deviation of about one; details: what comes to them;
    carrier: scale of the sign."""

    filters: torch.Tensor
    details: Differences | None = None
    carrier: float = CARRIER_SCALE


@torch.no_grad()
def place_encoder(encoder: nn.Sequential, analysis: Analysis) -> None:
    """Make an encoder the analysis."""
    _stem(encoder)
    stream, scale = Names(64), 1.0
    stream.new(*(f"{place}{sign}" for sign in SIGNS for place in range(_SIDE**2)))
    places = dict(stream.of)
    for number, block in enumerate(blocks_of(encoder)):
        wires = Wires(block, scale)
        _STEPS[number](wires, places, analysis)
        scale = wires.scale_out


def _stem(encoder: nn.Sequential) -> None:
    convolution, norm = encoder[0], encoder[1]
    rest(norm)
    for half, sign in enumerate((1.0, -1.0)):
        for place in range(_SIDE**2):
            here = half * _SIDE**2 + place
            convolution.weight[here] = 0
            convolution.weight[here, 0, 3 + place // _SIDE, 3 + place % _SIDE] = sign
            norm.bias[here] = -0.5 * sign


def _halved(wires: Wires, places: dict, analysis: Analysis) -> None:
    for channel in places.values():
        wires.takes(channel, channel)


def _kept(wires: Wires, places: dict, analysis: Analysis) -> None:
    """Nothing but the shortcut."""


def _new(places: dict, *names: str) -> None:
    for name in names:
        places[name] = max(places.values()) + 1


def _kept_free(wires: Wires, places: dict, count: int) -> None:
    """The next channels of the stream hold nothing, for the next block to fill."""
    free = max(places.values()) + 1
    for channel in range(free, free + count):
        wires.takes(channel, None)


def _border(wires: Wires, places: dict, analysis: Analysis) -> None:
    """The first pixels from each border, at a quarter of a side. L and R: along a row; 'L0' of the other direction is 'L0|'."""
    _halved(wires, places, analysis)
    ones = wires.first.in_channels - 1
    wires.passes(ones, 0.0, 1.0)
    inside = wires.ones()
    for mark in ("", "|"):
        _new(places, *(f"{name}{mark}" for name in ("L0", "L1", "R0")))
        for name in ("L0", "L1", "R0"):
            wires.takes(places[name + mark], None)
        upright = bool(mark)
        first = wires.hidden("L0" + mark, turned({(ones, 1, 0): -1.0}, upright), 1.0)
        wires.adds(places["L0" + mark], {(first, 1, 1): 1.0})
        wires.adds(places["L1" + mark], turned({(first, 1, 0): 1.0}, upright))
        wires.adds(places["R0" + mark], turned({(inside, 1, 1): 1.0, (inside, 1, 2): -1.0}, upright))
    _kept_free(wires, places, _COUNTED)


def _counted(left: int, right: int):
    """A block of stride 1: from the last counted pixels L{left} and R{right}, two more each."""

    def step(wires: Wires, places: dict, analysis: Analysis) -> None:
        for mark in ("", "|"):
            upright = bool(mark)
            for side, last, behind in (("L", left, 0), ("R", right, 2)):
                one_more = wires.hidden(
                    f"{side}{mark}", turned({(places[f"{side}{last}{mark}"], 1, behind): 1.0}, upright)
                )
                _new(places, f"{side}{last + 1}{mark}", f"{side}{last + 2}{mark}")
                wires.adds(places[f"{side}{last + 1}{mark}"], {(one_more, 1, 1): 1.0})
                wires.adds(places[f"{side}{last + 2}{mark}"], turned({(one_more, 1, behind): 1.0}, upright))

    return step


def _gathered(wires: Wires, places: dict, analysis: Analysis) -> None:
    """8 x 8 pixels as 64 places in both signs, at an eighth of a side; the count from L3 and R2 to L3 and R2 of these pixels."""
    before = dict(places)
    places.clear()
    for sign in SIGNS:
        for row in range(8):
            for col in range(8):
                source, where = f"{row % 4 * 4 + col % 4}", (1 + row // 4, 1 + col // 4)
                taps = {(before[source + s], *where): 1.0 if s == sign else -1.0 for s in SIGNS}
                here = wires.hidden(f"{row},{col}{sign}", taps)
                places[f"{row},{col}{sign}"] = len(places)
                wires.takes(places[f"{row},{col}{sign}"], None)
                wires.adds(places[f"{row},{col}{sign}"], {(here, 1, 1): 1.0})
    sources = {"L0": ("L0", 1), "L1": ("L2", 1), "L2": ("L3", 0), "R0": ("R0", 2), "R1": ("R2", 2)}
    for mark in ("", "|"):
        inside = {
            name: wires.hidden(name + mark, turned({(before[source + mark], 1, at): 1.0}, bool(mark)))
            for name, (source, at) in sources.items()
        }
        behind = {name: {(here, 1, 1): 1.0} for name, here in inside.items()} | {
            "L3": {(inside["L2"], 1, 0): 1.0},
            "R2": {(inside["R1"], 1, 2): 1.0},
        }
        for name, taps in behind.items():
            _new(places, name + mark)
            wires.takes(places[name + mark], None)
            wires.adds(places[name + mark], turned(taps, bool(mark)))
    if analysis.details is not None:
        _noted(wires, before, places, analysis.details)
    _kept_free(wires, places, FILTERS + _COUNTED)


def _noted(wires: Wires, before: dict, places: dict, details: Differences) -> None:
    """What is not linear in 12 x 12 pixels, for the next block."""
    inside = wires.layer("note", details.gather_in, [before[f"{n}{sign}"] for sign in SIGNS for n in range(_SIDE**2)])
    names = [f"note{number}" for number in range(details.gather_out.out_channels)]
    _new(places, *names)
    for name in names:
        wires.takes(places[name], None)
    wires.adds_layer([places[name] for name in names], inside, details.gather_out)


def _detailed(wires: Wires, places: dict, details: Differences) -> None:
    """What comes to the filters' numbers, of pixels and notes."""
    notes = [places[f"note{number}"] for number in range(details.gather_out.out_channels)]
    for note, bias in zip(notes, details.noted_bias.tolist()):
        wires.passes(note, 1.0, bias)
    pixels = [places[f"{row},{col}{sign}"] for sign in SIGNS for row in range(8) for col in range(8)]
    inside = wires.layer("detail", details.filter_in, pixels + notes)
    wires.adds_layer([places[f"z{number}"] for number in range(FILTERS)], inside, details.filter_out)


def _filtered(wires: Wires, places: dict, analysis: Analysis) -> None:
    """15 numbers of 4 x 4 blocks of 8 x 8 pixels about a cell, right at its upper left; the count to L5 and R4."""
    for number in range(FILTERS):
        _new(places, f"z{number}")
        for down in (0, 1):
            for right in (0, 1):
                for sign in SIGNS:
                    taps = _part(places, analysis.filters[number], down, right, 1.0 if sign == "+" else -1.0)
                    here = wires.hidden(f"z{number}{down}{right}{sign}", taps)
                    wires.adds(places[f"z{number}"], {(here, 1 + down, 1 + right): 1.0 if sign == "+" else -1.0})
    if analysis.details is not None:
        _detailed(wires, places, analysis.details)
    _counted(3, 2)(wires, places, analysis)


def _part(places: dict, kernel: torch.Tensor, down: int, right: int, sign: float) -> dict:
    """The taps of the blocks -1, 0, 1 from a cell's first (down = 0), or of block 2, read one further (down = 1); columns alike."""
    taps = {}
    for row in (2,) if down else (0, 1, 2):
        for col in (2,) if right else (0, 1, 2):
            block = kernel[8 * (row + down) : 8 * (row + down + 1), 8 * (col + right) : 8 * (col + right + 1)]
            for y in range(8):
                for x in range(8):
                    weight = float(block[y, x]) * sign
                    taps[(places[f"{y},{x}+"], row, col)] = weight
                    taps[(places[f"{y},{x}-"], row, col)] = -weight
    return taps


def _signed(wires: Wires, places: dict, analysis: Analysis) -> None:
    """The latent: filters picked, and the sign of the cells 0 to 4 from the left and 0 to 3 from the right."""
    before = dict(places)
    places.clear()
    for number in range(FILTERS):
        wires.takes(number, before[f"z{number}"])
    wires.takes(CARRIER, None)
    for mark in ("", "|"):
        at = {
            "L0": ("L0", 1),
            "L1": ("L2", 1),
            "L2": ("L4", 1),
            "L3": ("L5", 0),
            "R0": ("R0", 2),
            "R1": ("R2", 2),
            "R2": ("R4", 2),
        }
        taps = {name: {(before[source + mark], 1, place): 1.0} for name, (source, place) in at.items()}
        groups = {"up": ("L0", "L2", "R1"), "down": ("L1", "L3", "R0", "R2"), "left": ("L3",), "right": ("R2",)}
        inside = {
            group: wires.hidden(
                group + mark, turned({k: w for name in names for k, w in taps[name].items()}, bool(mark))
            )
            for group, names in groups.items()
        }
        sums = {
            (inside["up"], 1, 1): 1.0,
            (inside["down"], 1, 1): -1.0,
            (inside["left"], 1, 0): 1.0,
            (inside["right"], 1, 2): 1.0,
        }
        wires.adds(CARRIER, turned({tap: weight * analysis.carrier for tap, weight in sums.items()}, bool(mark)))


def _extended(wires: Wires, places: dict, analysis: Analysis) -> None:
    """Two cells more on each side. Differences along a row know nothing of the sign along a column, which is added to it."""
    ones = 0
    wires.passes(ones, 0.0, 1.0)
    wires.passes(CARRIER, 1 / analysis.carrier, _SPAN)
    inside, far = wires.ones(), _FURTHER * analysis.carrier
    for mark in ("", "|"):
        for side, behind, sign in (("left", 0, 1.0), ("right", 2, -1.0)):
            # Rises towards the border on the left, falls on the right; at the border itself it is cut off, which is right for the sign.
            taps = {(CARRIER, 1, 1): -sign, (CARRIER, 1, behind): sign, (ones, 1, behind): _KILL}
            step = wires.hidden(side + mark, turned(taps, bool(mark)), _SPAN - _KILL)
            more = {(step, 1, behind): sign * far, (inside, 1, behind): -sign * far * _SPAN}
            wires.adds(CARRIER, turned(more, bool(mark)))


_STEPS = (_halved, _kept, _border, _counted(1, 0), _gathered, _filtered, _signed, _extended)
