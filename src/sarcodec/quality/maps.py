"""Pictures of a page: a PNG within it, a colour bar with its unit, and the frame of a part that is shown larger.

In: arrays with NaN where nothing is valid, and a `Scale`; out: text of one <figure>.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.quality.png import COLD_RGB, HEAT_RGB, WARM_RGB, WHITE_RGB, diverging_png, grey_png, heat_png
from sarcodec.quality.words import safe, short, signed

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

_ENLARGED_PX = 320  # enlarged by whole numbers up to this: it fits a page of 400, so that squares stay equal
_LEAST_REACH_DB = 0.02  # smaller errors are not worth a colour


@dataclass(frozen=True)
class Scale:
    """What the colours from `low` to `high` mean. kind: 'grey', 'diverging' (about 0), or 'heat'; `unit` as words."""

    kind: str
    low: float
    high: float
    unit: str


@dataclass(frozen=True, eq=False)
class Map:
    """A picture: `title`, `note` (a sentence), values (rows, cols), scale, and the words for those who do not see it.

    crop: the framed part as (top, left, height, width) in shares of the picture. is_crop: it is such a part.
    """

    title: str
    note: str
    values: Floats
    scale: Scale
    alt: str
    crop: tuple[float, float, float, float] | None = None
    is_crop: bool = False


def grey_scale(level_db: Floats) -> Scale:
    """From the 1st to the 99th percentile of the levels, to whole dB outwards."""
    known = level_db[np.isfinite(level_db)]
    low, high = np.percentile(known, (1, 99)) if known.size else (0.0, 1.0)
    low, high = math.floor(low), math.ceil(high)
    return Scale("grey", float(low), float(high if high > low else low + 1), "dB")


def error_scale(errors_db: list[Floats]) -> Scale:
    """One for all of them: the first round number that nearly no dot of any of them exceeds."""
    parts = [np.abs(error[np.isfinite(error)]) for error in errors_db]
    largest = max((float(np.percentile(part, 99.5)) for part in parts if part.size), default=0.0)
    reach = max(_LEAST_REACH_DB, round_up(largest) if largest > 0 else 0.0)
    return Scale("diverging", -reach, reach, "dB")


def round_up(value: float) -> float:
    """The first of ..., 1, 1.5, 2, 3, 4, 5, 6, 8, 10, ... that is not below a value above 0."""
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{next(n * power for n in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if n * power >= value * (1 - 1e-9)):.6g}")


def heat_scale(arrays: list[Floats], unit: str) -> Scale:
    """One for all of them, from 0 to the first round number above the highest value."""
    highest = max((float(array.max()) for array in arrays), default=0.0)
    return Scale("heat", 0.0, round_up(highest) if highest > 0 else 1.0, unit)


def draw(one: Map) -> str:
    """The <figure>."""
    frame = "" if one.crop is None else _frame(one.crop)
    image = _image(_png(one.values, one.scale), one.values.shape, one.alt)
    kind = "pic cut" if one.is_crop else "pic"
    return (
        f'<figure><b>{safe(one.title)}</b><div class="{kind}">{image}{frame}</div>{_bar(one.scale)}'
        f"<figcaption>{safe(one.note)}</figcaption></figure>"
    )


def picture(name: str, note: str, png: bytes, shape: tuple[int, int]) -> str:
    """A <figure> with a PNG of `shape` (rows, cols) and a caption, without a colour bar."""
    image = _image(png, shape, name)
    return f"<figure>{image}<figcaption><b>{safe(name)}</b><br>{safe(note)}</figcaption></figure>"


def _image(png: bytes, shape: tuple[int, int], alt: str) -> str:
    rows, cols = shape
    scale = max(1, _ENLARGED_PX // max(rows, cols))
    kind = " class=enlarged" if scale > 1 else ""
    data = base64.b64encode(png).decode("ascii")
    size = f"width={cols * scale} height={rows * scale}"
    return f"<img {size}{kind} alt=\"{safe(alt)}\" src='data:image/png;base64,{data}'>"


def _png(values: Floats, scale: Scale) -> bytes:
    if scale.kind == "diverging":
        return diverging_png(values, scale.high)
    return (grey_png if scale.kind == "grey" else heat_png)(values, scale.low, scale.high)


def _frame(crop: tuple[float, float, float, float]) -> str:
    names = ("top", "left", "height", "width")
    style = ";".join(f"{name}:{100 * share:.3f}%" for name, share in zip(names, crop, strict=True))
    return f'<i class=crop style="{style}"></i>'


def _bar(scale: Scale) -> str:
    """The colours from low to high, three numbers with their unit below. Values beyond take the colour of the end."""
    colours = {
        "grey": ((0, 0, 0), (255, 255, 255)),
        "diverging": (COLD_RGB, WHITE_RGB, WARM_RGB),
        "heat": (WHITE_RGB, HEAT_RGB),
    }
    stops = ",".join(f"rgb{rgb}".replace(" ", "") for rgb in colours[scale.kind])
    write = (lambda value: signed(value, 6).rstrip("0").rstrip(".") or "0") if scale.kind == "diverging" else short
    ends = (write(scale.low), write((scale.low + scale.high) / 2), write(scale.high))
    marks = "".join(f"<span>{text} {safe(scale.unit)}</span>" for text in ends)
    return f'<div class=bar><i style="background:linear-gradient(to right,{stops})"></i><div>{marks}</div></div>'
