"""All the files that a raster is made of. GDAL lists those that a mosaic (VRT) names, but not what is behind them.

In: the name of a raster and the files that GDAL lists of it. Out: names. Reads no pixels.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from xml.etree import ElementTree

from sarcodec.raster.gdal import GDAL_ERRORS
from sarcodec.raster.gdal_xml import parse
from sarcodec.raster.quiet import open_reader

_BY_NAME = re.compile(r"vrt://([^?]*)(\?.*)?", re.DOTALL)
_MOST_BYTES = 64 << 20
_HEAD_BYTES = 4096


def files_behind(name: str, listed: Iterable[str]) -> tuple[str, ...]:
    """`name`, what GDAL lists of it, and all that these are made of in turn: sources of sources, and their side files."""
    found = dict.fromkeys((name, *listed))
    waiting, opened = list(found), set()
    while waiting:
        for source in _sources(waiting.pop()):
            if source not in opened:
                opened.add(source)
                more = (source, *_listed(source))
                found.update(dict.fromkeys(more))
                waiting += more
    return tuple(found)


def _listed(name: str) -> tuple[str, ...]:
    with suppress(*GDAL_ERRORS, UnicodeDecodeError), open_reader(name) as dataset:
        return tuple(dataset.files)
    return ()


def _sources(name: str) -> Iterator[str]:
    """The rasters that a VRT names: one in a file, the text of one, or one that is made up of a name (vrt://a.tif)."""
    by_name = _BY_NAME.fullmatch(name)
    if by_name:
        yield by_name[1]
        return
    root = parse(name.encode("utf-8", "surrogateescape")) if name.lstrip().startswith("<") else _vrt_file(name)
    for element in root.iter() if root is not None else ():
        if element.tag in ("SourceFilename", "SourceDataset", "IndexDataset") and element.text:
            yield _placed(element.text, os.path.dirname(name) if element.get("relativeToVRT") == "1" else "")


def _placed(source: str, folder: str) -> str:
    """A name that a VRT gives from where it lies. In GTIFF_DIR:2:a.tif it is the file that has a place."""
    if not folder or source.lstrip().startswith("<"):
        return source
    prefix, colon, file = source.rpartition(":")
    return prefix + colon + os.path.join(folder, file.strip('"'))


def _vrt_file(path: str) -> ElementTree.Element | None:
    with suppress(OSError, ValueError), open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
        return parse(head + file.read(_MOST_BYTES)) if b"<VRTDataset" in head else None
    return None
