"""What a scene says about itself beside its pixels, and its bytes in a compressed file.

In: the facts that a reader found. Out: a frozen SceneInfo, or a compact, deterministic byte string and back.
Knows no raster library and no pixel values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sarcodec.errors import InvalidArgument
from sarcodec.format import packing
from sarcodec.format.packing import corrupt, flag, integer, none_or, number, one_of, row_of, text, tuple_of
from sarcodec.format.tiling import Window

DTYPES = ("uint8", "uint16", "int16", "float32", "int8", "int32", "uint32", "float64")
"""The pixel types that sarcodec takes."""

Tags = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
"""((namespace, ((key, value), ...)), ...); the default namespace is ''. A domain that is one text (xml:, json:) has its
own name as the key. Of IMAGE_STRUCTURE only what changes the meaning of pixels is kept (ALPHA, MINISWHITE)."""

Transform = tuple[float, float, float, float, float, float]
"""(a, b, c, d, e, f): x = a * col + b * row + c, y = d * col + e * row + f."""

Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha."""


@dataclass(frozen=True, slots=True)
class GroundControlPoint:
    """Pixel (row, col) of the scene lies at x, y (in the control points' CRS) and height z."""

    row: float
    col: float
    x: float
    y: float
    z: float = 0.0
    id: str = ""
    info: str = ""


