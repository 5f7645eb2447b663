"""STAC items as GeoParquet, in the layout of stac-geoparquet 1.1: a row an item, its properties as columns beside id, geometry, bbox, links and assets.

In: items as dicts, which are walked twice, and a path; out: a file. Items may differ in what they say: what one does not say is null. Memory does not grow with their number.
The claims of a file (`sarcodec:claims`) are JSON in a column of text: a target is a number in one file and a word in another, and a band may claim nothing.
"""

from __future__ import annotations

import itertools
import json
import math
import struct
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sarcodec.doors.extras import needs

BATCH = 2000  # items a row group
_TIMES = ("datetime", "start_datetime", "end_datetime")
_BOX = ("xmin", "ymin", "xmax", "ymax")
_LINK = ("href", "rel", "type", "title")
_LITTLE_ENDIAN, _POLYGON, _MULTIPOLYGON = 1, 3, 6  # of well-known binary
_CLAIMS = "sarcodec:claims"
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def is_there() -> bool:
    """Whether pyarrow is installed (the extra `parquet`)."""
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def write_geoparquet(items: Callable[[], Iterable[dict[str, Any]]], path: Path) -> int:
    """Write a file, which must not be there; gives the number of items. items: called twice, for the columns and for the rows.

    Numbers that JSON says in words ("nan") are numbers here, as a column has one type. Raises ModuleNotFoundError without the extra `parquet`, OSError where the disk refuses.
    """
    with needs("parquet"):
        import pyarrow as pa
        from pyarrow import parquet
    fixed = _fixed(pa)
    schema, kinds = fixed, set()
    for rows in _batches(items()):
        kinds |= {one["geometry"]["type"] for one in rows if one["geometry"]}
        found = pa.table(_columns(list(map(_row, rows)))).schema
        names = [field for field in found if field.name not in fixed.names]
        schema = pa.unify_schemas([schema, pa.schema(names)], promote_options="permissive")
    hollow = {field.name for field in schema if _solid(pa, field.type) != field.type}
    schema = _without_nulls(pa, schema).with_metadata(_metadata(sorted(kinds)))
    count = 0
    with open(path, "xb") as file, parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in _batches(items()):
            written = [
                {name: _without_empty(value) if name in hollow else value for name, value in _row(one).items()}
                for one in rows
            ]
            writer.write_table(pa.Table.from_pylist(written, schema=schema))
            count += len(rows)
    return count


def _batches(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    left = iter(items)
    while batch := list(itertools.islice(left, BATCH)):
        yield batch


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Of all that any of the rows says; pyarrow looks at the first alone."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _fixed(pa: Any) -> Any:
    """Columns whose types do not depend on what the items say."""
    text = pa.string()
    return pa.schema(
        [
            ("type", text),
            ("stac_version", text),
            ("stac_extensions", pa.list_(text)),
            ("id", text),
            ("geometry", pa.binary()),
            ("bbox", pa.struct([(name, pa.float64()) for name in _BOX])),
            ("links", pa.list_(pa.struct([(name, text) for name in _LINK]))),
            *((name, pa.timestamp("us", tz="UTC")) for name in _TIMES),
        ]
    )


def _without_nulls(pa: Any, schema: Any) -> Any:
    """A column in which no item says anything has no type of its own; readers want one: text."""
    return pa.schema(
        [pa.field(f.name, pa.string() if pa.types.is_null(f.type) else _solid(pa, f.type)) for f in schema]
    )


def _solid(pa: Any, kind: Any) -> Any:
    """A type in which objects without any field are text, of which all are null: Parquet knows no such objects."""
    if pa.types.is_list(kind):
        return pa.list_(_solid(pa, kind.value_type))
    if not pa.types.is_struct(kind):
        return kind
    return pa.struct([pa.field(f.name, _solid(pa, f.type)) for f in kind]) if kind.num_fields else pa.string()


def _metadata(kinds: list[str]) -> dict[str, str]:
    """What readers of GeoParquet 1.1 and of stac-geoparquet look for. Places are longitude and latitude on WGS 84, as GeoJSON has them; that is the default."""
    corners = {name: ["bbox", name] for name in _BOX}
    column = {"encoding": "WKB", "geometry_types": kinds, "covering": {"bbox": corners}}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    return {"geo": json.dumps(geo), "stac-geoparquet": json.dumps({"version": "1.1.0"})}


def _row(item: dict[str, Any]) -> dict[str, Any]:
    """An item as a row."""
    outer = {key: value for key, value in item.items() if key != "properties"}
    row = {**outer, **item["properties"]}
    row["geometry"] = None if item["geometry"] is None else well_known_binary(item["geometry"])
    row["bbox"] = dict(zip(_BOX, item["bbox"])) if item.get("bbox") else None
    row |= {name: datetime.fromisoformat(row[name]) for name in _TIMES if row.get(name)}
    if row.get(_CLAIMS) is not None:
        row[_CLAIMS] = json.dumps(row[_CLAIMS], sort_keys=True)
    row["assets"] = {name: _with_numbers(asset) for name, asset in item["assets"].items()}
    return row


def _without_empty(value: Any) -> Any:
    """None for an object that says nothing, such as a band without a word: Parquet has no type without fields."""
    if isinstance(value, dict):
        return {name: _without_empty(one) for name, one in value.items()} or None
    return list(map(_without_empty, value)) if isinstance(value, list) else value


def _with_numbers(asset: dict[str, Any]) -> dict[str, Any]:
    """nodata of bands as floats: in one column there are whole numbers, others, and NaN."""
    bands = [
        {**band, "nodata": _WORDS.get(band["nodata"], band["nodata"]) * 1.0} if "nodata" in band else band
        for band in asset.get("bands", ())
    ]
    return {**asset, "bands": bands} if bands else asset


def well_known_binary(geometry: dict[str, Any]) -> bytes:
    """A Polygon or MultiPolygon of GeoJSON (OGC 06-103r4, 8.2)."""
    if geometry["type"] == "Polygon":
        return _polygon(geometry["coordinates"])
    parts = geometry["coordinates"]
    return struct.pack("<BII", _LITTLE_ENDIAN, _MULTIPOLYGON, len(parts)) + b"".join(map(_polygon, parts))


def _polygon(rings: list[list[list[float]]]) -> bytes:
    packed = struct.pack("<BII", _LITTLE_ENDIAN, _POLYGON, len(rings))
    for ring in rings:
        flat = [value for place in ring for value in place]
        packed += struct.pack(f"<I{len(flat)}d", len(ring), *flat)
    return packed
