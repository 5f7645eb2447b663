"""Records into what people read: a page, Markdown, CSV. In: Records, contenders, cases; out: text of the three.

Each family of images is a section of its own: figures of places of different kinds are not averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarcodec.quality.charts import Series, line_chart
from sarcodec_lab.study.comparing.cases import Case
from sarcodec_lab.study.comparing.comparison import JPEG_2000_NAME
from sarcodec_lab.study.comparing.contenders import Contender
from sarcodec_lab.study.comparing.gallery import worst
from sarcodec_lab.study.comparing.method import METHOD
from sarcodec_lab.study.comparing.page import Chart, Page, Section, render
from sarcodec_lab.study.comparing.places import spread
from sarcodec_lab.study.comparing.records import Record
from sarcodec_lab.study.comparing.tables import (
    HONEST_COLUMNS,
    STUDY_COLUMNS,
    Results,
    Table,
    differences_table,
    figures_table,
    ladder_table,
    models_table,
    overlap_table,
    savings_table,
)
from sarcodec_lab.study.comparing.texts import as_csv, as_markdown

MOST_PLACES = 9
"""Places that have a chart of their own; of more only the means are drawn."""

_COLOURS = ("#2166ac", "#1b7837", "#762a83", "#e08214", "#35978f", "#c51b7d", "#8c510a", "#4d4d4d")
_PEER_COLOUR = "#b2182b"


@dataclass(frozen=True, eq=False)
class Found:
    """All of a comparison. split: as in the index; window_db: of BD-rate, None: what curves share."""

    split: str
    records: tuple[Record, ...]
    contenders: tuple[Contender, ...]
    cases: tuple[Case, ...]
    window_db: tuple[float, float] | None
    work: Path


@dataclass(frozen=True)
class Texts:
    """The three outputs."""

    html: str
    markdown: str
    csv: str


def write_up(found: Found, facts: tuple[tuple[str, str], ...]) -> Texts:
    """A page, Markdown and CSV of one comparison."""
    families = sorted({case.family for case in found.cases}, key=[case.family for case in found.cases].index)
    models, sections = models_table(found.contenders), tuple(_section(found, family) for family in families)
    title = f"{', '.join(one.name for one in found.contenders)} beside {JPEG_2000_NAME}"
    page = Page(title, facts, models, sections, METHOD)
    tables = [("Models", [models]), *((f"{section.title}: {section.facts}", section.tables) for section in sections)]
    return Texts(render(page), as_markdown(title, facts, tables, METHOD), as_csv(found.records))


def _section(found: Found, family: str) -> Section:
    cases = [case for case in found.cases if case.family == family]
    results = Results([record for record in found.records if record.family == family], found.contenders)
    tables: list[Table | None] = [
        figures_table("The study's figures", results, STUDY_COLUMNS),
        figures_table("The honest figures", results, HONEST_COLUMNS),
        differences_table(results),
        savings_table(results, found.window_db),
        overlap_table(results),
        ladder_table(results),
    ]
    colours = _colours(results)
    return Section(
        f"{found.split}/{family}",
        _counted(cases),
        tuple(table for table in tables if table),
        tuple(colours.items()),
        (*_mean_charts(results, colours), *_place_charts(results, colours)),
        tuple((one.name, tuple(worst(results, one, cases, found.work))) for one in found.contenders),
    )


def _counted(cases: Sequence[Case]) -> str:
    images, places = len({case.image for case in cases}), len({case.place for case in cases})
    counts = ((places, "place"), (images, "image"), (len(cases), "band"))
    return "n = " + ", ".join(f"{count} {word}{'s' * (count > 1)}" for count, word in counts)


def _colours(results: Results) -> dict[str, str]:
    names = [one.name for one in results.contenders]
    return {JPEG_2000_NAME: _PEER_COLOUR} | {name: _COLOURS[n % len(_COLOURS)] for n, name in enumerate(names)}


def _mean_charts(results: Results, colours: dict[str, str]) -> list[Chart]:
    note = "mean over places at each setting; bits on a logarithmic axis"
    figures = (("RMSE of the level, dB", "rmse_db"), ("PSNR on the study's scale, dB", "psnr_study"))
    return [Chart(_curves(results, results.records, colours, name, label), label, note) for label, name in figures]


def _place_charts(results: Results, colours: dict[str, str]) -> list[Chart]:
    """RMSE of each place, where there are several and not too many."""
    places, label = sorted({record.place for record in results.records}), "RMSE of the level, dB"
    if not 1 < len(places) <= MOST_PLACES:
        return []
    parts = [(place, [record for record in results.records if record.place == place]) for place in places]
    return [Chart(_curves(results, part, colours, "rmse_db", label), place, label, small=True) for place, part in parts]


def _curves(results: Results, records: Sequence[Record], colours: dict[str, str], name: str, label: str) -> str:
    ladders = {one.name: one.ladder for one in results.contenders}
    series = []
    for contender, colour in colours.items():
        own = [record for record in records if record.contender == contender]
        own = [record for record in own if record.setting in ladders.get(contender, (record.setting,))]
        own = _in_sight(own, records) if contender == JPEG_2000_NAME else own
        points = sorted(_point(own, setting, name) for setting in {record.setting for record in own})
        x, y = np.array(points).T
        series.append(Series("", x, y, colour, marks=contender != JPEG_2000_NAME, dashed=contender == JPEG_2000_NAME))
    return line_chart(series, "bit/pixel", label, log_x=True)


def _in_sight(peers: Sequence[Record], records: Sequence[Record]) -> list[Record]:
    """Without the settings at which JPEG 2000 breaks down on some image: they would squash all other curves. If it has
    no other, all."""
    worst = 1.1 * max(record.measures.rmse_db for record in records if record.contender != JPEG_2000_NAME)
    lost = {record.setting for record in peers if record.measures.rmse_db > worst}
    return [record for record in peers if record.setting not in lost] or list(peers)


def _point(records: Sequence[Record], setting, name: str) -> tuple[float, float]:
    """Means over places of bits and of one figure."""
    here = [record for record in records if record.setting == setting]
    bits = spread((record.place, record.bits_per_pixel) for record in here)
    return bits.mean, spread((record.place, getattr(record.measures, name)) for record in here).mean
