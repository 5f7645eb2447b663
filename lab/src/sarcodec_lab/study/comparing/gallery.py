"""The worst cases of a contender, cut out pixel by pixel: where it falls furthest behind JPEG 2000 at equal bytes.

In: Results, cases, the folder of work; out: frozen Specimens of amplitudes. Knows no markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarcodec.signal.radiometry import AMPLITUDE, normalise
from sarcodec_lab.figures.study_metrics import tiles
from sarcodec_lab.study.comparing.cases import Case
from sarcodec_lab.study.comparing.comparison import decoded_dn
from sarcodec_lab.study.comparing.contenders import Contender
from sarcodec_lab.study.comparing.equal_bytes import at_setting
from sarcodec_lab.study.comparing.records import Record
from sarcodec_lab.study.comparing.tables import Results

WORST = 3


@dataclass(frozen=True, eq=False)
class Specimen:
    """A cut of at most 256 x 256 pixels, DN, and the Record of the whole band."""

    record: Record
    row: int
    col: int
    original_dn: np.ndarray
    decoded_dn: np.ndarray
    equal_dn: np.ndarray

    @property
    def rmse_db(self) -> tuple[float, float]:
        """Of this cut: the contender's, and that of JPEG 2000."""
        return tuple(float(np.sqrt(square_error(self.original_dn, dn))) for dn in (self.decoded_dn, self.equal_dn))


def worst(results: Results, contender: Contender, cases: Sequence[Case], work: Path) -> list[Specimen]:
    """At its main setting: the places whose RMSE is largest beside that of JPEG 2000, one band of each."""
    by_key, chosen = {case.key: case for case in cases}, {}
    records = results.of(contender.name, results.main(contender))
    for record in sorted(records, key=_behind, reverse=True):
        chosen.setdefault(record.place, record)
    return [_cut(record, by_key[record.key], work) for record in list(chosen.values())[:WORST]]


def square_error(original_dn: np.ndarray, decoded_dn: np.ndarray) -> float:
    """Mean squared error of the level in dB^2, over valid pixels."""
    (before, valid), (after, _) = (normalise(np.ascontiguousarray(dn), AMPLITUDE) for dn in (original_dn, decoded_dn))
    return float(np.mean((after - before)[valid] ** 2)) if valid.any() else 0.0


def _behind(record: Record) -> float:
    return record.measures.rmse_db / record.equal.measures.rmse_db


def _cut(record: Record, case: Case, work: Path) -> Specimen:
    """The tile that is worst beside JPEG 2000."""
    returned, equal = decoded_dn(record, work), at_setting(case.dn, record.equal.psnr_db, record.equal.gain).decoded_dn

    def ratio(part) -> float:
        return square_error(case.dn[part], returned[part]) / max(square_error(case.dn[part], equal[part]), 1e-9)

    part = max(tiles(case.dn.shape), key=ratio)
    row, col = part[0].start, part[1].start
    return Specimen(record, row, col, *(np.ascontiguousarray(dn[part]) for dn in (case.dn, returned, equal)))
