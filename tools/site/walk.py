"""The way of one pixel through the rooms: down the left side into a file, up the right side out of it. Refuses modules that are not there."""

from __future__ import annotations

from dataclasses import dataclass

from charts import WIDTH_PX, svg, text
from rooms import ROOT

_LANE_PX, _BOX_PX, _ROW_PX, _TOP_PX, _GAP_PX = 268, 46, 60, 58, 30
_STYLE = """.box{fill:#f2f6f6;stroke:#8a979f;stroke-width:1}.whole{fill:#e0efed;stroke:#00695c}
path.edge{stroke:#7a8790;stroke-width:1.4}.tip{fill:#5b6a75;stroke:none}.line{stroke:#b45309;stroke-dasharray:6 5;stroke-width:1.5}
text.strong{font-size:15px}text.small{font-size:14px;fill:#5b6a75}text.line{font-size:14px;stroke:none;fill:#b45309}
@media(prefers-color-scheme:dark){.box{fill:#263238;stroke:#7c8890}.whole{fill:#123b37;stroke:#4db6a6}.tip{fill:#a3b0b8}
path.edge{stroke:#a7b3bb}text.small{fill:#a3b0b8}.line{stroke:#f0a04b}text.line{fill:#f0a04b}}"""


@dataclass(frozen=True)
class Step:
    """What a pixel is at this step, and the module that makes it so."""

    what: str
    module: str


FLOATS_DOWN = (
    Step("pixels and masks", "raster/geotiff.py"),
    Step("what a band measures", "raster/meaning.py"),
    Step("levels in dB", "signal/radiometry.py"),
    Step("a tile and 32 px around it", "encoding/tile_analysis.py"),
    Step("latents in dB", "signal/lapped.py"),
)
WHOLE_DOWN = (
    Step("symbols, along a trellis", "encoding/quantiser.py"),
    Step("the table of each symbol", "entropy/walk.py"),
    Step("a stream of bytes", "entropy/coding.py"),
    Step("sections of a tile", "format/sections.py"),
    Step("a whole file", "format/writer.py"),
)
FLOATS_UP = (
    Step("a GeoTIFF, or an array", "raster/scene_writer.py"),
    Step("pixels, invalid ones put back", "signal/radiometry.py"),
    Step("levels of the right power", "signal/correction.py"),
    Step("levels in dB", "signal/lapped.py"),
    Step("latents in dB, neighbours too", "decoding/learned.py"),
)
WHOLE_UP = (
    Step("latents in 1/32 of a step", "entropy/walk.py"),
    Step("symbols", "entropy/coding.py"),
    Step("sections, checksums tried", "format/sections.py"),
    Step("head and index", "format/container.py"),
    Step("bytes from a place", "format/source.py"),
)


def draw_walk() -> str:
    right = WIDTH_PX - _LANE_PX - 1
    parts = [f"<style>{_STYLE}</style>", text(0, 17, "One pixel, there and back", "start", "title")]
    parts += [
        text(1 + _LANE_PX / 2, 44, "compress ↓", "middle"),
        text(right + _LANE_PX / 2, 44, "decompress ↑", "middle"),
    ]
    floats = len(FLOATS_DOWN) * _ROW_PX
    for x, upper, lower, down in ((1, FLOATS_DOWN, WHOLE_DOWN, True), (right, FLOATS_UP, WHOLE_UP, False)):
        parts += _lane(x, _TOP_PX, upper, "box", down) + _lane(x, _TOP_PX + floats + _GAP_PX, lower, "box whole", down)
        parts.append(_arrow(x, _TOP_PX + floats - _ROW_PX + _BOX_PX, _ROW_PX - _BOX_PX + _GAP_PX, down))
    return svg("The way of one pixel", parts + _border(_TOP_PX + floats + 9), _TOP_PX + 2 * floats + _GAP_PX - 8)


def _lane(x: float, top: float, steps: tuple[Step, ...], kind: str, down: bool) -> list[str]:
    parts = []
    for row, step in enumerate(steps):
        if not (ROOT / "src" / "sarcodec" / step.module).exists():
            raise FileNotFoundError(f"found no {step.module}, which tools/site/walk.py draws; change it there")
        y, middle = top + row * _ROW_PX, x + _LANE_PX / 2
        parts += [
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{_LANE_PX}" height="{_BOX_PX}" rx="6"/>',
            text(middle, y + 19, step.what, "middle", "strong"),
            text(middle, y + 37, step.module, "middle", "small"),
        ]
        if row:
            parts.append(_arrow(x, y - _ROW_PX + _BOX_PX, _ROW_PX - _BOX_PX, down))
    return parts


def _arrow(lane: float, top: float, length: float, down: bool) -> str:
    x = lane + _LANE_PX / 2
    tip = top + length if down else top
    back = tip - 6 if down else tip + 6
    begin = top if down else top + length
    points = f"{x - 4:.1f},{back:.1f} {x + 4:.1f},{back:.1f} {x:.1f},{tip:.1f}"
    return f'<path class="edge" d="M{x:.1f} {begin:.1f}V{back:.1f}"/><polygon class="tip" points="{points}"/>'


def _border(y: float) -> list[str]:
    """Between the two kinds of numbers. The words stand between the lanes' arrows."""
    return [
        f'<line class="line" x1="0" x2="{WIDTH_PX}" y1="{y:.1f}" y2="{y:.1f}"/>',
        text(6, y - 8, "floats above", "start", "line"),
        text(6, y + 18, "whole numbers", "start", "line"),
    ]
