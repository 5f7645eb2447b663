"""The curves of the study's notebook, drawn alike. In: arrays; out: figures of matplotlib (extra `plot`), which is loaded when one is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sarcodec_lab.figures.study_metrics import HIGH, LOW

BLUE, ORANGE, GREEN, INK, GREY = "#2a78d6", "#d9662a", "#3f8f5f", "#52514e", "#8a8984"
COLOURS = (BLUE, ORANGE, GREEN, "#8a5fb0", INK)
_STYLE = {
    "figure.dpi": 90,
    "font.size": 9,
    "axes.grid": True,
    "grid.color": "#e4e3df",
    "axes.edgecolor": "#c3c2b7",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlesize": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
_BINS_DB = np.arange(20.0, 66.0)  # finer ones would show that dark pixels are whole numbers
Curve = tuple[np.ndarray, np.ndarray]


def levels_figure(bands: Mapping[str, Sequence[np.ndarray]]):
    """Shares of the pixels (DN above 0) by their level in dB, a line a name, and the span that the study does not clip."""
    figure, (axis,) = _axes(1, 3.0)
    for (name, pixels), colour in zip(bands.items(), COLOURS * len(bands), strict=False):
        level = np.concatenate([20 * np.log10(dn[dn > 0].astype(float)).ravel() for dn in pixels])
        share = np.histogram(level, _BINS_DB)[0] / max(level.size, 1)
        axis.plot((_BINS_DB[1:] + _BINS_DB[:-1]) / 2, 100 * share, color=colour, linewidth=1.5, label=name)
    axis.axvspan(2 * LOW, 2 * HIGH, color=GREY, alpha=0.12, linewidth=0, label="kept by the study's scale")
    axis.set_title("pixels, % for each dB", loc="left")
    axis.set_xlabel("level, 20 log10 DN")
    axis.legend(frameon=False, fontsize=8)
    return figure


def curves_figure(curves: Mapping[str, Mapping[str, Curve]], marks: Mapping[str, Mapping[str, float]] | None = None):
    """A panel a title; in each, named curves (batches, values), and named levels as broken lines."""
    figure, axes = _axes(len(curves), 3.0)
    for axis, (title, lines) in zip(axes, curves.items(), strict=True):
        for (name, (batches, values)), colour in zip(lines.items(), COLOURS, strict=False):
            axis.plot(batches, values, "o-", color=colour, linewidth=1.5, markersize=4, label=name)
        for name, level in (marks or {}).get(title, {}).items():
            axis.axhline(level, color=GREY, linewidth=1, linestyle="--")
            axis.text(0.99, level, name, transform=axis.get_yaxis_transform(), ha="right", va="bottom", fontsize=8)
        axis.set_title(title, loc="left")
        axis.set_xlabel("batch")
        axis.legend(frameon=False, fontsize=8)
    return figure


def gates_figure(
    seeds: Mapping[str, np.ndarray], gains: Mapping[str, tuple[float, float | None, float | None]], title: str
):
    """PSNR of every seed by gates; and gains over none in dB (mean, ends of the interval or None) beside the half dB that is asked for."""
    figure, (left, right) = _axes(2, 3.0)
    for place, values in enumerate(seeds.values()):
        left.plot(np.full(len(values), place), values, "o", color=BLUE, markersize=6, alpha=0.8)
        left.plot([place - 0.2, place + 0.2], [np.mean(values)] * 2, color=INK, linewidth=1.5)
    for place, (mean, low, high) in enumerate(gains.values()):
        ends = None if low is None or high is None else [[mean - low], [high - mean]]
        right.errorbar(place, mean, ends, fmt="o", color=BLUE, markersize=6, linewidth=1.5, capsize=4)
    for axis, names, words in (
        (left, seeds, "PSNR in dB, a dot a seed, a line their mean"),
        (right, gains, "PSNR in dB less that of none, at equal bits, 95 %"),
    ):
        axis.set_title(words, loc="left")
        axis.set(xticks=range(len(names)), xticklabels=list(names), xlim=(-0.5, len(names) - 0.5))
    right.axhline(0, color=INK, linewidth=1)
    right.axhline(0.5, color=ORANGE, linewidth=1)
    right.text(len(gains) - 0.52, 0.5, "+0.5 dB", color=ORANGE, ha="right", va="bottom")
    figure.suptitle(title, x=0.01, ha="left", fontsize=9)
    return figure


def use_style() -> None:
    """Draw whatever comes after in this style, in this process."""
    import matplotlib.pyplot as plt

    plt.rcParams.update(_STYLE)


def _axes(count: int, height: float):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, count, figsize=(8, height), layout="constrained", squeeze=False)
    return figure, axes[0]
