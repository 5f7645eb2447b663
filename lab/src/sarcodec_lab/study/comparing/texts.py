"""A comparison as Markdown and as CSV. In: Tables and Records; out: text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields

from sarcodec_lab.study.comparing.measures import Measures
from sarcodec_lab.study.comparing.records import Record
from sarcodec_lab.study.comparing.tables import Figure, Table

_HEAD = (
    "model",
    "digest",
    "image",
    "band",
    "family",
    "place",
    "setting",
    "overlap_px",
    "pixels",
    "bytes",
    "bits_per_pixel",
)
_SECONDS = ("encode_seconds", "decode_seconds")
_EQUAL = ("psnr_setting_db", "gain", "bytes", "bits_per_pixel")
_MEASURES = tuple(field.name for field in fields(Measures))


def as_markdown(
    title: str, facts: Sequence[tuple[str, str]], tables: Sequence[tuple[str, Sequence[Table]]], method: str
) -> str:
    """All tables, under a heading for each family of images, and how they were measured."""
    parts = [f"# {title}", "", *(f"- {name}: {text}" for name, text in facts)]
    for family, found in tables:
        parts += ["", f"## {family}"]
        for table in found:
            parts += [
                "",
                *([f"### {table.title}", ""] if table.title != family else []),
                *([table.note, ""] if table.note else []),
                _markdown_table(table),
            ]
    return "\n".join([*parts, "", "## How it was measured", "", method, ""])


def plain_figure(figure: Figure) -> str:
    """`21.20 ± 0.81 [20.40, 22.00]`; of one place the mean alone."""
    mean, deviation, low, high = figure_parts(figure)
    return mean if deviation is None else f"{mean} \N{PLUS-MINUS SIGN} {deviation} [{low}, {high}]"


def figure_parts(figure: Figure) -> tuple[str, str | None, str, str]:
    """Mean, deviation (None of one place), ends of the interval, as text."""
    found = figure.spread
    mean, low, high = (_decimal(value, figure) for value in (found.mean, found.low, found.high))
    return mean, None if found.deviation is None else f"{found.deviation:.{figure.digits}f}", low, high


def _decimal(value: float, figure: Figure) -> str:
    value = round(value, figure.digits) + 0.0  # no minus before a zero
    return f"{value:{'+' if figure.signed and value else ''}.{figure.digits}f}".replace("-", "\N{MINUS SIGN}")


def as_csv(records: Sequence[Record]) -> str:
    """A row a file: model, image, band, setting, overlap, and JPEG 2000 at equal bytes in the same row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    equal = (*_EQUAL, *_MEASURES)
    writer.writerow([*_HEAD, *_SECONDS, *_MEASURES, *(f"jpeg2000_{name}" for name in equal)])
    writer.writerows(map(_row, records))
    return out.getvalue()


def _row(record: Record) -> list[object]:
    head = [record.contender, record.digest_hex, record.image, record.band, record.family, record.place]
    head += [f"{record.setting.value:g}", record.setting.overlap_px, record.pixels, record.bytes, record.bits_per_pixel]
    own = [getattr(record.measures, name) for name in _MEASURES]
    peer, equal = record.equal, [None] * (len(_EQUAL) + len(_MEASURES))
    if peer:
        equal = [
            peer.psnr_db,
            peer.gain,
            peer.bytes,
            peer.bits_per_pixel,
            *(getattr(peer.measures, name) for name in _MEASURES),
        ]
    return [_number(value) for value in (*head, record.encode_seconds, record.decode_seconds, *own, *equal)]


def _number(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else value


def _markdown_table(table: Table) -> str:
    lines = ["| " + " | ".join(table.columns) + " |", "|---" * len(table.columns) + "|"]
    lines += ["| " + " | ".join(_markdown_cell(cell) for cell in row) + " |" for row in table.rows]
    return "\n".join(lines)


def _markdown_cell(cell: str | Figure) -> str:
    return plain_figure(cell) if isinstance(cell, Figure) else cell.replace("|", "\\|")
