"""Networks' files beside JPEG 2000 and the codec at equal bytes, in one small table.

In: cases, and the Records of their files by `compare_one`, JPEG 2000 among them; out: rows of text, means over places. Knows no network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sarcodec
from sarcodec.errors import TargetNotReached
from sarcodec_lab.study.comparing.cases import Case
from sarcodec_lab.study.comparing.comparison import JPEG_2000_NAME
from sarcodec_lab.study.comparing.measures import Measures, measure
from sarcodec_lab.study.comparing.places import spread
from sarcodec_lab.study.comparing.records import Record

CODEC = "lapped32"
COLUMNS = (
    "what",
    "bands",
    "bytes, all bands",
    "bit/pixel",
    "PSNR dB",
    "SSIM",
    "RMSE dB",
    "RMSE dB, less the network's",
)
_FIGURES = {"psnr_study": 2, "ssim_study": 3, "rmse_db": 3}
_Point = tuple[int, Measures]


def beside(records: Sequence[Record], cases: Sequence[Case], model: str = CODEC) -> list[tuple[str, ...]]:
    """Three rows under COLUMNS for each contender and setting: its files, JPEG 2000, and the codec's model at no more bytes, band by band.

    A band that the codec cannot write so small is left out of its row, which says how many there are.
    """
    by_key, rows = {case.key: case for case in cases}, []
    for name in dict.fromkeys((record.contender, record.setting) for record in records):
        own = [record for record in records if (record.contender, record.setting) == name]
        rows.append(_row(f"**{name[0]}**", own, lambda record: (record.bytes, record.measures), False))
        rows.append(_row(f"{JPEG_2000_NAME}, equal bytes", own, _of_jpeg2000))
        found = {record.key: at_most(by_key[record.key], record.bytes, model) for record in own}
        rows.append(_row(f"codec, {model}, equal bytes", own, lambda record, found=found: found[record.key]))
    return rows


def at_most(case: Case, size: int, model: str = CODEC) -> _Point | None:
    """Bytes and Measures of the codec's file of a band in at most `size` bytes; None where it has none so small.

    Decoded for the least error in dB, as JPEG 2000 and the networks are.
    """
    try:
        data = sarcodec.encode(case.dn, target_size=size, model=model, domain="amplitude", nodata=0, threads=1)
    except TargetNotReached:
        return None
    returned = sarcodec.decode(data, reconstruct="log", threads=1)
    return len(data), measure(case.dn, returned, case.guide_dn)


def _of_jpeg2000(record: Record) -> _Point | None:
    return None if record.equal is None else (record.equal.bytes, record.equal.measures)


def _row(name: str, own: Sequence[Record], point: Callable[[Record], _Point | None], less: bool = True) -> tuple:
    points = {record.key: point(record) for record in own}
    found = [(record, points[record.key]) for record in own if points[record.key] is not None]
    bits = [(record.place, 8 * size / record.pixels) for record, (size, _) in found]
    cells = [str(len(found)), f"{sum(size for _, (size, _) in found):,}", _mean(bits, 4)]
    cells += [_mean([(r.place, getattr(m, name)) for r, (_, m) in found], d) for name, d in _FIGURES.items()]
    gaps = [(record.place, measures.rmse_db - record.measures.rmse_db) for record, (_, measures) in found]
    return (name, *cells, _mean(gaps, 3, interval=True) if less else "")


def _mean(pairs: Sequence[tuple[str, float | None]], digits: int, interval: bool = False) -> str:
    found = spread(pairs)
    if found is None:
        return ""
    if not interval:
        return f"{found.mean:.{digits}f}"
    return f"{found.mean:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"
