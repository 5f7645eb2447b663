"""The list of a product, manifest.safe: what it says of the product and of each file, and how it is brought up to date.

In: its bytes. Out: a Manifest, or its bytes with other checksums and one more step of processing, all else byte for byte. Opens no files.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from sarcodec.errors import UnsupportedScene
from sarcodec.products.layout import is_plain_path

_DIGESTS = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512", "SHA3256": "sha3_256", "SHA3512": "sha3_512"}  # fmt: skip
_NAME = re.compile(r"(S1[A-Z]_.*_)[0-9A-F]{4}(_[A-Z]+)?(\.SAFE)", re.DOTALL)
_MOST_BYTES = 16 << 20
_NO_UPDATE = "which a product of other pixels needs; give its TIFFs one at a time"


@dataclass(frozen=True)
class DataObject:
    """A file of the product: its path, size in bytes (None: not said), checksum and whose name; what it is (repID)."""

    path: str
    size: int | None
    checksum_name: str
    checksum: str
    representation: str


@dataclass(frozen=True)
class Manifest:
    """mission: 'S1A'; mode: 'IW'; product_type: 'GRD'; objects: all files that are listed."""

    mission: str
    mode: str
    product_type: str
    objects: tuple[DataObject, ...]


@dataclass(frozen=True)
class Processing:
    """A step that made a product of another one. resources: (name, role) of what went in beside it."""

    name: str
    software: str
    version: str
    source: str
    resources: tuple[tuple[str, str], ...]


def read_manifest(data: bytes, name: str) -> Manifest:
    """name: of the product, for messages. Raises UnsupportedScene where it is no list of a Sentinel-1 product."""
    root = parsed(data, name)
    found = {
        _local(element): (element.text or "").strip() for element in reversed(list(root.iter()))
    }  # the first of each
    platform = {_local(e): (e.text or "").strip() for e in _first(root, "platform")}
    if platform.get("familyName", "").upper() != "SENTINEL-1":
        raise UnsupportedScene(
            f"{name} is a product of {platform.get('familyName') or 'an unknown mission'}; expected one of Sentinel-1. Give its rasters, one at a time"
        )
    objects = tuple(_object(e, name) for e in root.iter() if _local(e) == "dataObject")
    return Manifest(f"S1{platform.get('number', '')}", found.get("mode", ""), found.get("productType", ""), objects)


def parsed(data: bytes, name: str) -> ElementTree.Element:
    """The tree. name: of the product, for messages. Raises UnsupportedScene."""
    if len(data) > _MOST_BYTES or re.search(rb"<!(DOCTYPE|ENTITY)", data):
        raise UnsupportedScene(
            f"the manifest of {name} is not what ESA writes (too large, or it defines words of its own); fetch the product again"
        )
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError) as error:
        raise UnsupportedScene(f"the manifest of {name} is no sound XML ({error}); fetch the product again") from error


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _first(root: ElementTree.Element, name: str) -> ElementTree.Element:
    return next((element for element in root.iter() if _local(element) == name), ElementTree.Element(name))


def _object(element: ElementTree.Element, product: str) -> DataObject:
    stream, checksum = _first(element, "byteStream"), _first(element, "checksum")
    href = _first(element, "fileLocation").get("href", "")
    path = href.removeprefix("./")
    if not is_plain_path(path):
        raise UnsupportedScene(
            f"the manifest of {product} names {href!r}, which lies outside the product; fetch the product again"
        )
    size = stream.get("size", "")
    return DataObject(
        path,
        int(size) if size.isdecimal() else None,
        checksum.get("checksumName", ""),
        (checksum.text or "").strip(),
        element.get("repID", ""),
    )


def hasher(checksum_name: str) -> Callable[[], hashlib._Hash] | None:
    """What makes checksums of a manifest's name ('MD5', 'SHA3-256'), or None where it is not known."""
    name = _DIGESTS.get(re.sub("[-_ ]", "", checksum_name.upper()))
    return None if name is None else lambda: hashlib.new(name, usedforsecurity=False)


