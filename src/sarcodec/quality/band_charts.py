"""The two charts of a band: bias against brightness, and histograms of both images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.quality.charts import Series, Shade, line_chart
from sarcodec.quality.classes import CLASSES
from sarcodec.quality.histograms import STEP_DB, Histogram
from sarcodec.quality.texture import TextureSummary
from sarcodec.quality.thumbnails import Thumbnails

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

_BLUE, _RED = "var(--blue)", "var(--red)"
_SHADES = {"archive": "#4caf5060", "analysis": "#4caf5030"}
_BIAS_REACH_DB = (-0.06, 0.06)
_MERGED_BINS = 8  # half a dB: whole DN are further apart than less where it is dark


def bias_chart(texture: TextureSummary) -> str:
    """<figure>: bias of bins of equal number against their mean level; words where no other band can choose bins."""
    if not texture.brightness:
        return _figure(
            "",
            "Bias against brightness",
            "Not drawn: the scene has one band, and an image that chooses its own bins shows a bias where there is none.",
        )
    x, y = (np.array([getattr(one, name) for one in texture.brightness]) for name in ("original_db", "bias_db"))
    order = np.argsort(x)
    shades = tuple(
        Shade(f"{c.name}, whole band", -c.bias_db, c.bias_db, _SHADES[c.name]) for c in reversed(CLASSES.values())
    )
    lines = [Series("", x[order], y[order], _BLUE, marks=True)]
    chart = line_chart(lines, "mean level of the original, dB", "bias of power, dB", shades, _BIAS_REACH_DB)
    note = (
        "Each dot holds the same number of pixels, chosen by the brightness of the next band. A line along 0 is best: dark and "
        "bright ground keep their mean power. Green: the bounds of the classes, which hold for the whole band."
    )
    return _figure(chart, "Bias against brightness", note)


def histogram_chart(thumbs: Thumbnails) -> str:
    """<figure>: share of pixels a dB against the level, over what holds all but a thousandth of the pixels."""
    if thumbs.histogram is None:
        return _figure("", "Histograms", "Not drawn: no pixel of this band is valid in both scenes.")
    x, shares = _shares(thumbs.histogram)
    lines = [
        Series("original", x, shares[0], "var(--ink)"),
        Series("decoded", x, shares[1], _RED, dashed=True),
    ]
    chart = line_chart(lines, "level, dB", "pixels in a step of 1 dB, %", y_reach=(0.0, 0.0))
    note = "How often each level is found among all valid pixels. The two lines should lie on each other."
    return _figure(chart, "Histograms", note)


def _shares(found: Histogram) -> tuple[Floats, list[Floats]]:
    """Levels (n,) in dB, and of both images the per cent of pixels a dB (n,)."""
    width = STEP_DB * _MERGED_BINS
    bins = -(-found.original.size // _MERGED_BINS)
    counts = [
        np.pad(c, (0, bins * _MERGED_BINS - c.size)).reshape(bins, -1).sum(axis=1)
        for c in (found.original, found.decoded)
    ]
    share = np.cumsum(counts[0] + counts[1]) / sum(map(np.sum, counts))
    first, last = np.searchsorted(share, (0.0005, 0.9995))
    part = slice(max(0, first - 1), last + 2)
    x = found.low_db + width * (np.arange(bins) + 0.5)
    return x[part], [100 * c[part] / c.sum() / width for c in counts]


def _figure(chart: str, title: str, note: str) -> str:
    return f"<figure class=chart>{chart}<figcaption><b>{title}</b><br>{note}</figcaption></figure>"
