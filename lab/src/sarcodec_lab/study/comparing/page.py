"""One self-contained HTML page of a comparison: tables, rate-distortion curves, the worst cases, how it was measured.

In: a frozen `Page`; out: its text. Charts are inline SVG, pictures PNG within the page; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from sarcodec.quality.maps import picture
from sarcodec.quality.page import style as page_style
from sarcodec.quality.png import diverging_png, grey_png
from sarcodec.signal.radiometry import AMPLITUDE, normalise
from sarcodec_lab.figures.study_metrics import to_study_unit
from sarcodec_lab.study.comparing.gallery import Specimen
from sarcodec_lab.study.comparing.tables import DASH, Figure, Table
from sarcodec_lab.study.comparing.texts import figure_parts

ERROR_REACH_DB = 6.0

_STYLE = """
.scroll { overflow-x: auto } table.wide td:first-child { white-space: nowrap }
table.wide td, table.wide th { padding: 3px 8px; font-size: 13.5px }
td small { color: var(--soft); display: block; font-size: 11.5px }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 6px 0; font-size: 13.5px }
.legend i { display: inline-block; width: 22px; height: 3px; vertical-align: middle; margin-right: 6px }
.gallery figure { max-width: 258px; flex: 0 0 258px } h3 { font-size: 16px; margin: 22px 0 2px }
p.note { color: var(--soft); font-size: 13px; margin: 0 } pre { white-space: pre-wrap; font: inherit }
figure.small { flex: 1 1 280px; max-width: 420px }
"""


@dataclass(frozen=True)
class Chart:
    """Text of one <svg>, its caption, and whether it is one of many small ones."""

    svg: str
    title: str
    note: str
    small: bool = False


@dataclass(frozen=True, eq=False)
class Section:
    """One family of images. legend: (name, colour) of the lines of all charts; gallery: (contender, its specimens)."""

    title: str
    facts: str
    tables: tuple[Table, ...]
    legend: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    gallery: tuple[tuple[str, tuple[Specimen, ...]], ...]


@dataclass(frozen=True, eq=False)
class Page:
    """The whole comparison; `method` is text in paragraphs."""

    title: str
    facts: tuple[tuple[str, str], ...]
    models: Table
    sections: tuple[Section, ...]
    method: str


def render(page: Page) -> str:
    """The page as HTML text."""
    style = page_style() + _STYLE
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in page.facts)
    method = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in page.method.split("\n\n"))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(page.title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>'
        f"<h1>{escape(page.title)}</h1><dl>{facts}</dl>{_table(page.models)}"
        f"{''.join(map(_section, page.sections))}<h2>How it was measured</h2>{method}</body></html>\n"
    )


def _section(section: Section) -> str:
    parts = [f"<h2>{escape(section.title)}</h2><p class=note>{escape(section.facts)}</p>"]
    first, *others = section.tables
    parts += [_table(first), "<h3>Rate and distortion</h3>", _legend(section.legend)]
    for small in (False, True):
        charts = "".join(_chart(chart) for chart in section.charts if chart.small == small)
        parts.append(f"<div class=row>{charts}</div>")
    parts += map(_table, others)
    for name, specimens in section.gallery:
        parts.append(f"<h3>{escape(name)}: where it falls furthest behind JPEG 2000 at equal bytes</h3>")
        parts += [_specimen(specimen) for specimen in specimens]
    return "".join(parts)


def _legend(names: Sequence[tuple[str, str]]) -> str:
    spans = (f"<span><i style='background:{colour}'></i>{escape(name)}</span>" for name, colour in names)
    return f"<div class=legend>{''.join(spans)}</div>"


def _chart(chart: Chart) -> str:
    kind = "small" if chart.small else "chart"
    title, note = escape(chart.title), escape(chart.note)
    return f"<figure class={kind}>{chart.svg}<figcaption><b>{title}</b><br>{note}</figcaption></figure>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    note = f"<p class=note>{escape(table.note)}</p>" if table.note else ""
    return (
        f"<h3>{escape(table.title)}</h3>{note}<div class=scroll><table class=wide><tr>{head}</tr>{rows}</table></div>"
    )


def _cell(cell: str | Figure) -> str:
    if isinstance(cell, str):
        kind = " class=n" if cell == DASH else ""
        return f"<td{kind}>{escape(cell)}</td>"
    mean, deviation, low, high = figure_parts(cell)
    more = "" if deviation is None else f" \N{PLUS-MINUS SIGN} {deviation}<small>{low} to {high}</small>"
    return f"<td class=n>{mean}{more}</td>"


def _specimen(specimen: Specimen) -> str:
    record, (ours, theirs) = specimen.record, specimen.rmse_db
    where = f"{record.image}, band {record.band}, from row {specimen.row}, column {specimen.col}"
    levels = [normalise(dn, AMPLITUDE)[0] for dn in (specimen.original_dn, specimen.decoded_dn)]
    error = diverging_png(levels[1] - levels[0], ERROR_REACH_DB)
    reach = f"decoded less original: blue \N{MINUS SIGN}{ERROR_REACH_DB:g} dB, red +{ERROR_REACH_DB:g} dB"
    bits = f"{record.bits_per_pixel:.3f} bit/pixel"
    shown = (
        ("original", f"{where}; the study's grey scale", _grey(specimen.original_dn)),
        ("decoded", f"{bits}, RMSE {ours:.2f} dB in this cut", _grey(specimen.decoded_dn)),
        ("error", reach, error),
        (
            "JPEG 2000",
            f"{record.equal.bits_per_pixel:.3f} bit/pixel, RMSE {theirs:.2f} dB in this cut",
            _grey(specimen.equal_dn),
        ),
    )
    shape = specimen.original_dn.shape
    return f"<div class='row gallery'>{''.join(picture(name, note, png, shape) for name, note, png in shown)}</div>"


def _grey(dn) -> bytes:
    return grey_png(to_study_unit(dn), 0.0, 1.0)
