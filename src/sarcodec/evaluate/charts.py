"""Line charts as inline SVG. In: series of points, labels, shaded bands; out: text of one <svg> element. Knows no
figure's meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 46


@dataclass(frozen=True, eq=False)
class Series:
    """Points joined by a line: x and y (n,), a colour, a name for the key; `marks` draws the points too."""

    name: str
    x: np.ndarray
    y: np.ndarray
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

    def place(self, values):
        return self.start + (np.asarray(values, np.float64) - self.low) / (self.high - self.low) * (
            self.end - self.start
        )

    def ticks(self) -> np.ndarray:
        step = _round_step((self.high - self.low) / 5)
        return np.arange(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1) * step


@dataclass(frozen=True)
class _LogAxis(_Axis):
    """`low` and `high` are values above 0."""

    def place(self, values):
        share = np.log(np.asarray(values, np.float64) / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> np.ndarray:
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
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_label)} against {escape(x_label)}">'
    ]
    parts += [_shade(shade, across, up) for shade in shades]
    parts += _grid(across, up, x_label, y_label)
    parts += [_line(one, across, up) for one in series]
    parts += _key([(s.name, s.colour) for s in series if s.name], [(s.name, s.colour) for s in shades if s.name])
    return "".join(parts) + "</svg>"


def _span(values: np.ndarray, margin: float = 0.0) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    return low - margin * (high - low), high + margin * (high - low)


def _log_span(values: np.ndarray, margin: float = 1.06) -> tuple[float, float]:
    return float(np.min(values)) / margin, float(np.max(values)) * margin


def _round_step(step: float) -> float:
    power = 10 ** math.floor(math.log10(step))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= step * 0.999)


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}") if abs(value) > 1e-12 else "0"


def _grid(across: _Axis, up: _Axis, x_label: str, y_label: str) -> list[str]:
    parts = []
    for value in up.ticks():
        y = float(up.place(value))
        colour = "#888" if abs(value) < 1e-12 else "#e3e3e3"
        parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}"/>')
        parts.append(f'<text x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{_number(float(value))}</text>')
    for value in across.ticks():
        x = float(across.place(value))
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT - _BOTTOM}" y2="{HEIGHT - _BOTTOM + 4}" stroke="#888"/>'
        )
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - _BOTTOM + 17}" text-anchor="middle">{_number(float(value))}</text>'
        )
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(f'<text x="{(_LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>')
    turned = f'transform="rotate(-90 13 {middle})"'
    parts.append(f'<text x="13" y="{middle}" text-anchor="middle" {turned}>{escape(y_label)}</text>')
    return parts


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


def _key(lines: list[tuple[str, str]], shades: list[tuple[str, str]]) -> list[str]:
    """Names at the top right, each behind a stroke or a square of its colour."""
    parts = []
    for number, (name, colour) in enumerate(lines + shades):
        y = _TOP + 15 + 17 * number
        high, edge = (3, "") if number < len(lines) else (10, ' stroke="#7a9a7a"')
        parts.append(
            f'<rect x="{WIDTH - 150}" y="{y - 4 - high / 2}" width="18" height="{high}" fill="{colour}"{edge}/>'
        )
        parts.append(f'<text x="{WIDTH - 126}" y="{y}">{escape(name)}</text>')
    return parts
