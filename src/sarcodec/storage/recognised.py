"""Wrong input, recognised: what a file is by its bytes, and what to do with it instead.

In: a name, or the first bytes of a file. Out: the error to raise. Opens rasters never, archives only to list them.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePath

from sarcodec.errors import InvalidArgument, NotSarcodec, SarcodecError, UnreadableScene
from sarcodec.storage.names import kind_of
from sarcodec.storage.refusals import is_utf8, shown, unreadable

HEAD_BYTES = 512
"""So many bytes at the beginning tell what a file is."""

_TIFF, _SARCODEC, _ZIP = "a TIFF", "a sarcodec file", "a zip archive"
_MAGICS = (
    (b"\x89SAR", _SARCODEC),
    (b"II*\0", _TIFF),
    (b"MM\0*", _TIFF),
    (b"II+\0", _TIFF),
    (b"MM\0+", _TIFF),
    (b"PK\3\4", _ZIP),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\x89HDF\r\n", "an HDF5 or NetCDF file"),
    (b"CDF", "a NetCDF file"),
    (b"%PDF", "a PDF"),
)
_MARKUP = ((rb"<VRTDataset", "a VRT"), (rb"<!DOCTYPE html|<html", "a page of HTML"), (rb"<\?xml|<\w+", "an XML file"))
# Names that GDAL reads without a file of that name: /vsicurl/..., GTIFF_DIR:2:a.tif, https://..., the text of a VRT.
_NOT_A_PATH = re.compile(r"/vsi\w+/|[A-Za-z0-9_+]{2,}:|<|\s*\{")
_MOST_NAMED = 8


def check_raster_name(name: str) -> None:
    """Whether GDAL can be asked for a raster of this name. Raises InvalidArgument: missing, no file, may not be read."""
    if "\0" in name:
        raise InvalidArgument(f"{shown(name)} is no name of a file: there is a NUL in it")
    if not is_utf8(name):
        raise InvalidArgument(
            f"{shown(name)} is not UTF-8, and GDAL opens no other names; rename it, or send it to standard input ('-')"
        )
    try:
        found = os.stat(name)
    except OSError as error:
        if _NOT_A_PATH.match(name) and not os.path.lexists(name):
            return
        raise missing(name, error) from error
    kind = kind_of(found)
    if kind and kind != "a folder":
        raise InvalidArgument(
            f"{shown(name)} is {kind}, and a raster is not read from one end to the other; expected a file, or '-' for "
            "standard input"
        )
    if not os.access(name, os.R_OK):
        raise unreadable(PermissionError(13, "Permission denied"), name)


def missing(name: str, error: OSError) -> InvalidArgument:
    """The error for an input that cannot be found."""
    if isinstance(error, FileNotFoundError) and os.path.islink(name):
        return InvalidArgument(f"{shown(name)} is a link to {shown(os.readlink(name))}, which is not there")
    return unreadable(error, name)


def raster_refusal(name: str, reason: str) -> SarcodecError:
    """The error for a name that GDAL did not open as a raster. reason: what GDAL said."""
    if os.path.isdir(name):
        return _folder_refusal(Path(name))
    try:
        with open(name, "rb") as file:
            head = file.read(HEAD_BYTES)
    except (OSError, ValueError):
        if re.search("no such file|does not exist|404", reason, re.IGNORECASE):
            return InvalidArgument(f"{shown(name)} is not there ({reason}); check the name")
        return UnreadableScene(f"cannot open {shown(name)}: {reason}; expected a raster such as a GeoTIFF")
    return UnreadableScene(f"cannot open {shown(name)}: it {_raster_advice(name, head, reason)}")


def compressed_refusal(head: bytes) -> NotSarcodec:
    """The error for a file whose first bytes (10 at least, or all) are not those of a compressed file."""
    kind = kind_of_bytes(head)
    if kind == _TIFF:
        advice = "sarcodec compress makes one of it"
    elif not head:
        advice = "it was not written or copied whole; fetch it again"
    else:
        advice = "expected what sarcodec compress has written"
    return NotSarcodec(f"this is not a sarcodec file, it is {kind}; {advice}")


def kind_of_bytes(head: bytes) -> str:
    """What a file is by its first bytes, in words."""
    if not head:
        return "empty"
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return "a tar archive"
    for pattern, kind in _MARKUP:
        if re.match(rb"(\xef\xbb\xbf)?\s*(" + pattern + rb")", head, re.IGNORECASE):
            return kind
    return f"{'a text file' if _is_text(head) else 'of a kind that is not known'} (it begins with {head[:4]!r})"


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", "replace")
    return sum(char.isprintable() or char.isspace() for char in text.replace("\ufffd", "\0")) >= len(text) - 1


def _raster_advice(name: str, head: bytes, reason: str) -> str:
    kind = kind_of_bytes(head)
    if kind == _SARCODEC:
        return "is already a sarcodec file; expected a raster: sarcodec decompress makes a GeoTIFF of it"
    if kind == "empty":
        return "is empty; expected a raster such as a GeoTIFF. It was not written or copied whole: fetch it again"
    if kind == _TIFF:
        return f"is a TIFF that cannot be opened: {reason}; it seems to be truncated or damaged. Copy it again"
    if kind == _ZIP:
        return f"is a zip archive; {_zip_advice(name)}"
    if os.path.basename(name).lower() == "manifest.safe":
        return f"is the list of a SAFE product; {_measurements_advice(Path(name).parent)}"
    if kind == "a page of HTML":
        return "is a page of HTML; expected a raster such as a GeoTIFF. A download seems to have ended in an error page"
    if "archive" in kind:
        return f"is {kind}; unpack it, and give a raster that is in it"
    return f"is {kind}; expected a raster such as a GeoTIFF ({reason})"


def _folder_refusal(folder: Path) -> InvalidArgument:
    if (folder / "measurement").is_dir() or (folder / "manifest.safe").exists():
        return InvalidArgument(f"{shown(folder)} is a SAFE product; {_measurements_advice(folder)}")
    for product in _listed(folder, "*.SAFE/measurement"):
        return InvalidArgument(
            f"{shown(folder)} is a folder with a SAFE product in it; {_measurements_advice(product.parent)}"
        )
    rasters = [path for path in _listed(folder, "*") if path.suffix.lower() in (".tif", ".tiff")]
    if rasters:
        return InvalidArgument(f"{shown(folder)} is a folder; give one of its rasters: {_named(rasters)}")
    return InvalidArgument(f"{shown(folder)} is a folder; expected a raster such as a GeoTIFF")


def _measurements_advice(product: Path) -> str:
    found = _listed(product / "measurement", "*.tif*")
    if not found:
        return "its folder measurement holds no TIFF; fetch the product again"
    return f"give its measurement TIFFs, one at a time: {_named(found)}"


def _zip_advice(name: str) -> str:
    try:
        with zipfile.ZipFile(name) as archive:
            names = archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return "and damaged; fetch it again"
    rasters = [one for one in names if PurePath(one).suffix.lower() in (".tif", ".tiff")]
    measurements = [one for one in rasters if "measurement" in PurePath(one).parts]
    if not rasters:
        return "it holds no TIFF; expected a raster such as a GeoTIFF"
    what = "measurement TIFFs" if measurements else "TIFFs"
    inside = [f"/vsizip/{name}/{one}" for one in measurements or rasters]
    return f"unpack it, or give its {what} where they are, one at a time: {_named(inside)}"


def _listed(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _named(names: Sequence[str] | Sequence[Path]) -> str:
    more = f" and {len(names) - _MOST_NAMED} others" if len(names) > _MOST_NAMED else ""
    return ", ".join(shown(name) for name in names[:_MOST_NAMED]) + more
