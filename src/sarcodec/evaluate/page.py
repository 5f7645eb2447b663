"""One self-contained HTML page on a decoded scene: verdicts, figures, charts, pictures. In: a frozen `Page`; out: its
text.

Charts are inline SVG, pictures are PNG within the page; nothing is fetched. Knows no files, codecs or rasters.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from importlib.resources import files

import numpy as np

from sarcodec.evaluate.charts import Series, Shade, line_chart
from sarcodec.evaluate.png import diverging_png, grey_png, heat_png
from sarcodec.evaluate.texture import TextureSummary
from sarcodec.evaluate.thumbnails import Thumbnails
from sarcodec.fidelity.classes import CLASSES, Check, Verdict
from sarcodec.fidelity.metrics import ErrorSummary

BLUE, RED = "#2166ac", "#b2182b"
RATIO_REACH_DB = 6.0
_REACHES_DB = (
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    50,
)  # of the error map: the first that holds nearly all of it
_SHADES = {"archive": "#cfe8cf", "analysis": "#eaf5ea"}
_BIAS_REACH_DB = (-0.06, 0.06)
_SHORTEST_SIDE_PX = 320  # pictures of fewer pixels are shown enlarged


@dataclass(frozen=True, eq=False)
class Detail:
    """A part of a band pixel by pixel: levels in dB, NaN where invalid, and its corner in the scene."""

    row: int
    col: int
    original_db: np.ndarray
    decoded_db: np.ndarray


@dataclass(frozen=True, eq=False)
class BandPage:
    """One band. None where it has no valid pixel; `tile_bits`: bits a pixel of the tile that each
    dot of the thumbnails lies in, of their shape; None if not known."""

    name: str
    errors: ErrorSummary | None
    texture: TextureSummary | None
    verdicts: tuple[Verdict, ...]
    thumbnails: Thumbnails
    detail: Detail | None
    tile_bits: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Page:
    """The whole scene: names, (label, text) facts for the head, bands."""

    title: str
    facts: tuple[tuple[str, str], ...]
    bands: tuple[BandPage, ...]


def render(page: Page) -> str:
    """The page as HTML text."""
    style = files("sarcodec.evaluate").joinpath("page.css").read_text(encoding="utf-8")
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in page.facts)
    cards = "".join(_card(name, page.bands) for name in CLASSES)
    body = "".join(map(_band, page.bands))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(page.title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>'
        f"<h1>{escape(page.title)}</h1><dl>{facts}</dl><div class=cards>{cards}</div>"
        f"{_verdict_table(page.bands)}{body}{_FOOT}</body></html>\n"
    )


def _card(name: str, bands: tuple[BandPage, ...]) -> str:
    verdicts = [verdict for band in bands for verdict in band.verdicts if verdict.quality_class == name]
    passed = all(verdict.passed for verdict in verdicts)
    word = "pass" if passed else "fail"
    failing = sum(not verdict.passed for verdict in verdicts)
    why = "every band" if passed else f"{failing} of {len(verdicts)} band{'s' * (len(verdicts) > 1)}"
    return f"<div class='card {word}'><b>{escape(name)}</b><span>{word.upper()}</span><small>{why}</small></div>"


def _verdict_table(bands: tuple[BandPage, ...]) -> str:
    head = "".join(f"<th colspan=2>{escape(name)}</th>" for name in CLASSES)
    rows = []
    for band in bands:
        for number, checks in enumerate(zip(*(verdict.checks for verdict in band.verdicts), strict=True)):
            name = f"<th rowspan={len(band.verdicts[0].checks)}>{escape(band.name)}</th>" if number == 0 else ""
            found = _found(checks[0])
            cells = "".join(
                f"<td>{escape(c.bound)}</td><td class={_word(c.passed)}>{_word(c.passed)}</td>" for c in checks
            )
            rows.append(f"<tr>{name}<td>{escape(checks[0].name)}</td><td class=n>{found}</td>{cells}</tr>")
    return f"<table><tr><th>band</th><th>figure</th><th>found</th>{head}</tr>{''.join(rows)}</table>"


def _found(check: Check) -> str:
    if check.name == "mask":
        return "exact" if check.passed else "changed"
    if check.value is None:
        return "too small to say"
    return _signed(check.value, 4) if check.name.startswith("bias") else _plain(check.value)


def _word(passed: bool) -> str:
    return "pass" if passed else "fail"


def _band(band: BandPage) -> str:
    parts = [f"<h2>{escape(band.name)}</h2>"]
    if band.errors is None or band.texture is None:
        return "".join([*parts, "<p>No pixel of this band is valid in both scenes: there is nothing to compare.</p>"])
    parts += ["<div class=row>", *_scene_pictures(band), "</div>"]
    if band.detail is not None:
        parts += ["<div class=row>", *_detail_pictures(band.detail), "</div>"]
    parts += ["<div class=row>", _bias_chart(band.texture), _histogram_chart(band.thumbnails), "</div>"]
    parts.append(_figures(band.errors, band.texture))
    return "".join(parts)


def _scene_pictures(band: BandPage) -> list[str]:
    thumbs, cell = band.thumbnails, band.thumbnails.cell_px
    low, high = _stretch(thumbs.original_db)
    each = "" if cell == 1 else f", one dot = {cell} x {cell} pixels"
    grey = f"black {low:.1f} dB, white {high:.1f} dB{each}"
    reach = _error_reach(thumbs.error_db)
    error = f"decoded less original{each}; blue \N{MINUS SIGN}{reach:g} dB, red +{reach:g} dB"
    parts = [
        picture("original", grey, grey_png(thumbs.original_db, low, high), thumbs.original_db.shape),
        picture("decoded", "the same stretch", grey_png(thumbs.decoded_db, low, high), thumbs.decoded_db.shape),
        picture("error map", error, diverging_png(thumbs.error_db, reach), thumbs.error_db.shape),
    ]
    known = band.tile_bits is not None and np.ptp(band.tile_bits) > 0  # one tile is no map: the head says its bits
    return parts + ([_tile_picture(band.tile_bits)] if known else [])


def _error_reach(error_db: np.ndarray) -> float:
    largest = float(np.nanpercentile(np.abs(error_db), 99.5))
    return next((float(reach) for reach in _REACHES_DB if reach >= largest), largest)


def _tile_picture(bits: np.ndarray) -> str:
    low, high = float(bits.min()), float(bits.max())
    note = f"bits a pixel of the tile's bytes in the file; white {low:.3g}, red {high:.3g}"
    return picture("bits a tile", note, heat_png(bits, low, high), bits.shape)


def _detail_pictures(detail: Detail) -> list[str]:
    low, high = _stretch(detail.original_db)
    rows, cols = detail.original_db.shape
    where = f"rows {detail.row} to {detail.row + rows - 1}, columns {detail.col} to {detail.col + cols - 1}"
    ratio = detail.original_db - detail.decoded_db
    about = (
        f"original / decoded power; blue {_signed(-RATIO_REACH_DB, 0)} dB, red {_signed(RATIO_REACH_DB, 0)} dB. "
        "Noise and nothing else is what it should show"
    )
    return [
        picture("original, pixel by pixel", where, grey_png(detail.original_db, low, high), ratio.shape),
        picture("decoded, pixel by pixel", "the same stretch", grey_png(detail.decoded_db, low, high), ratio.shape),
        picture("ratio image", about, diverging_png(ratio, RATIO_REACH_DB), ratio.shape),
    ]


def _stretch(level_db: np.ndarray) -> tuple[float, float]:
    known = level_db[np.isfinite(level_db)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(known, (1, 99)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def picture(name: str, note: str, png: bytes, shape: tuple[int, int]) -> str:
    """A <figure> with the PNG (rows, cols) within it and a caption."""
    rows, cols = shape
    scale = max(1, -(-_SHORTEST_SIDE_PX // max(rows, cols)))
    data = base64.b64encode(png).decode("ascii")
    size = f"width={cols * scale} height={rows * scale}"
    alt = f'alt="{escape(name)}"'
    return (
        f"<figure><img {size} {alt} src='data:image/png;base64,{data}'>"
        f"<figcaption><b>{escape(name)}</b><br>{escape(note)}</figcaption></figure>"
    )


def _bias_chart(texture: TextureSummary) -> str:
    if not texture.brightness:
        return (
            "<figure class=chart><figcaption><b>bias against brightness</b><br>Not drawn: the scene has one "
            "band, and an image that chooses its own bins shows a bias where there is none.</figcaption></figure>"
        )
    x = np.array([one.original_db for one in texture.brightness])
    y = np.array([one.bias_db for one in texture.brightness])
    order = np.argsort(x)
    shades = [Shade(f"{c.name}, an image", -c.bias_db, c.bias_db, _SHADES[c.name]) for c in reversed(CLASSES.values())]
    chart = line_chart(
        [Series("", x[order], y[order], BLUE, marks=True)],
        "mean level of the original, dB",
        "bias of power, dB",
        tuple(shades),
        _BIAS_REACH_DB,
    )
    note = "Pixels in bins of equal number, chosen by the brightness of the next band"
    return f"<figure class=chart>{chart}<figcaption><b>bias against brightness</b><br>{note}</figcaption></figure>"


def _histogram_chart(thumbs: Thumbnails) -> str:
    """Share of pixels a dB against the level, over what holds all but a thousandth of the pixels."""
    from sarcodec.evaluate.histograms import STEP_DB

    found, merged = thumbs.histogram, 8  # half a dB: whole DN are further apart than less where it is dark
    bins = -(-found.original.size // merged) * merged
    counts = [np.pad(c, (0, bins - c.size)).reshape(-1, merged).sum(axis=1) for c in (found.original, found.decoded)]
    share = np.cumsum(counts[0] + counts[1]) / sum(map(np.sum, counts))
    first, last = np.searchsorted(share, (0.0005, 0.9995))
    part = slice(max(0, first - 1), last + 2)
    x = (found.low_db + STEP_DB * merged * (np.arange(bins // merged) + 0.5))[part]
    lines = [
        Series(name, x, counts[n][part] / counts[n].sum() / (STEP_DB * merged), colour, dashed=dashed)
        for n, (name, colour, dashed) in enumerate((("original", "#222", False), ("decoded", RED, True)))
    ]
    chart = line_chart(lines, "level, dB", "share of pixels a dB", y_reach=(0.0, 0.0))
    return f"<figure class=chart>{chart}<figcaption><b>histograms</b><br>All valid pixels</figcaption></figure>"


def _figures(errors: ErrorSummary, texture: TextureSummary) -> str:
    groups = (
        ("error", _error_rows(errors)),
        ("speckle", _speckle_rows(errors)),
        ("structure", _structure_rows(texture)),
    )
    tables = "".join(f"<table><caption>{name}</caption>{''.join(map(_row, rows))}</table>" for name, rows in groups)
    return f"<div class=row>{tables}</div>"


def _row(row: tuple[str, str]) -> str:
    return f"<tr><td>{escape(row[0])}</td><td class=n>{row[1]}</td></tr>"


def _error_rows(errors: ErrorSummary) -> list[tuple[str, str]]:
    return [
        ("valid pixels", f"{errors.pixels:,}"),
        ("invalid pixels", f"{errors.invalid:,}"),
        ("RMSE of the level, dB", _plain(errors.rmse_db)),
        ("bias of power, dB", _signed(errors.bias_power_db, 4)),
        ("mean error of the level, dB", _signed(errors.mean_error_db, 4)),
        ("largest error, dB", _plain(errors.max_abs_error_db)),
        ("99.9 % of errors within, dB", _plain(errors.p999_abs_error_db)),
        ("error after 8 x 8 looks, dB", _plain(errors.multilook_rmse_db)),
    ]


def _speckle_rows(errors: ErrorSummary) -> list[tuple[str, str]]:
    pairs = (
        ("looks (ENL)", errors.enl_original, errors.enl_decoded),
        ("correlation across", errors.correlation_across_original, errors.correlation_across_decoded),
        ("correlation along", errors.correlation_along_original, errors.correlation_along_decoded),
    )
    rows = [(name, f"{_plain(before)} \N{RIGHTWARDS ARROW} {_plain(after)}") for name, before, after in pairs]
    return [*rows, ("ENL ratio", _plain(errors.enl_ratio)), ("windows of 15 x 15", f"{errors.enl_windows:,}")]


def _structure_rows(texture: TextureSummary) -> list[tuple[str, str]]:
    ratio, distances = texture.ratio, texture.histograms
    return [
        ("ratio image: mean, 1 is best", _plain(ratio.mean)),
        ("ratio image: variance", _plain(ratio.variance)),
        ("ratio image: structure of the scene, 0 is best", _plain(ratio.structure)),
        ("ratio image: correlation at 16 pixels, 0 is best", _plain(ratio.correlation)),
        ("ratio image: that of its spread, 0 is best", _plain(ratio.correlation_of_spread)),
        ("edge preservation, 0 to 1", _plain(texture.edge_preservation)),
        (f"SSIM (range {texture.similarity.data_range_db:g} dB)", _plain(texture.similarity.ssim)),
        ("MS-SSIM (the same range)", _plain(texture.similarity.ms_ssim)),
        ("earth mover's distance of levels, dB", _plain(distances.earth_mover_db)),
        ("Kolmogorov-Smirnov distance", _plain(distances.kolmogorov_smirnov)),
    ]


def _plain(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.4f}".replace("-", "\N{MINUS SIGN}")


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}") if value else "0"


_FOOT = (
    "<footer>Bias: 10 log10 of summed decoded over summed original power. ENL and correlation: medians over windows of "
    "15 x 15 pixels, chosen in the next band where there is one. Ratio image: original over decoded power; structure: "
    "its correlation with the details of the next band. Edge preservation: correlation of signed ratios of averages, "
    "at the edges of the next band. SSIM: Wang et al. 2004.</footer>"
)
