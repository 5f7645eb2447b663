"""Line charts as inline SVG. In: series of points, labels, shaded bands; out: text of one <svg> element. Knows no
figure's meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.quality.words import MINUS, safe

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Floats

WIDTH, HEIGHT = 460, 300  # letters of 12 in it stay readable where a page is 400 wide
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 32, 48  # the key stands in the space above


@dataclass(frozen=True, eq=False)
class Series:
    """Points joined by a line: x and y (n,), a colour, a name for the key; `marks` draws the points too."""

    name: str
    x: Floats
    y: Floats
    colour: str
    marks: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class Shade:
    """A horizontal band from `low` to `high` in y behind the lines."""

    name: str
    low: float
    high: float
    colour: str


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float  # in pixels
    end: float

    def place(self, values: npt.ArrayLike) -> Floats:
        return self.start + (np.asarray(values, np.float64) - self.low) / (self.high - self.low) * (
            self.end - self.start
        )

    def ticks(self) -> Floats:
        step = _round_step((self.high - self.low) / 5)
        return np.arange(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1) * step


@dataclass(frozen=True)
class _LogAxis(_Axis):
    """`low` and `high` are values above 0."""

    def place(self, values: npt.ArrayLike) -> Floats:
        share = np.log(np.asarray(values, np.float64) / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> Floats:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found = np.array([n * 10.0**decade for decade in decades for n in (1, 2, 5)])
        return found[(found >= self.low * 0.999) & (found <= self.high * 1.001)]


def line_chart(
    series: list[Series],
    x_label: str,
    y_label: str,
    shades: tuple[Shade, ...] = (),
    y_reach: tuple[float, float] | None = None,
    log_x: bool = False,
) -> str:
    """The chart; `y_reach`: what the y axis shows at least; `log_x`: x is above 0."""
    xs, ys = (np.concatenate([getattr(s, axis) for s in series]) for axis in "xy")
    across = (_LogAxis if log_x else _Axis)(*(_log_span(xs) if log_x else _span(xs)), _LEFT, WIDTH - _RIGHT)
    up = _Axis(*_span(np.append(ys, y_reach or ()), 0.06), HEIGHT - _BOTTOM, _TOP)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{safe(y_label)} against {safe(x_label)}">']
    parts += [_shade(shade, across, up) for shade in shades]
    parts += _grid(across, up, x_label, y_label)
    parts += [_line(one, across, up) for one in series]
    named = [(s.name, s.colour, s.dashed) for s in series if s.name]
    parts += _key(named, [(s.name, s.colour) for s in shades if s.name])
    return "".join(parts) + "</svg>"


def _span(values: Floats, margin: float = 0.0) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    return low - margin * (high - low), high + margin * (high - low)


def _log_span(values: Floats, margin: float = 1.06) -> tuple[float, float]:
    return float(np.min(values)) / margin, float(np.max(values)) * margin


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= step * 0.999)


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", MINUS) if abs(value) > 1e-12 else "0"


def _grid(across: _Axis, up: _Axis, x_label: str, y_label: str) -> list[str]:
    """Lines, numbers and labels; colours of lines come from the style sheet, that of letters too."""
    parts = [_level_line(up, float(value)) for value in up.ticks()]
    parts += [_tick(across, float(value)) for value in across.ticks()]
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(f'<text x="{(_LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{safe(x_label)}</text>')
    turned = f'transform="rotate(-90 13 {middle})"'
    parts.append(f'<text x="13" y="{middle}" text-anchor="middle" {turned}>{safe(y_label)}</text>')
    return parts


def _level_line(up: _Axis, value: float) -> str:
    y = float(up.place(value))
    kind = "zero" if abs(value) < 1e-12 else "grid"
    line = f'<line class="{kind}" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return line + f'<text x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{_number(value)}</text>'


def _tick(across: _Axis, value: float) -> str:
    x, foot = float(across.place(value)), HEIGHT - _BOTTOM
    line = f'<line class="zero" x1="{x:.1f}" x2="{x:.1f}" y1="{foot}" y2="{foot + 4}"/>'
    return line + f'<text x="{x:.1f}" y="{foot + 17}" text-anchor="middle">{_number(value)}</text>'


def _shade(shade: Shade, across: _Axis, up: _Axis) -> str:
    top, bottom = (float(np.clip(up.place(v), _TOP, HEIGHT - _BOTTOM)) for v in (shade.high, shade.low))
    return (
        f'<rect x="{across.start}" width="{across.end - across.start}" y="{top:.1f}" height="{bottom - top:.1f}" '
        f'fill="{shade.colour}"/>'
    )


def _line(one: Series, across: _Axis, up: _Axis) -> str:
    points = list(zip(across.place(one.x), up.place(one.y), strict=True))
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="5 4"' if one.dashed else ""
    line = f'<polyline points="{text}" fill="none" stroke="{one.colour}" stroke-width="1.8"{dashes}/>'
    marks = (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{one.colour}"/>' for x, y in points)
    return line + ("".join(marks) if one.marks else "")


def _key(lines: list[tuple[str, str, bool]], shades: list[tuple[str, str]]) -> list[str]:
    """Names side by side above the plot, each behind a stroke or a square of its colour."""
    parts = []
    for number, (name, mark) in enumerate([*map(_stroke, lines), *map(_square, shades)]):
        x = _LEFT + number * (WIDTH - _LEFT) // 2
        parts.append(f'<g transform="translate({x} 16)">{mark}<text x="28" y="4">{safe(name)}</text></g>')
    return parts


def _stroke(line: tuple[str, str, bool]) -> tuple[str, str]:
    name, colour, dashed = line
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return name, f'<line x1="0" x2="22" y1="0" y2="0" stroke="{colour}" stroke-width="2"{dashes}/>'


def _square(shade: tuple[str, str]) -> tuple[str, str]:
    return shade[0], f'<rect class="zero" width="20" height="11" y="-6" fill="{shade[1]}"/>'
