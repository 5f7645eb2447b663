"""The list of a product, manifest.safe: what it says of the product and of each file.

In: its bytes. Out: a Manifest, or its elements. Opens no files.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from sarcodec.errors import UnsupportedScene
from sarcodec.products.layout import is_plain_path
from sarcodec.products.markup import Markup

_DIGESTS = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512", "SHA3256": "sha3_256", "SHA3512": "sha3_512"}  # fmt: skip
_NAME = re.compile(r"(S1[A-Z]_.*_)[0-9A-F]{4}(_[A-Z]+)?(\.SAFE)", re.DOTALL)
_MOST_BYTES = 16 << 20
_XFDU = "urn:ccsds:schema:xfdu:1"


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


def read_manifest(data: bytes, name: str) -> Manifest:
    """name: of the product, for messages. Raises UnsupportedScene where it is no list of a Sentinel-1 product."""
    root = markup(data, name).root
    first_last = reversed(list(root.iter()))
    found = {local(element): (element.text or "").strip() for element in first_last}
    platform = {local(e): (e.text or "").strip() for e in next((e for e in root.iter() if local(e) == "platform"), ())}
    if platform.get("familyName", "").upper() != "SENTINEL-1":
        raise UnsupportedScene(
            f"{name} is a product of {platform.get('familyName') or 'an unknown mission'}; expected one of Sentinel-1. Give its rasters, one at a time"
        )
    objects = tuple(data_object(element, name) for element in listed(root))
    return Manifest(f"S1{platform.get('number', '')}", found.get("mode", ""), found.get("productType", ""), objects)


def markup(data: bytes, name: str) -> Markup:
    """A manifest's elements, and where they lie in it. name: of the product, for messages. Raises UnsupportedScene."""
    if len(data) > _MOST_BYTES:
        raise UnsupportedScene(
            f"the manifest of {name} is not what ESA writes (it has {len(data)} bytes, expected {_MOST_BYTES} at most); fetch the product again"
        )
    try:
        return Markup(data)
    except ValueError as error:
        raise UnsupportedScene(f"the manifest of {name} {error}; fetch the product again") from error


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def package(within: Element, name: str) -> Iterator[Element]:
    """Elements of this name that make up the package: in the namespace of XFDU under whatever prefix, or in none, as ESA has them."""
    return (element for element in within.iter() if element.tag in (name, f"{{{_XFDU}}}{name}"))


def listed(root: Element) -> Iterator[Element]:
    """What lists a file each."""
    return package(root, "dataObject")


def data_object(element: Element, product: str) -> DataObject:
    """What one of `listed` says. product: its name, for messages. Raises UnsupportedScene where it names a file outside of the product."""
    stream, checksum, place = (
        next(package(element, name), Element(name)) for name in ("byteStream", "checksum", "fileLocation")
    )
    href = place.get("href", "")
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