@dataclass(frozen=True)
class SceneInfo:
    """Size, dtype, georeferencing and words of a scene. A tuple left empty is filled with one default a band.

    transform: (a, b, c, d, e, f) with x = a*col + b*row + c, y = d*col + e*row + f; None when the source has none.
    crs_axes, gcp_crs_axes: GDAL's mapping of the data's axes to those of the CRS ('1,2'), None for the usual one (x is
    east).
    crs_epoch: year of the coordinates in a CRS that moves with the ground.
    mask: None, 'dataset' (one mask for all bands) or 'bands' (one a band, for those with True in masked_bands);
    mask_form: 'internal' (within the TIFF) or 'sidecar' (.msk).
    colormaps: one colour a value, from 0; categories: one name a value, from 0; attribute_tables: GDAL's XML.
    Raises InvalidArgument when a tuple has another length than there are bands, or a size is not positive.
    """

    rows: int
    cols: int
    count: int
    dtype: str
    crs_wkt: str | None = None
    transform: Transform | None = None
    gcps: tuple[GroundControlPoint, ...] = ()
    gcp_crs_wkt: str | None = None
    nodata: tuple[float | None, ...] = ()
    tags: Tags = ()
    band_tags: tuple[Tags, ...] = ()
    descriptions: tuple[str | None, ...] = ()
    units: tuple[str | None, ...] = ()
    scales: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()
    colorinterp: tuple[str, ...] = ()
    crs_axes: str | None = None
    gcp_crs_axes: str | None = None
    crs_epoch: float | None = None
    mask: str | None = None
    mask_form: str = "internal"
    masked_bands: tuple[bool, ...] = ()
    colormaps: tuple[tuple[Colour, ...], ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    attribute_tables: tuple[str | None, ...] = ()

    def __post_init__(self) -> None:
        if min(self.rows, self.cols, self.count) < 1:
            raise InvalidArgument(
                f"scene of {self.rows} rows, {self.cols} columns and {self.count} bands; expected at least 1 of each"
            )
        if self.transform is not None and len(self.transform) != 6:
            raise InvalidArgument(f"transform has {len(self.transform)} numbers; expected 6")
        if self.mask not in MASKS or self.mask_form not in MASK_FORMS:
            raise InvalidArgument(
                f"mask is {self.mask!r} in the form {self.mask_form!r}; expected one of {MASKS} and one of {MASK_FORMS}"
            )
        for name, default in _band_defaults(self.count).items():
            values = tuple(getattr(self, name)) or default
            if len(values) != self.count:
                raise InvalidArgument(f"scene has {self.count} bands but {len(values)} {name}; expected one a band")
            object.__setattr__(self, name, values)

    @property
    def mask_planes(self) -> int:
        """How many masks there are: none, one for all bands, or one a band (all 255 for a band that has none)."""
        return {None: 0, "dataset": 1, "bands": self.count}[self.mask]


MASKS = (None, "dataset", "bands")
MASK_FORMS = ("internal", "sidecar")


def _band_defaults(count: int) -> dict[str, tuple[object, ...]]:
    return {
        "nodata": (None,) * count,
        "band_tags": ((),) * count,
        "descriptions": (None,) * count,
        "units": (None,) * count,
        "scales": (1.0,) * count,
        "offsets": (0.0,) * count,
        "colorinterp": ("gray", *("undefined",) * (count - 1)),
        "masked_bands": (True,) * count,
        "colormaps": ((),) * count,
        "categories": ((),) * count,
        "attribute_tables": (None,) * count,
    }


def pack_scene(info: SceneInfo) -> bytes:
    """`info` without its size and dtype as compressed JSON; b'' when it says nothing else.

    Holds only what is not default. Doubles come back exactly, NaN and infinities included. Raises UnsupportedScene
    where it would be larger than packing.PACKED_LIMIT_BYTES.
    """
    fields = _fields(info)
    return packing.deflate_json(fields) if fields else b""


def _fields(info: SceneInfo) -> dict[str, object]:
    """Short key -> value, only for what is not default."""
    found = {key: getattr(info, name) for name, key in _SCENE_KEYS.items()}
    found = {key: value for key, value in found.items() if value is not None and value != ()}
    if found.get("f") == "internal":
        del found["f"]
    if info.gcps:
        found["g"] = _gcp_columns(info.gcps)
    for name, default in _band_defaults(info.count).items():
        values = getattr(info, name)
        if repr(values) != repr(default):  # -0.0 is not 0.0
            found[_BAND_KEYS[name]] = values[:1] if len(set(map(repr, values))) == 1 else values
    return found


def _gcp_columns(gcps: Sequence[GroundControlPoint]) -> list[list[float] | list[str]]:
    """Five columns of numbers, then the ids unless they are 1, 2, 3, ..., then the infos unless they are empty."""
    columns: list[list[float] | list[str]] = [
        [getattr(p, name) for p in gcps] for name in ("row", "col", "x", "y", "z")
    ]
    ids, infos = [point.id for point in gcps], [point.info for point in gcps]
    columns.append([] if ids == usual_ids(len(gcps)) else ids)
    columns.append([] if not any(infos) else infos)
    return columns


def usual_ids(count: int) -> list[str]:
    """The ids that GDAL gives to control points of a GeoTIFF: 1, 2, 3, ..."""
    return [str(number) for number in range(1, count + 1)]


def unpack_scene(data: bytes, rows: int, cols: int, count: int, dtype: str) -> SceneInfo:
    """The SceneInfo that pack_scene was given; keys that are not known are skipped (see `unknown_keys`). Raises CorruptFile on anything else
    that pack_scene does not write."""
    fields = packing.inflate_json(data) if data else {}
    values: dict[str, Any] = {}  # of whatever type its reader gives
    for key, raw in fields.items():
        if key not in _READERS:
            continue
        name, reader = _NAMES[key], _READERS[key]
        try:
            values[name] = reader(raw)
        except (TypeError, ValueError, OverflowError) as error:
            raise corrupt(f"its key {key!r} cannot be read ({error})") from None
        if name in _BAND_KEYS and len(values[name]) == 1:
            values[name] *= count
    try:
        return SceneInfo(rows, cols, count, dtype, **values)
    except InvalidArgument as error:
        raise corrupt(str(error)) from None


def unknown_keys(data: bytes) -> tuple[str, ...]:
    """Keys of a description that a later release wrote, and this one skips. Raises CorruptFile."""
    return tuple(sorted(set(packing.inflate_json(data)) - set(_READERS))) if data else ()


def _gcps(raw: object) -> tuple[GroundControlPoint, ...]:
    *columns, raw_ids, raw_infos = (packing.items(column) for column in packing.items(raw))
    if len(columns) != 5:
        raise ValueError(f"found {len(columns)} columns of numbers, expected 5")
    numbers = [[number(value) for value in column] for column in columns]
    ids = [text(value) for value in raw_ids] or usual_ids(len(columns[0]))
    infos = [text(value) for value in raw_infos] or [""] * len(columns[0])
    return tuple(GroundControlPoint(*values) for values in zip(*numbers, ids, infos, strict=True))


_tags = tuple_of(row_of(text, tuple_of(row_of(text, text))))

_SCENE_KEYS = {
    "crs_wkt": "c",
    "crs_axes": "a",
    "crs_epoch": "e",
    "transform": "t",
    "gcp_crs_wkt": "G",
    "gcp_crs_axes": "A",
    "tags": "m",
    "mask": "k",
    "mask_form": "f",
}

_BAND_KEYS = {
    "nodata": "n",
    "band_tags": "b",
    "descriptions": "d",
    "units": "u",
    "scales": "s",
    "offsets": "o",
    "colorinterp": "i",
    "masked_bands": "w",
    "colormaps": "p",
    "categories": "C",
    "attribute_tables": "r",
}

_NAMES = {key: name for name, key in (_SCENE_KEYS | _BAND_KEYS | {"gcps": "g"}).items()}

_READERS: dict[str, Callable[[object], object]] = {
    "c": text,
    "a": text,
    "e": number,
    "t": tuple_of(number),
    "G": text,
    "A": text,
    "g": _gcps,
    "m": _tags,
    "k": one_of("dataset", "bands"),
    "f": one_of("sidecar"),
    "n": tuple_of(none_or(number)),
    "b": tuple_of(_tags),
    "d": tuple_of(none_or(text)),
    "u": tuple_of(none_or(text)),
    "s": tuple_of(number),
    "o": tuple_of(number),
    "i": tuple_of(text),
    "w": tuple_of(flag),
    "p": tuple_of(tuple_of(row_of(integer, integer, integer, integer))),
    "C": tuple_of(tuple_of(text)),
    "r": tuple_of(none_or(text)),
}


def excerpt(info: SceneInfo, window: Window, bands: Sequence[int]) -> SceneInfo:
    """What is said of a window and some bands (from 0) of a scene: all that tells places is moved along (transform,
    control points, rational polynomials, geolocation arrays), nothing else changed."""
    gcps = tuple(replace(p, row=p.row - window.row, col=p.col - window.col) for p in info.gcps)
    per_band: dict[str, Any] = {name: tuple(getattr(info, name)[b] for b in bands) for name in _band_defaults(1)}
    moved = replace(
        info,
        rows=window.rows,
        cols=window.cols,
        count=len(bands),
        gcps=gcps,
        transform=_moved_transform(info.transform, window) if info.transform else None,
        tags=_moved_tags(info.tags, window),
        **per_band,
    )
    return replace(moved, mask=None) if info.mask == "bands" and not any(moved.masked_bands) else moved


def _moved_transform(t: Transform, window: Window) -> Transform:
    return (
        t[0],
        t[1],
        t[2] + t[0] * window.col + t[1] * window.row,
        t[3],
        t[4],
        t[5] + t[3] * window.col + t[4] * window.row,
    )


def _moved_tags(tags: Tags, window: Window) -> Tags:
    """Places that tags count from the first row and column of the scene."""
    shifts = {
        "RPC": {"LINE_OFF": window.row, "SAMP_OFF": window.col},
        "GEOLOCATION": {"LINE_OFFSET": window.row, "PIXEL_OFFSET": window.col},
    }
    return tuple(
        (domain, tuple((key, _less(value, shifts.get(domain, {}).get(key, 0))) for key, value in items))
        for domain, items in tags
    )


def _less(value: str, shift: int) -> str:
    try:
        return f"{float(value) - shift:.17g}" if shift else value
    except ValueError:
        return value
