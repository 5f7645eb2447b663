"""Charts as SVG text: lines over a logarithmic axis, and groups of horizontal bars. Numbers in, text out.

They are read on a telephone as well as on a screen, so the drawing is narrow and its letters are large; colours follow the
reader's light or dark mode. Knows nothing of what the numbers mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH_PX = 560
_BAR_PX, _BAR_GAP_PX, _GROUP_GAP_PX, _LABEL_PX = 16, 3, 14, 150
_LETTER_PX = 7.2  # a rough width of one letter at 13 px
_CLASSES = ("own", "c1", "c2", "c3", "c4", "c5")
_STYLE = """
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#22303a}
.title{font-weight:600;font-size:15px}.soft{fill:#5b6a75}.grid{stroke:#dde3e7}.axis{stroke:#8a979f}
.own{fill:#00695c;stroke:#00695c}.c1{fill:#b45309;stroke:#b45309}.c2{fill:#5b6bb5;stroke:#5b6bb5}
.c3{fill:#a33c6b;stroke:#a33c6b}.c4{fill:#7a8790;stroke:#7a8790}.c5{fill:#8d6e20;stroke:#8d6e20}
path{fill:none!important;stroke-width:2}path.own{stroke-width:3.5}rect{stroke:none}text[class]{stroke:none}
.strong{font-weight:600}
@media(prefers-color-scheme:dark){text{fill:#e3e8eb}.soft{fill:#a3b0b8}.grid{stroke:#3a444b}.axis{stroke:#7c8890}
.own{fill:#4db6a6;stroke:#4db6a6}.c1{fill:#f0a04b;stroke:#f0a04b}.c2{fill:#93a2ea;stroke:#93a2ea}
.c3{fill:#e087b0;stroke:#e087b0}.c4{fill:#a7b3bb;stroke:#a7b3bb}.c5{fill:#cfae5a;stroke:#cfae5a}}
""".strip()


@dataclass(frozen=True)
class Bars:
    """Groups of bars. `values[series]` has one number a group, None where nothing was measured; `form` prints one."""

    title: str
    groups: Sequence[str]
    values: Mapping[str, Sequence[float | None]]
    form: str = "{:.2f}"
    own: str = "sarcodec"
    """The first series whose name begins so is drawn in the colour of this project."""
    colours: Mapping[str, int] = field(default_factory=dict)
    """Colours 1 to 5 of series that have the same one in every chart; the rest take what is left, in order."""


@dataclass(frozen=True)
class Lines:
    """Curves over a logarithmic x axis; `curves[name]` is a list of (x, y)."""

    title: str
    x_label: str
    y_label: str
    x_ticks: Sequence[float]
    y_ticks: Sequence[float]
    curves: Mapping[str, Sequence[tuple[float, float]]]
    own: str = "sarcodec"
    colours: Mapping[str, int] = field(default_factory=dict)


def draw_bars(chart: Bars) -> str:
    """One group below the other, the bars of a group close together, each with its number."""
    colours = _colours(list(chart.values), chart.own, chart.colours)
    numbers = [value for series in chart.values.values() for value in series if value is not None]
    low, high = min(0.0, *numbers), max(0.0, *numbers)
    longest = max(len(chart.form.format(value)) for value in numbers) * _LETTER_PX + 18
    left = _LABEL_PX + (longest if low < 0 else 0)
    scale = (WIDTH_PX - left - (longest if high > 0 else 8)) / (high - low)
    zero = left - low * scale
    parts, top = _legend(chart.title, colours)
    for index, group in enumerate(chart.groups):
        shown = [(name, series[index]) for name, series in chart.values.items() if series[index] is not None]
        height = len(shown) * (_BAR_PX + _BAR_GAP_PX) - _BAR_GAP_PX
        parts.append(text(_LABEL_PX - 10, top + height / 2 + 5, group, "end"))
        for name, value in shown:
            parts += _bar(zero, top, value * scale, chart.form.format(value), colours[name])
            top += _BAR_PX + _BAR_GAP_PX
        top += _GROUP_GAP_PX - _BAR_GAP_PX
    parts.append(f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="{_title_px(colours)}" y2="{top - 8:.0f}"/>')
    return svg(chart.title, parts, top)


def draw_lines(chart: Lines) -> str:
    """Curves with a legend in the order in which they were given."""
    colours = _colours(list(chart.curves), chart.own, chart.colours)
    parts, top = _legend(chart.title, colours)
    widest = [max(len(f"{tick:g}") for tick in ticks) * _LETTER_PX for ticks in (chart.x_ticks, chart.y_ticks)]
    left, right, bottom = max(52, 30 + widest[1]), WIDTH_PX - max(14, 3 + widest[0] / 2), top + 300
    least = min(x for points in chart.curves.values() for x, _ in points)
    x_low, x_high = math.log(min(chart.x_ticks[0], 0.94 * least)), math.log(chart.x_ticks[-1])
    y_low, y_high = chart.y_ticks[0], chart.y_ticks[-1]

    def x_of(x: float) -> float:
        return left + (math.log(x) - x_low) / (x_high - x_low) * (right - left)

    def y_of(y: float) -> float:
        return bottom - (y - y_low) / (y_high - y_low) * (bottom - top)

    for tick in chart.x_ticks:
        parts.append(f'<line class="grid" x1="{x_of(tick):.1f}" x2="{x_of(tick):.1f}" y1="{top}" y2="{bottom}"/>')
        parts.append(text(x_of(tick), bottom + 19, f"{tick:g}", "middle", "soft"))
    for tick in chart.y_ticks:
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y_of(tick):.1f}" y2="{y_of(tick):.1f}"/>')
        parts.append(text(left - 7, y_of(tick) + 5, f"{tick:g}", "end", "soft"))
    parts.append(text((left + right) / 2, bottom + 40, chart.x_label, "middle"))
    middle = (top + bottom) / 2
    parts.append(f'<g transform="rotate(-90 14 {middle})">{text(14, middle + 4, chart.y_label, "middle")}</g>')
    for name, points in reversed(chart.curves.items()):
        line = " ".join(f"{'L' if index else 'M'}{x_of(x):.1f} {y_of(y):.1f}" for index, (x, y) in enumerate(points))
        parts.append(f'<path class="{colours[name]}" d="{line}"/>')
        parts += [f'<circle class="{colours[name]}" cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3"/>' for x, y in points]
    return svg(chart.title, parts, bottom + 52)


def _colours(names: Sequence[str], own: str, fixed: Mapping[str, int]) -> dict[str, str]:
    """The project's colour for the first series of its own, others for the rest."""
    first = next((name for name in names if name.startswith(own)), None)
    taken = {fixed[name] for name in names if name in fixed}
    others = (number for number in range(1, len(_CLASSES)) if number not in taken)
    return {name: _CLASSES[0 if name == first else fixed[name] if name in fixed else next(others)] for name in names}


def _legend(title: str, colours: Mapping[str, str]) -> tuple[list[str], float]:
    """Title and legend, and the height below which the chart begins."""
    parts, x, y = [text(0, 17, title, "start", "title")], 0.0, 42.0
    if len(colours) > 1:
        for name, colour in colours.items():
            width = 22 + len(name) * _LETTER_PX + 14
            if x + width > WIDTH_PX and x > 0:
                x, y = 0.0, y + 22
            parts.append(f'<rect class="{colour}" x="{x:.1f}" y="{y - 11:.0f}" width="14" height="14" rx="2"/>')
            parts.append(text(x + 20, y + 1, name, "start", "strong" if colour == "own" else "soft"))
            x += width
        y += 22
    return parts, y


def _title_px(colours: Mapping[str, str]) -> int:
    return round(_legend("", colours)[1]) - 4


def _bar(zero: float, top: float, length: float, label: str, colour: str) -> list[str]:
    left, width = (zero, length) if length >= 0 else (zero + length, -length)
    anchor, x = ("start", zero + length + 5) if length >= 0 else ("end", zero + length - 5)
    return [
        f'<rect class="{colour}" x="{left:.1f}" y="{top:.0f}" width="{max(width, 1):.1f}" height="{_BAR_PX}" rx="2"/>',
        text(x, top + 13, label.replace("-", "−"), anchor, "soft"),
    ]


def text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    kinds = f' class="{kind}"' if kind else ""
    return f'<text{kinds} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def svg(title: str, parts: Sequence[str], height: float) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height:.0f}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{_STYLE}</style>", *parts, "</svg>", ""])
