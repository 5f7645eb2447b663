"""What `sarcodec compare --csv` wrote, read again: a row a model and setting, and one model against another at equal bits.

In: the CSV; out: rows of text for a Markdown table, a Difference. Knows no network.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec_lab.study.comparing.impact import Difference, at_bits, difference

FIGURES = {  # column of the CSV: title, digits
    "bits_per_pixel": ("bit/pixel", 4),
    "psnr_study": ("PSNR dB", 2),
    "ssim_study": ("SSIM", 3),
    "enl_ratio_log": ("ENL ratio (log)", 3),
    "epi_cosine": ("EPI (cosine)", 3),
    "rmse_db": ("RMSE dB", 3),
    "bias_db": ("bias dB", 3),
    "enl_ratio": ("ENL ratio", 3),
    "edges": ("edges", 3),
    "jpeg2000_psnr_study": ("JPEG 2000 at equal bytes: PSNR dB", 2),
}
COLUMNS = ("model", "setting", "overlap px", "places", *(title for title, _ in FIGURES.values()))
_KEYS = {"model", "image", "band", "family", "place", "setting", "overlap_px", "bits_per_pixel", "psnr_study"}
NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class Row:
    """One file of one band. band_key names the band; figures: those of FIGURES that the CSV has and that are known."""

    model: str
    family: str
    place: str
    band_key: str
    setting: float
    overlap_px: int
    figures: dict[str, float]


def read_rows(path: str | Path) -> tuple[Row, ...]:
    """All rows. Raises InvalidArgument when the file is not one that `compare --csv` wrote."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        missing = sorted(_KEYS - set(found[0] if found else ()))
        if missing:
            raise InvalidArgument(f"{path} lacks the columns {missing}; expected what `sarcodec compare --csv` writes")
        return tuple(map(_row, found))
    except (OSError, ValueError, TypeError) as error:
        raise InvalidArgument(f"cannot read {path} ({error}); write it anew with `sarcodec compare --csv`") from error


def _row(found: dict[str, str]) -> Row:
    figures = {name: float(found[name]) for name in FIGURES if found.get(name)}
    band = f"{found['image']} {found['band']}"
    return Row(
        found["model"],
        found["family"],
        found["place"],
        band,
        float(found["setting"]),
        int(found["overlap_px"]),
        figures,
    )


def families(rows: Iterable[Row]) -> list[str]:
    """Families of images that were compared."""
    return list(dict.fromkeys(row.family for row in rows))


def table(rows: Sequence[Row], family: str) -> list[tuple[str, ...]]:
    """Cells under COLUMNS: means over places, a place counts once; models as they come, settings by their bits."""
    groups = defaultdict(list)
    for row in rows:
        if row.family == family:
            groups[row.model, row.setting, row.overlap_px].append(row)
    models = list(dict.fromkeys(model for model, _, _ in groups))
    order = sorted(groups, key=lambda key: (models.index(key[0]), over_places(groups[key], "bits_per_pixel")))
    return [_cells(key, groups[key]) for key in order]


def _cells(key: tuple[str, float, int], rows: Sequence[Row]) -> tuple[str, ...]:
    model, setting, overlap_px = key
    values = [(over_places(rows, name), digits) for name, (_, digits) in FIGURES.items()]
    texts = [NONE if value is None else f"{value:.{digits}f}" for value, digits in values]
    return model, f"{setting:g}", str(overlap_px), str(len({row.place for row in rows})), *texts


def over_places(rows: Sequence[Row], name: str) -> float | None:
    """Mean over places of the means of their files; None where no file has the figure."""
    places = defaultdict(list)
    for row in rows:
        if name in row.figures:
            places[row.place].append(row.figures[name])
    return float(np.mean([np.mean(values) for values in places.values()])) if places else None


def at_equal_bits(rows: Sequence[Row], family: str, first: str, second: str) -> Difference | None:
    """PSNR on the study's scale, first less second, at the bits that the second takes at its own step; over places.

    None where no band has a curve of the first and a point of the second.
    """
    curves = {model: _curves(rows, family, model) for model in (first, second)}
    places = defaultdict(list)
    for band, (place, points) in curves[second].items():
        if band in curves[first] and len(curves[first][band][1]) > 1:
            _, bits, psnr_db = min(points, key=lambda point: abs(np.log(point[0])))
            _, *curve = np.array(curves[first][band][1]).T
            places[place].append(at_bits(*curve, np.array(bits)) - psnr_db)
    if not places:
        return None
    means = np.array([[np.mean(values) for values in places.values()]])
    return difference(means, np.zeros_like(means))


def _curves(rows: Sequence[Row], family: str, model: str) -> dict[str, tuple[str, list[tuple[float, float, float]]]]:
    """By band: place, and (setting, bits, PSNR) at the overlap that most of the model's files have."""
    own = [row for row in rows if row.model == model and row.family == family]
    overlaps = [row.overlap_px for row in own]
    usual, found = max(set(overlaps), key=overlaps.count, default=0), {}
    for row in own:
        if row.overlap_px == usual:
            point = row.setting, row.figures["bits_per_pixel"], row.figures["psnr_study"]
            found.setdefault(row.band_key, (row.place, []))[1].append(point)
    return found


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(cells) + " |" for cells in rows)])
