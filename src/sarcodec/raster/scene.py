"""What a scene says about itself beside its pixels, and its bytes in a compressed file.

In: the facts that a reader found. Out: a frozen SceneInfo, or a compact, deterministic byte string and back.
Knows no raster library and no pixel values.
"""

from __future__ import annotations

import json
import lzma
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sarcodec.errors import CorruptFile, InvalidArgument, UnsupportedScene
from sarcodec.raster.tiling import Window

PACKED_LIMIT_BYTES = 64 << 20
"""Most bytes that a description may have before compression; checked before the memory is taken."""

DTYPES = ("uint8", "uint16", "int16", "float32", "int8", "int32", "uint32", "float64")
"""The pixel types that sarcodec takes."""

_ZLIB, _LZMA = b"\x01", b"\x02"
_LZMA_FILTERS = [{"id": lzma.FILTER_LZMA1, "preset": 9, "dict_size": 1 << 20, "lc": 3, "lp": 0, "pb": 0}]

Tags = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
"""((namespace, ((key, value), ...)), ...); the default namespace is ''."""


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
    Raises InvalidArgument when a tuple has another length than there are bands, or a size is not positive.
    """

    rows: int
    cols: int
    count: int
    dtype: str
    crs_wkt: str | None = None
    transform: tuple[float, float, float, float, float, float] | None = None
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
    mask: str | None = None
    mask_form: str = "internal"

    def __post_init__(self) -> None:
        if min(self.rows, self.cols, self.count) < 1:
            raise InvalidArgument(
                f"scene of {self.rows} rows, {self.cols} columns and {self.count} bands; expected at least 1 of each"
            )
        if self.transform is not None and len(self.transform) != 6:
            raise InvalidArgument(f"transform has {len(self.transform)} numbers; expected 6")
        for name, default in _band_defaults(self.count).items():
            values = tuple(getattr(self, name)) or default
            if len(values) != self.count:
                raise InvalidArgument(f"scene has {self.count} bands but {len(values)} {name}; expected one a band")
            object.__setattr__(self, name, values)

    @property
    def mask_planes(self) -> int:
        return {None: 0, "dataset": 1, "bands": self.count}[self.mask]

    @property
    def hints(self) -> tuple[str, ...]:
        """Words that may tell the domain of the pixels: units, band descriptions, values of tags."""
        tags = [value for group in (self.tags, *self.band_tags) for _, items in group for _, value in items]
        return tuple(word for word in (*self.units, *self.descriptions, *tags) if word)


def _band_defaults(count: int) -> dict[str, tuple]:
    return {
        "nodata": (None,) * count,
        "band_tags": ((),) * count,
        "descriptions": (None,) * count,
        "units": (None,) * count,
        "scales": (1.0,) * count,
        "offsets": (0.0,) * count,
        "colorinterp": ("gray", *("undefined",) * (count - 1)),
    }


def pack_scene(info: SceneInfo) -> bytes:
    """`info` without its size and dtype as compressed JSON; b'' when it says nothing else.

    Holds only what is not default. Doubles come back exactly, NaN and infinities included. First byte: 1 for zlib,
    2 for raw LZMA, whichever is smaller. Raises UnsupportedScene above PACKED_LIMIT_BYTES.
    """
    fields = _fields(info)
    if not fields:
        return b""
    text = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode("ascii")
    if len(text) > PACKED_LIMIT_BYTES:
        raise UnsupportedScene(
            f"the scene's tags and control points take {len(text)} bytes; at most {PACKED_LIMIT_BYTES} are taken: "
            "remove the largest tags from the file"
        )
    small = _ZLIB + zlib.compress(text, 9)
    smaller = _LZMA + lzma.compress(text, lzma.FORMAT_RAW, filters=_LZMA_FILTERS)
    return min(small, smaller, key=len)


def _fields(info: SceneInfo) -> dict[str, object]:
    """Short key -> value, only for what is not default."""
    found: dict[str, object] = {"c": info.crs_wkt, "t": info.transform, "G": info.gcp_crs_wkt}
    found = {key: value for key, value in found.items() if value is not None}
    if info.gcps:
        found["g"] = _gcp_columns(info.gcps)
    if info.tags:
        found["m"] = info.tags
    for name, default in _band_defaults(info.count).items():
        values = getattr(info, name)
        if repr(values) != repr(default):  # -0.0 is not 0.0
            found[_BAND_KEYS[name]] = values[:1] if len(set(map(repr, values))) == 1 else values
    return found


def _gcp_columns(gcps: Sequence[GroundControlPoint]) -> list[list]:
    """Five columns of numbers, then the ids unless they are 1, 2, 3, ..., then the infos unless they are empty."""
    columns = [[getattr(point, name) for point in gcps] for name in ("row", "col", "x", "y", "z")]
    ids, infos = [point.id for point in gcps], [point.info for point in gcps]
    columns.append([] if ids == _usual_ids(len(gcps)) else ids)
    columns.append([] if not any(infos) else infos)
    return columns


def _usual_ids(count: int) -> list[str]:
    return [str(number) for number in range(1, count + 1)]


def unpack_scene(data: bytes, rows: int, cols: int, count: int, dtype: str) -> SceneInfo:
    """The SceneInfo that pack_scene was given. Raises CorruptFile on anything that pack_scene does not write."""
    fields = _load(data) if data else {}
    unknown = set(fields) - set(_READERS)
    if unknown:
        raise _corrupt(f"it has the unknown keys {sorted(unknown)}")
    values: dict[str, object] = {}
    for key, raw in fields.items():
        name, reader = _READERS[key]
        try:
            values[name] = reader(raw)
        except (TypeError, ValueError, OverflowError) as error:
            raise _corrupt(f"its key {key!r} cannot be read ({error})") from None
        if name in _BAND_KEYS and len(values[name]) == 1:
            values[name] *= count
    try:
        return SceneInfo(rows, cols, count, dtype, **values)
    except InvalidArgument as error:
        raise _corrupt(str(error)) from None


def _corrupt(what: str) -> CorruptFile:
    return CorruptFile(f"the scene description is damaged: {what}; expected what sarcodec wrote. Copy the file again")


def _load(data: bytes) -> dict[str, object]:
    try:
        fields = json.loads(_inflate(data).decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise _corrupt(f"it is not JSON ({type(error).__name__})") from None
    if not isinstance(fields, dict) or not fields:
        raise _corrupt("it is not a JSON object with keys")
    return fields


def _inflate(data: bytes) -> bytes:
    head, body = data[:1], data[1:]
    if head not in (_ZLIB, _LZMA):
        raise _corrupt(f"its compression is number {head[0]}, and only 1 and 2 are known")
    try:
        if head == _ZLIB:
            inflater = zlib.decompressobj()
            text = inflater.decompress(body, PACKED_LIMIT_BYTES + 1)
        else:
            inflater = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA_FILTERS)
            text = inflater.decompress(body, PACKED_LIMIT_BYTES + 1)
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise _corrupt(f"it does not decompress ({error})") from None
    if not inflater.eof or inflater.unused_data or len(text) > PACKED_LIMIT_BYTES:
        raise _corrupt(f"its end is missing, is followed by more, or comes after {PACKED_LIMIT_BYTES} bytes")
    return text


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError(f"found {type(raw).__name__}, expected text")
    return raw


def _number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise TypeError(f"found {type(raw).__name__}, expected a number")
    return float(raw)


def _items(raw: object) -> list:
    if not isinstance(raw, list):
        raise TypeError(f"found {type(raw).__name__}, expected a list")
    return raw


def _tuple_of(reader: Callable) -> Callable[[object], tuple]:
    def read(raw: object) -> tuple:
        return tuple(reader(item) for item in _items(raw))

    return read


def _none_or(reader: Callable) -> Callable[[object], object]:
    return lambda raw: None if raw is None else reader(raw)


def _pair(first: Callable, second: Callable) -> Callable[[object], tuple]:
    def read(raw: object) -> tuple:
        left, right = _items(raw)
        return first(left), second(right)

    return read


def _gcps(raw: object) -> tuple[GroundControlPoint, ...]:
    *columns, ids, infos = (_items(column) for column in _items(raw))
    if len(columns) != 5:
        raise ValueError(f"found {len(columns)} columns of numbers, expected 5")
    numbers = [[_number(value) for value in column] for column in columns]
    ids = [_text(value) for value in ids] or _usual_ids(len(columns[0]))
    infos = [_text(value) for value in infos] or [""] * len(columns[0])
    return tuple(GroundControlPoint(*values) for values in zip(*numbers, ids, infos, strict=True))


_tags = _tuple_of(_pair(_text, _tuple_of(_pair(_text, _text))))

_BAND_KEYS = {
    "nodata": "n",
    "band_tags": "b",
    "descriptions": "d",
    "units": "u",
    "scales": "s",
    "offsets": "o",
    "colorinterp": "i",
}

_READERS: dict[str, tuple[str, Callable]] = {
    "c": ("crs_wkt", _text),
    "t": ("transform", _tuple_of(_number)),
    "G": ("gcp_crs_wkt", _text),
    "g": ("gcps", _gcps),
    "m": ("tags", _tags),
    "n": ("nodata", _tuple_of(_none_or(_number))),
    "b": ("band_tags", _tuple_of(_tags)),
    "d": ("descriptions", _tuple_of(_none_or(_text))),
    "u": ("units", _tuple_of(_none_or(_text))),
    "s": ("scales", _tuple_of(_number)),
    "o": ("offsets", _tuple_of(_number)),
    "i": ("colorinterp", _tuple_of(_text)),
}


def excerpt(info: SceneInfo, window: Window, bands: Sequence[int]) -> SceneInfo:
    """What is said of a window and some bands of a scene: transform and control points moved along, nothing else changed."""
    shift = lambda t: (
        t[0],
        t[1],
        t[2] + t[0] * window.col + t[1] * window.row,
        t[3],
        t[4],
        t[5] + t[3] * window.col + t[4] * window.row,
    )
    gcps = tuple(replace(p, row=p.row - window.row, col=p.col - window.col) for p in info.gcps)
    per_band = {name: tuple(getattr(info, name)[b] for b in bands) for name in _band_defaults(1)}
    return replace(
        info,
        rows=window.rows,
        cols=window.cols,
        count=len(bands),
        gcps=gcps,
        transform=shift(info.transform) if info.transform else None,
        **per_band,
    )
