"""A scene as a line of text and as a small table for notebooks, from its head alone: also after it is closed."""

import re
from html import escape

from sarcodec.decoding.band_kinds import largest_bound, mode_of
from sarcodec.entropy.step_index import quality_of_step
from sarcodec.format.reader import FileReader
from sarcodec.format.scene import SceneInfo
from sarcodec.storage.refusals import shown

_NAME = re.compile(r'\s*\w+\s*\[\s*"((?:[^"]|"")*)"')
_CODE = re.compile(r'(?:AUTHORITY|ID)\s*\[\s*"(\w+)"\s*,\s*"?(\w+)"?\s*\]\s*\]\s*$')


def as_line(file: FileReader, info: SceneInfo) -> str:
    """<sarcodec scene 'x.sarc': 2 bands x 200 rows x 300 cols, uint16, WGS 84 / UTM zone 33N (EPSG:32633), learned, quality 60>"""
    state = ", closed" if file.closed else ""
    size, place = _size(info), _crs(info) or "no CRS"
    return f"<sarcodec scene {file.name!r}: {size}, {info.dtype}, {place}, {_mode(file)}{state}>"


def as_html(file: FileReader, info: SceneInfo) -> str:
    """A table of two columns."""
    bits = 8 * file.size / (info.rows * info.cols * info.count)
    rows = {
        "path": shown(file.name) + (" (closed)" if file.closed else ""),
        "size": _size(info),
        "dtype": info.dtype,
        "CRS": _crs(info) or "none",
        "georeferencing": _georeferencing(info),
        "bands": ", ".join(_band(info, band) for band in range(info.count)),
        "mode": _mode(file),
        "bytes": f"{file.size:,} ({bits:.2f} bits a pixel and band)",
    }
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items())
    return f"<table><caption>sarcodec scene</caption><tbody>{cells}</tbody></table>"


def _size(info: SceneInfo) -> str:
    return f"{info.count} band{'s' * (info.count > 1)} x {info.rows} rows x {info.cols} cols"


def _mode(file: FileReader) -> str:
    header, mode = file.header, mode_of(file.header.bands)
    if mode == "learned":
        return f"learned, quality {quality_of_step(header.base_step):.4g}"
    return f"bounded, at most {largest_bound(header):g} dB off" if mode == "bounded" else mode


def _crs(info: SceneInfo) -> str | None:
    """Name and code of a CRS, as its WKT says them."""
    wkt = info.crs_wkt or info.gcp_crs_wkt
    if not wkt:
        return None
    name, code = _NAME.match(wkt), _CODE.search(wkt)
    said = name[1].replace('""', '"') if name else "a CRS without a name"
    return f"{said} ({code[1]}:{code[2]})" if code else said


def _georeferencing(info: SceneInfo) -> str:
    said = [f"transform {', '.join(f'{number:.10g}' for number in info.transform)}"] if info.transform else []
    said += [f"{len(info.gcps)} ground control points"] if info.gcps else []
    return "; ".join(said) or "none"


def _band(info: SceneInfo, band: int) -> str:
    """Number from 1, as in `read`, with name and unit where there are any."""
    name, unit = info.descriptions[band], info.units[band]
    return f"{band + 1}" + (f": {name}" if name else "") + (f" [{unit}]" if unit else "")
