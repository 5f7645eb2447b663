"""The tables of a comparison, free of markup. In: Records of one family of images; out: frozen Tables of text and
Spreads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sarcodec_lab.study.comparing.comparison import JPEG_2000_NAME
from sarcodec_lab.study.comparing.contenders import Contender, Setting
from sarcodec_lab.study.comparing.places import Savings, Spread, savings, spread
from sarcodec_lab.study.comparing.records import Record

DASH = "\N{EN DASH}"

Value = Callable[[Record], float | None]


@dataclass(frozen=True)
class Figure:
    """A Spread with the digits to show, and whether its sign is shown."""

    spread: Spread
    digits: int
    signed: bool = False


@dataclass(frozen=True)
class Table:
    """Cells are text or Figures; the first column names the row."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | Figure, ...], ...]


@dataclass(frozen=True)
class Column:
    """A figure of Measures by its name."""

    title: str
    name: str
    digits: int
    signed: bool = False


STUDY_COLUMNS = (
    Column("PSNR dB (psnr_study)", "psnr_study", 2),
    Column("SSIM (ssim_study)", "ssim_study", 3),
    Column("MS-SSIM (same scale)", "ms_ssim_study", 3),
    Column("ENL ratio (enl_ratio_log)", "enl_ratio_log", 3),
    Column("EPI (epi_cosine)", "epi_cosine", 3),
    Column("share of pixels that the scale clips", "clipped", 4),
)
HONEST_COLUMNS = (
    Column("RMSE dB", "rmse_db", 3),
    Column("bias dB", "bias_db", 3, signed=True),
    Column("ENL ratio (intensity)", "enl_ratio", 3),
    Column("edges (signed)", "edges", 3),
    Column("SSIM (96 dB)", "ssim", 4),
    Column("MS-SSIM (96 dB)", "ms_ssim", 4),
)


