"""A STAC item of a compressed file, from its head alone: no pixel is decoded, and nothing is said that the file does not say.

In: a path; out: a dict for JSON (STAC 1.1). Properties that no extension has begin with `sarcodec:`; their schema is stac-schema.json.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarcodec.api.information import FileInfo, info
from sarcodec.doors.footprint import footprint
from sarcodec.errors import InvalidArgument
from sarcodec.format.claims import claims_json
from sarcodec.format.reader import FileReader
from sarcodec.format.scene import unpack_scene
from sarcodec.products.acquisition import Acquisition, acquisition_of

if TYPE_CHECKING:
    from sarcodec.format.scene import SceneInfo

MEDIA_TYPE = "application/vnd.sarcodec"
SCHEMAS = {
    name: f"https://stac-extensions.github.io/{name}/v{version}/schema.json"
    for name, version in (
        ("file", "2.1.0"),
        ("projection", "2.0.0"),
        ("raster", "2.0.0"),
        ("sar", "1.0.0"),
        ("sat", "1.0.0"),
        ("processing", "1.2.0"),
    )
}
_POLARISATIONS = ("VV", "VH", "HH", "HV")
_FRAME = re.compile(
    r"s1([a-d])[_-](iw|ew|sm|s[1-6]|wv)[_-](grd|slc|ocn)[a-z]?[a-z0-9_-]*?(\d{8}t\d{6})[_-](\d{8}t\d{6})[_-](\d{6})[_-]",
    re.I,
)
"""Names of Sentinel-1 products and of their measurements: satellite, mode, type, start, end, absolute orbit."""
_ORBIT_OF_FIRST = {"a": 73, "b": 27}  # relative = (absolute - this) mod 175 + 1, of each satellite


def item(
    path: str | os.PathLike[str],
    *,
    when: str | None = None,
    href: str | None = None,
    checksum: bool = False,
) -> dict[str, Any]:
    """The item.

    Args:
        path: of the compressed file.
        when: date and time of acquisition (ISO 8601), for a file that does not say so: its name is none of Sentinel-1's, and it has no tag
            ACQUISITION_START_TIME.
        href: of the file, as the item names it; default its name alone.
        checksum: also the file's SHA-256, for which all of it is read.

    Its id is the name of the product that the file holds, else the file's own without its ending. Raises InvalidArgument where nobody says when, and what sarcodec.info raises.
    """
    name = Path(os.fspath(path))
    about = info(path)
    with FileReader(path) as file:
        header, parts = file.header, file.directory
        scene = unpack_scene(header.metadata, header.rows, header.cols, len(header.bands), header.dtype)
        taken = acquisition_of(file)
    bare = taken.name if taken else name.stem
    tags, frame = dict(dict(scene.tags).get("", ())), _FRAME.search(taken.name if taken else name.name)
    geometry, box = footprint(scene)
    properties = {
        **_times(tags, frame, when, taken),
        **(_radar_of_product(taken) if taken else _radar(scene, tags, frame)),
        **_orbit(tags, frame),
        **(_orbit_of_product(taken) if taken else {}),
        **_projection(scene),
        **_processing(tags, about, taken),
        **_promises(about),
    }
    found: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": bare,
        "geometry": geometry,
        "properties": properties,
        "links": [],
        "assets": {"data": _asset(name, scene, about, href, checksum)},
    }
    # Head and index, which lie in front of all payloads: a client reads them with one request.
    found["assets"]["data"]["file:header_size"] = (
        about.bytes - parts.base_bytes - parts.rest_bytes - parts.attached_bytes
    )
    if box:
        found["bbox"] = box
    found["stac_extensions"] = _extensions(found)
    return found


def _extensions(found: dict[str, Any]) -> list[str]:
    """Schemas of the prefixes that are used."""
    asset = found["assets"]["data"]
    keys = {*found["properties"], *asset, *(key for band in asset["bands"] for key in band)}
    used = {key.split(":")[0] for key in keys if ":" in key}
    return [url for name, url in SCHEMAS.items() if {"projection": "proj"}.get(name, name) in used]


def _times(
    tags: dict[str, str], frame: re.Match[str] | None, when: str | None, taken: Acquisition | None
) -> dict[str, Any]:
    """datetime; also start and end where the product, the file's name or its tags have both."""
    start, end = tags.get("ACQUISITION_START_TIME"), tags.get("ACQUISITION_STOP_TIME")
    if taken:
        start, end = taken.start or start, taken.stop or end
    if frame:
        start, end = start or frame[4], end or frame[5]
    first = when or start
    if first is None:
        raise InvalidArgument(
            "the file does not say when the scene was taken: neither by its name, as Sentinel-1's products do, nor by a tag "
            "ACQUISITION_START_TIME; give the time (--datetime 2024-05-31T05:43:21Z)"
        )
    found = {"datetime": _iso(first)}
    if start and end:
        found |= {"start_datetime": _iso(start), "end_datetime": _iso(end)}
    return found


def _iso(words: str) -> str:
    try:
        time = datetime.fromisoformat(words)
    except ValueError as error:
        raise InvalidArgument(f"the time is {words!r}; expected one as 2024-05-31T05:43:21Z") from error
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time.isoformat().replace("+00:00", "Z")


def _radar(scene: SceneInfo, tags: dict[str, str], frame: re.Match[str] | None) -> dict[str, Any]:
    """The sar extension, which wants all four of mode, band, polarisations and product, and the satellite; nothing where one is unknown."""
    named = [name.upper() for name in scene.descriptions if name and name.upper() in _POLARISATIONS]
    mode, product = tags.get("BEAM_MODE") or tags.get("MODE"), tags.get("PRODUCT_TYPE")
    platform = {}
    if frame:
        mode, product = mode or frame[2].upper(), product or frame[3].upper()
        platform = {
            "platform": f"sentinel-1{frame[1].lower()}",
            "constellation": "sentinel-1",
            "instruments": ["c-sar"],
        }
    if not (named and mode and product and frame):
        return platform
    radar = {
        "sar:instrument_mode": mode,
        "sar:frequency_band": "C",
        "sar:polarizations": named,
        "sar:product_type": product,
    }
    return platform | radar


