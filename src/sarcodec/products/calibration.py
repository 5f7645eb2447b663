"""Look-up tables of a product: from numbers of pixels (DN) to backscatter.

In: the calibration annotation of a measurement, and DN of some rows and columns. Out: sigma nought, beta nought or gamma as linear power,
DN^2 / A^2, where A is interpolated between the table's vectors, bilinearly in line and pixel. Knows neither files nor rasters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.products.markup import Markup

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from sarcodec.arrays import Floats, Pixels

KINDS = {"sigma0": "sigmaNought", "beta0": "betaNought", "gamma0": "gamma"}
"""What may be asked for, and what the annotation calls it."""
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class LookUpTable:
    """lines (vectors,) rising; for each vector its pixels (points,) rising and the values A there. Beyond the first and the last the nearest holds."""

    lines: Floats
    pixels: tuple[Floats, ...]
    values: tuple[Floats, ...]

    def at(self, rows: Floats, cols: Floats) -> Floats:
        """A (rows, cols), float64, at places counted in pixels of the scene."""
        if len(self.lines) == 1:
            return np.repeat(np.interp(cols, self.pixels[0], self.values[0])[None], len(rows), axis=0)
        after = np.clip(np.searchsorted(self.lines, rows, side="right"), 1, len(self.lines) - 1)
        first, last = int(after.min()) - 1, int(after.max())
        across = np.stack([np.interp(cols, self.pixels[i], self.values[i]) for i in range(first, last + 1)])
        begin, end = self.lines[after - 1], self.lines[after]
        share = np.clip((rows - begin) / (end - begin), 0.0, 1.0)[:, None]
        found: Floats = across[after - 1 - first] * (1 - share) + across[after - first] * share
        return found


def checked_kind(kind: object) -> str:
    """One of KINDS. Raises InvalidArgument."""
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidArgument(f"calibrate is {kind!r}; expected one of {', '.join(KINDS)}")
    return kind


def read_table(annotation: bytes, kind: str, name: str) -> LookUpTable:
    """kind: one of KINDS; name: of the annotation, for messages. Raises CorruptFile where it holds no such table."""
    try:
        vectors = Markup(annotation).root.findall(".//{*}calibrationVectorList/{*}calibrationVector")
        lines = np.array([float(vector.findtext("{*}line", "")) for vector in vectors])
        pixels = tuple(_numbers(vector, "pixel") for vector in vectors)
        values = tuple(_numbers(vector, KINDS[kind]) for vector in vectors)
        _check(lines, pixels, values)
    except ValueError as error:
        raise CorruptFile(
            f"{name} holds no table {KINDS[kind]} that can be read ({error}); fetch the product again"
        ) from error
    return LookUpTable(lines, pixels, values)


def _numbers(vector: Element, name: str) -> Floats:
    return np.array([float(word) for word in vector.findtext(f"{{*}}{name}", "").split()])


def _check(lines: Floats, pixels: tuple[Floats, ...], values: tuple[Floats, ...]) -> None:
    rising = all(np.all(np.diff(axis) > 0) for axis in (lines, *pixels))
    paired = all(len(place) and place.shape == value.shape for place, value in zip(pixels, values))
    if not (len(lines) and rising and paired and all(np.all(value > 0) for value in values)):
        raise ValueError("its lines and pixels do not rise, or its values are not above 0")


def calibrated(pixels: Pixels, table: LookUpTable, rows: Floats, cols: Floats) -> Floats:
    """pixels: DN (rows, cols); rows, cols: where they lie. Linear power as float32."""
    out: Floats = np.empty(pixels.shape, np.float32)
    for begin in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(begin, begin + _ROWS_AT_ONCE)
        ratio = pixels[part].astype(np.float64) / table.at(rows[part], cols)
        out[part] = ratio * ratio
    return out


def annotation_of(paths: list[str], measurement: str) -> str | None:
    """The calibration annotation of a measurement among the paths of a product, or None."""
    stem = measurement.rpartition("/")[2].rpartition(".")[0]
    wanted = {f"calibration-{stem}.xml", f"calibration-{stem.removesuffix('-cog')}.xml"}
    return next((path for path in paths if path.startswith("annotation/") and path.rpartition("/")[2] in wanted), None)