class Results:
    """Records of one family, asked for by contender; `main` says which setting of a contender the tables show."""

    def __init__(self, records: Sequence[Record], contenders: Sequence[Contender]) -> None:
        self.records, self.contenders = tuple(records), tuple(contenders)
        known = [one for one in contenders if one.main]
        rates = [self.mean_bits(one.name, one.main) for one in known]
        self._wanted = float(np.exp(np.mean(np.log(rates)))) if rates else None

    def of(self, name: str, setting: Setting | None = None) -> list[Record]:
        """Records of a contender, at one setting or at all."""
        return [r for r in self.records if r.contender == name and setting in (None, r.setting)]

    def mean_bits(self, name: str, setting: Setting) -> float:
        """Bits a pixel, mean over places."""
        return spread((r.place, r.bits_per_pixel) for r in self.of(name, setting)).mean

    def curve(self, contender: Contender) -> list[Record]:
        """Records of its ladder, which all have one overlap."""
        return [r for r in self.of(contender.name) if r.setting in contender.ladder]

    def main(self, contender: Contender) -> Setting:
        """Its own main setting, or the one whose rate is nearest to that of those who have one."""
        if contender.main:
            return contender.main
        if self._wanted is None:
            return contender.ladder[len(contender.ladder) // 2]
        return min(
            contender.ladder, key=lambda setting: abs(np.log(self.mean_bits(contender.name, setting) / self._wanted))
        )


def models_table(contenders: Sequence[Contender]) -> Table:
    """What does not depend on images."""
    columns = (
        "model",
        "parameters",
        "kMAC a pixel to encode",
        "to decode",
        "batches trained",
        "tile",
        "digest",
        "trained on",
        "description",
    )
    rows = [
        (
            one.name,
            _whole(one.facts.parameters),
            _tenths(one.facts.encoder_kmac_per_px),
            _tenths(one.facts.decoder_kmac_per_px),
            _whole(one.facts.batches),
            f"{one.facts.tile_px} px" if one.facts.tile_px else "any size",
            one.digest_hex[:12],
            one.facts.split or DASH,
            one.facts.description or DASH,
        )
        for one in contenders
    ]
    return Table("Models", "", columns, tuple(rows))


def figures_table(title: str, results: Results, columns: Sequence[Column]) -> Table:
    """A row a model at its main setting, and one of JPEG 2000 at the bytes of each of its files."""
    rows = []
    for one in results.contenders:
        setting = results.main(one)
        records = results.of(one.name, setting)
        rows.append(_figures_row(f"{one.name}, {spoken(one, setting)}", records, columns, lambda r: r))
        rows.append(_figures_row(f"{JPEG_2000_NAME} at equal bytes", records, columns, lambda r: r.equal))
    heads = ("", "bit/pixel", *(column.title for column in columns))
    return Table(
        title,
        "mean \N{PLUS-MINUS SIGN} deviation between places, and the 95 % interval of the mean",
        heads,
        tuple(rows),
    )


def differences_table(results: Results) -> Table:
    """Model less JPEG 2000 at equal bytes, paired by file."""
    columns = (HONEST_COLUMNS[0], *STUDY_COLUMNS[:3], HONEST_COLUMNS[3])
    rows = []
    for one in results.contenders:
        setting = results.main(one)
        records = results.of(one.name, setting)
        cells = [_cell(spread((r.place, _less(r, c.name)) for r in records), c.digits, True) for c in columns]
        rows.append((f"{one.name}, {spoken(one, setting)}", *cells))
    note = "paired by file; of RMSE less is better, of the others more. An interval that holds 0 says nothing"
    return Table(f"Model less {JPEG_2000_NAME} at equal bytes", note, ("", *(c.title for c in columns)), tuple(rows))


def ladder_table(results: Results) -> Table:
    """Every point of every curve."""
    columns = (
        "",
        "setting",
        "bit/pixel",
        "RMSE dB",
        "bias dB",
        "PSNR dB (psnr_study)",
        "SSIM (ssim_study)",
        "its RMSE at equal bytes",
    )
    rows = []
    for one in results.contenders:
        for setting in one.ladder:
            records = results.of(one.name, setting)
            rows.append(
                (
                    one.name,
                    spoken(one, setting),
                    gathered(records, lambda r: r.bits_per_pixel, 4),
                    gathered(records, lambda r: r.measures.rmse_db, 3),
                    gathered(records, lambda r: r.measures.bias_db, 3, True),
                    gathered(records, lambda r: r.measures.psnr_study, 2),
                    gathered(records, lambda r: r.measures.ssim_study, 3),
                    gathered(records, lambda r: r.equal.measures.rmse_db, 3),
                )
            )
    files = [record for record in results.records if record.equal]
    larger = sum(record.equal.bytes > record.bytes for record in files)
    small = (
        f"; {larger} of {len(files)} files are smaller than its smallest stream, which then stands in" if larger else ""
    )
    return Table("Every setting", f"last column: {JPEG_2000_NAME}{small}", columns, tuple(rows))


def savings_table(results: Results, window_db: tuple[float, float] | None) -> Table:
    """BD-rate of each model against JPEG 2000 and against each model of the ordinary codec."""
    anchors = {JPEG_2000_NAME: results.of(JPEG_2000_NAME)}
    anchors |= {one.name: results.curve(one) for one in results.contenders if one.unit == "quality"}
    rows = []
    for one in results.contenders:
        cells = [
            text
            for name, records in anchors.items()
            for text in (_saved(savings(records, results.curve(one), window_db)) if name != one.name else (DASH, DASH))
        ]
        rows.append((one.name, *cells))
    columns = [text for name in anchors for text in (f"bits against {name}, %", "over RMSE, dB")]
    where = "the window that was asked for" if window_db else "what the two curves of a band share, ends averaged"
    return Table("BD-rate", f"minus: fewer bits for the same RMSE in dB. Range: {where}", ("", *columns), tuple(rows))


def overlap_table(results: Results) -> Table | None:
    """Bytes and error of tile-bound models by overlap; None if there is no such model."""
    rows = []
    for one in results.contenders:
        if not one.trials:
            continue
        settings = sorted((one.main, *one.trials), key=lambda setting: setting.overlap_px)
        tile = one.facts.tile_px
        least = _total_bytes(results.of(one.name, settings[0]))
        for setting in settings:
            records = results.of(one.name, setting)
            total = _total_bytes(records)
            rows.append(
                (
                    one.name,
                    f"{setting.overlap_px} px",
                    f"{total:,}",
                    f"{100 * (total / least - 1):+.1f} %",
                    f"{100 * ((tile / (tile - setting.overlap_px)) ** 2 - 1):+.1f} %",
                    gathered(records, lambda r: r.bits_per_pixel, 4),
                    gathered(records, lambda r: r.measures.rmse_db, 4),
                    gathered(records, lambda r: r.measures.psnr_study, 3),
                )
            )
    columns = (
        "",
        "overlap",
        "bytes of all files",
        "more than the least overlap",
        "tiles of a large scene",
        "bit/pixel",
        "RMSE dB",
        "PSNR dB (psnr_study)",
    )
    note = (
        "tile-bound models at one step. Small images overstate it: 512 pixels are two tiles of 256 a side without "
        "overlap and three with any; a large scene takes as many more tiles as the column says"
    )
    return Table("What the overlap of tiles costs", note, columns, tuple(rows)) if rows else None


def spoken(contender: Contender, setting: Setting) -> str:
    """A setting in words."""
    overlap = f", overlap {setting.overlap_px}" if setting.overlap_px else ""
    return f"{contender.unit} {setting.value:g}{overlap}"


def gathered(records: Sequence[Record], value: Value, digits: int, signed: bool = False) -> str | Figure:
    """One figure of some records as a cell."""
    return _cell(spread((r.place, value(r)) for r in records), digits, signed)


def _figures_row(name: str, records: Sequence[Record], columns: Sequence[Column], part) -> tuple[str | Figure, ...]:
    cells = [gathered(records, lambda r, c=c: getattr(part(r).measures, c.name), c.digits, c.signed) for c in columns]
    return (name, gathered(records, lambda r: part(r).bits_per_pixel, 4), *cells)


def _less(record: Record, name: str) -> float | None:
    ours, theirs = getattr(record.measures, name), getattr(record.equal.measures, name)
    return None if ours is None or theirs is None else ours - theirs


def _saved(found: Savings) -> tuple[str | Figure, str]:
    if found.rate is None:
        return (
            "no overlap",
            f"it reaches {found.reach_db[0]:.2f} to {found.reach_db[1]:.2f}" if found.reach_db else DASH,
        )
    low, high = found.window_db
    some = f" ({found.bands} of {found.of_bands} bands)" if found.bands < found.of_bands else ""
    return Figure(found.rate, 1, signed=True), f"{low:.2f} to {high:.2f}{some}"


def _cell(found: Spread | None, digits: int, signed: bool = False) -> str | Figure:
    return DASH if found is None else Figure(found, digits, signed)


def _total_bytes(records: Sequence[Record]) -> int:
    return sum(record.bytes for record in records)


def _whole(value: float | None) -> str:
    return DASH if value is None else f"{value:,.0f}"


def _tenths(value: float | None) -> str:
    return DASH if value is None else f"{value:,.1f}"
