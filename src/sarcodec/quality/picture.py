"""Draws original | decoded | error of one band as a PNG, whole and around its brightest target.

In go levels in dB, a mask and words; needs matplotlib (extra `plot`). Must not know where the levels came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.storage import Output
from sarcodec.storage.forms import PNG
from sarcodec.storage.refusals import writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.patches import Rectangle

    from sarcodec.arrays import Bools, Floats

ERROR_RANGE_DB = 3.0
"""The error is drawn from minus to plus this."""

DETAIL_PX = 128
"""Side of the detail in the second row."""

_NODATA_COLOUR = "#6b7a8f"
_FRAME_COLOUR = "#ffb000"
_STRETCH_PERCENT = (2, 98)
_FIGURE_INCHES = 17.0
_PANEL_INCHES = 4.6  # what is left for one of three panels beside ticks and colour bar


@dataclass(frozen=True)
class _Row:
    """One row of panels: levels in dB, the mask, the grey stretch in dB, and the corner (row, col) in the scene."""

    original: Floats
    decoded: Floats
    valid: Bools
    stretch_db: tuple[float, float]
    corner: tuple[int, int]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        rows, cols = self.original.shape
        top, left = self.corner
        return (left - 0.5, left + cols - 0.5, top + rows - 0.5, top - 0.5)


def draw_triptych(
    path_png: str | Path,
    original_db: Floats,
    decoded_db: Floats,
    valid: Bools,
    title: str,
    footer_lines: Sequence[str] = (),
) -> None:
    """Write original | decoded | error; below it the 128 x 128 pixels around the brightest valid pixel of the original.

    Levels in dB, (rows, cols); bool mask, same shape; best at about 1000 x 1000 pixels. Original and decoded share one
    grey stretch a row (whole: 2nd to 98th percentile of the original; detail: 2nd percentile to its peak); the error
    is decoded minus original, -3 to +3 dB. Pixels that are not valid are drawn in one slate blue.
    The file, '.png', appears under its name only when it is whole, in the place of an older one. InvalidArgument: shapes differ, no pixel is valid, or
    matplotlib is not installed.
    """
    original, decoded = np.asarray(original_db, dtype=np.float32), np.asarray(decoded_db, dtype=np.float32)
    valid = np.asarray(valid, dtype=bool)
    _check(original, decoded, valid)
    whole = _Row(original, decoded, valid, _stretch(original[valid]), (0, 0))
    with Output(path_png, overwrite=True, form=PNG) as output:
        _write(output, _lay_out(whole, _detail(whole), title, list(footer_lines)))


def _check(original: Floats, decoded: Floats, valid: Bools) -> None:
    if original.ndim != 2 or not original.shape == decoded.shape == valid.shape or not valid.any():
        raise InvalidArgument(
            f"found shapes {original.shape}, {decoded.shape} and {valid.shape} with {np.count_nonzero(valid)} valid "
            "pixels, expected one shape (rows, cols) and at least one valid pixel; draw one band of equal windows"
        )


def _stretch(levels: Floats) -> tuple[float, float]:
    low, high = (float(value) for value in np.percentile(levels, _STRETCH_PERCENT))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _detail(whole: _Row) -> _Row:
    """The window of at most 128 x 128 pixels around the brightest valid pixel, moved inside the scene."""
    peak = np.unravel_index(np.argmax(np.where(whole.valid, whole.original, -np.inf)), whole.original.shape)
    top, left = (
        int(np.clip(centre - DETAIL_PX // 2, 0, max(0, size - DETAIL_PX)))
        for centre, size in zip(peak, whole.original.shape, strict=True)
    )
    part = slice(top, top + DETAIL_PX), slice(left, left + DETAIL_PX)
    levels = whole.original[part][whole.valid[part]]
    # Up to the peak and not the 98th percentile: the shape of the target is what this row is for.
    low, high = _stretch(levels)[0], float(levels.max())
    stretch = (low, high) if high > low else (low - 0.5, low + 0.5)
    return _Row(whole.original[part], whole.decoded[part], whole.valid[part], stretch, (top, left))


def _lay_out(whole: _Row, detail: _Row, title: str, footer_lines: list[str]) -> Figure:
    figure_class, layout_class, rectangle_class = _matplotlib()
    footer_inches = 0.25 + 0.2 * len(footer_lines)
    heights = tuple(_PANEL_INCHES * _aspect(row) for row in (whole, detail))
    size = (_FIGURE_INCHES, 1.4 + sum(heights) + footer_inches)
    layout = layout_class(rect=(0, footer_inches / size[1], 1, 1 - footer_inches / size[1]), hspace=0.03)
    figure = figure_class(figsize=size, dpi=140, layout=layout, facecolor="white")
    figure.suptitle(title, fontsize=16, fontweight="bold")
    axes = figure.subplots(2, 3, height_ratios=heights)
    _draw_row(figure, axes[0], whole, ("original", "decoded", "error (decoded - original)"))
    rows, cols = detail.original.shape
    named = tuple(f"{name}, {rows} x {cols} pixels" for name in ("original", "decoded", "error"))
    _draw_row(figure, axes[1], detail, named)
    left, right, bottom, top = detail.extent
    for panel in axes[0]:
        panel.add_patch(
            rectangle_class((left, top), right - left, bottom - top, fill=False, edgecolor=_FRAME_COLOUR, linewidth=1.8)
        )
    for panel in axes[1]:
        panel.spines[:].set(color=_FRAME_COLOUR, linewidth=1.8)
    figure.text(0.012, 0.12 / size[1], "\n".join(footer_lines), fontsize=10.5, family="monospace", va="bottom")
    return figure


def _aspect(row: _Row) -> float:
    """Height of a panel for its width, within what a page can show."""
    rows, cols = row.original.shape
    found: float = min(1.6, max(0.4, rows / cols))
    return found


def _draw_row(figure: Figure, axes: Sequence[Axes], row: _Row, names: tuple[str, ...]) -> None:
    grey, diverging = _colour_maps()
    low, high = row.stretch_db
    error = np.where(row.valid, row.decoded, 0) - np.where(row.valid, row.original, 0)
    panels = (
        (row.original, grey, low, high),
        (row.decoded, grey, low, high),
        (error, diverging, -ERROR_RANGE_DB, ERROR_RANGE_DB),
    )
    for axis, name, (values, colours, lowest, highest) in zip(axes, names, panels, strict=True):
        masked = np.ma.masked_array(values, ~row.valid)
        # "auto" averages where pixels are finer than the drawing: every n-th pixel would draw false patterns.
        drawn = axis.imshow(masked, cmap=colours, vmin=lowest, vmax=highest, extent=row.extent, interpolation="auto")
        axis.set_title(name, fontsize=12)
        axis.tick_params(labelsize=8, color="0.6", labelcolor="0.35")
        bar = figure.colorbar(drawn, ax=axis, extend="both", fraction=0.046, pad=0.02)
        bar.set_label("dB", fontsize=9)
        bar.ax.tick_params(labelsize=8)


def _colour_maps() -> tuple[Colormap, Colormap]:
    from matplotlib import colormaps

    grey, diverging = (colormaps[name].with_extremes(bad=_NODATA_COLOUR) for name in ("gray", "RdBu_r"))
    return grey, diverging


def _matplotlib() -> tuple[type[Figure], type[ConstrainedLayoutEngine], type[Rectangle]]:
    try:
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
        from matplotlib.patches import Rectangle
    except ImportError as error:
        raise InvalidArgument("matplotlib is not installed; install sarcodec with the extra `plot`") from error
    return Figure, ConstrainedLayoutEngine, Rectangle


def _write(output: Output, figure: Figure) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with writing(output.name), open(output.part, "wb") as stream:
        FigureCanvasAgg(figure).print_png(stream)
    output.publish()