def crc16(manifest: bytes) -> str:
    """The last four digits of a product's name: CRC-16 (polynomial 0x1021, begun with 0xFFFF) of its manifest."""
    return f"{binascii.crc_hqx(manifest, 0xFFFF):04X}"


def right_name(name: str, manifest: bytes) -> str:
    """What a product with this manifest is called. name: what it was called; one that is not as ESA names products stays."""
    found = _NAME.fullmatch(name)
    return f"{found[1]}{crc16(manifest)}{found[2] or ''}{found[3]}" if found else name


def updated(manifest: bytes, changed: Mapping[str, tuple[int, str]], step: Processing) -> bytes:
    """The manifest with the sizes and checksums of changed files (path: size in bytes, checksum) and one more step of processing.

    Raises UnsupportedScene where they cannot be put in.
    """
    parsed(manifest, step.source)
    for path, (size, checksum) in changed.items():
        manifest = _with_file(manifest, path, size, checksum)
    manifest = _with_step(manifest, step)
    objects = (_object(e, step.source) for e in parsed(manifest, step.source).iter() if _local(e) == "dataObject")
    listed = {one.path: (one.size, one.checksum) for one in objects}
    for path, said in changed.items():
        if listed.get(path) != said:
            raise _not_changed(path)
    return manifest


def _not_changed(path: str) -> UnsupportedScene:
    return UnsupportedScene(f"the manifest does not list {path} in a way that can be changed, {_NO_UPDATE}")


def _with_file(manifest: bytes, path: str, size: int, checksum: str) -> bytes:
    """In every place where it is listed."""
    href, said = re.escape(path.encode()), _without_comments(manifest)
    places: list[tuple[int, int, bytes]] = []
    for found in re.finditer(rb"<dataObject\b.*?</dataObject>", said, re.DOTALL):
        if re.search(rb"""href=["'](\./)?""" + href + rb"""["']""", found[0]):
            sizes = re.compile(rb"""<byteStream\b[^>]*?\bsize=["'](\d*)""").search(said, *found.span())
            sums = re.compile(rb"<checksum\b[^>]*>([^<]*)").search(said, *found.span())
            if not sizes or not sums:
                raise _not_changed(path)
            places += [(*sizes.span(1), b"%d" % size), (*sums.span(1), checksum.encode())]
    for begin, end, text in sorted(places, reverse=True):
        manifest = manifest[:begin] + text + manifest[end:]
    return manifest


def _without_comments(manifest: bytes) -> bytes:
    """As long as it was: spaces in their place."""
    return re.sub(rb"<!--.*?-->", lambda found: b" " * len(found[0]), manifest, flags=re.DOTALL)


def _with_step(manifest: bytes, step: Processing) -> bytes:
    """Around the steps before, within the source product, as Copernicus has it in its COG_SAFE products."""
    said = _without_comments(manifest)
    whole = re.search(rb"""<metadataObject\b[^>]*\bID=["']processing["'][^>]*>.*?</metadataObject>""", said, re.DOTALL)
    found = whole and re.compile(rb"<xmlData>(.*)</xmlData>", re.DOTALL).search(said, *whole.span())
    if not found:
        raise UnsupportedScene(f"the manifest says nothing of the processing of {step.source}, {_NO_UPDATE}")
    more = "".join(f"<safe:resource name={quoteattr(name)} role={quoteattr(role)}/>" for name, role in step.resources)
    opening = (
        f"<safe:processing name={quoteattr(step.name)}>"
        f'<safe:facility name="unknown"><safe:software name={quoteattr(step.software)} version={quoteattr(step.version)}/></safe:facility>'
        f'{more}<safe:resource name={quoteattr(step.source)} role="Level-1 GRD Product">'
    )
    begin, end = found.span(1)
    within = manifest[begin:end]
    return manifest[:begin] + opening.encode() + within + b"</safe:resource></safe:processing>" + manifest[end:]