def _radar_of_product(taken: Acquisition) -> dict[str, Any]:
    """As its manifest says."""
    return {
        "platform": f"sentinel-1{taken.mission[-1:].lower()}",
        "constellation": "sentinel-1",
        "instruments": ["c-sar"],
        "sar:instrument_mode": taken.mode,
        "sar:frequency_band": "C",
        "sar:polarizations": list(taken.polarisations),
        "sar:product_type": taken.product_type,
    }


def _orbit_of_product(taken: Acquisition) -> dict[str, Any]:
    said = {
        "sat:orbit_state": taken.orbit_pass,
        "sat:absolute_orbit": taken.absolute_orbit,
        "sat:relative_orbit": taken.relative_orbit,
    }
    return {key: value for key, value in said.items() if value is not None}


def _orbit(tags: dict[str, str], frame: re.Match[str] | None) -> dict[str, Any]:
    """The sat extension, of tags and of the name."""
    found: dict[str, Any] = {}
    direction = tags.get("ORBIT_DIRECTION", "").lower()
    if direction in ("ascending", "descending"):
        found["sat:orbit_state"] = direction
    absolute = int(frame[6]) if frame else int(tags["ORBIT_NUMBER"]) if tags.get("ORBIT_NUMBER", "").isdigit() else 0
    if absolute:
        found["sat:absolute_orbit"] = absolute
    if frame and frame[1].lower() in _ORBIT_OF_FIRST:
        found["sat:relative_orbit"] = (absolute - _ORBIT_OF_FIRST[frame[1].lower()]) % 175 + 1
    return found


def _projection(scene: SceneInfo) -> dict[str, Any]:
    """A transform where the file has one. Control points have none, and a null says that."""
    found: dict[str, Any] = {"proj:code": None, "proj:shape": [scene.rows, scene.cols]}
    if scene.transform is not None and scene.crs_wkt:
        from rasterio.crs import CRS
        from rasterio.env import ensure_env

        crs = ensure_env(CRS.from_wkt)(scene.crs_wkt)
        authority = crs.to_authority()
        found |= {"proj:code": ":".join(authority) if authority else None, "proj:transform": list(scene.transform)}
        if not authority:
            found["proj:wkt2"] = crs.to_wkt(version="WKT2_2019")
    return found


def _processing(tags: dict[str, str], about: FileInfo, taken: Acquisition | None) -> dict[str, Any]:
    """What made the scene, where a tag says so, and what became of it."""
    how = {
        "learned": f"compressed with loss by sarcodec, model {about.model}",
        "bounded": f"compressed by sarcodec, no radar pixel off by more than {about.max_error_db} dB",
    }.get(about.mode, "compressed by sarcodec, every pixel as it was")
    found: dict[str, Any] = {"processing:lineage": how}
    words = tags.get("TIFFTAG_SOFTWARE", "").rsplit(" ", 1)
    if taken and taken.software:
        found["processing:software"] = {taken.software[0]: taken.software[1]}
    elif len(words) == 2 and words[1][:1].isdigit():
        found["processing:software"] = {words[0]: words[1]}
    return found


def _promises(about: FileInfo) -> dict[str, Any]:
    """What the file says of its own quality. What an encoder measured (record 4 of the head) has its place here too."""
    said = {
        "sarcodec:format_version": about.format_version,
        "sarcodec:mode": about.mode,
        "sarcodec:domain": about.domain,
        "sarcodec:quality": about.quality,
        "sarcodec:step_db": about.step_db,
        "sarcodec:max_error_db": about.max_error_db,
        "sarcodec:model": about.model,
        "sarcodec:model_digest": about.model_digest,
        "sarcodec:bits_per_pixel": round(about.bits_per_pixel, 4),
        "sarcodec:claims": json.loads(claims_json(about.claims)) if about.claims else None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _asset(name: Path, scene: SceneInfo, about: FileInfo, href: str | None, checksum: bool) -> dict[str, Any]:
    bands = [_band(scene, band) for band in range(scene.count)]
    asset = {"href": href or name.name, "type": MEDIA_TYPE, "roles": ["data"], "file:size": about.bytes, "bands": bands}
    if checksum:
        with open(name, "rb") as file:
            asset["file:checksum"] = (
                "1220" + hashlib.file_digest(file, "sha256").hexdigest()
            )  # multihash: SHA-256, 32 bytes
    return asset


def _band(scene: SceneInfo, band: int) -> dict[str, Any]:
    """Of STAC 1.1: name, data_type, nodata, unit; sampling and scale of the raster extension."""
    point = dict(dict(scene.tags).get("", ())).get("AREA_OR_POINT") == "Point"
    found: dict[str, Any] = {"name": scene.descriptions[band] or f"band_{band + 1}", "data_type": scene.dtype}
    nodata = scene.nodata[band]
    if nodata is not None:
        whole = int(nodata) if math.isfinite(nodata) and nodata == int(nodata) else nodata
        found["nodata"] = whole if math.isfinite(nodata) else str(nodata)  # JSON knows no NaN: STAC writes "nan"
    if scene.units[band]:
        found["unit"] = scene.units[band]
    found["raster:sampling"] = "point" if point else "area"
    if scene.scales[band] != 1.0 or scene.offsets[band] != 0.0:
        found |= {"raster:scale": scene.scales[band], "raster:offset": scene.offsets[band]}
    return found
