"""A manifest brought up to date: sizes and checksums of files that changed, and one more step of processing, all else byte for byte.

In: its bytes, and what changed. Out: other bytes, in the same encoding. Opens no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from sarcodec.errors import UnsupportedScene
from sarcodec.products.manifest import data_object, listed, local, markup, package
from sarcodec.products.markup import Edit, Markup
from sarcodec.storage.refusals import shown

_SAFE = "http://www.esa.int/safe/sentinel-1.0"
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_UPDATE = "which a product of other pixels needs; give its TIFFs one at a time"


@dataclass(frozen=True)
class Processing:
    """A step that made a product of another one. resources: (name, role) of what went in beside it."""

    name: str
    software: str
    version: str
    source: str
    resources: tuple[tuple[str, str], ...]


def updated(manifest: bytes, changed: Mapping[str, tuple[int, str]], step: Processing) -> bytes:
    """The manifest with the sizes and checksums of changed files (path: size in bytes, checksum) and one more step of processing.

    Raises UnsupportedScene where they cannot be put in.
    """
    found = markup(manifest, step.source)
    manifest = found.edited([*_of_files(found, changed, step.source), *_of_step(found, step)])
    objects = (data_object(element, step.source) for element in listed(markup(manifest, step.source).root))
    said = {one.path: (one.size, one.checksum) for one in objects}
    for path, expected in changed.items():
        if said.get(path) != expected:
            raise _not_changed(path)
    return manifest


def _not_changed(path: str) -> UnsupportedScene:
    return UnsupportedScene(f"the manifest does not list {path} in a way that can be changed, {_NO_UPDATE}")


def _of_files(found: Markup, changed: Mapping[str, tuple[int, str]], product: str) -> Iterator[Edit]:
    """In every place where they are listed."""
    for element in listed(found.root):
        path = data_object(element, product).path
        if path not in changed:
            continue
        stream, checksum = next(package(element, "byteStream"), None), next(package(element, "checksum"), None)
        size_at = None if stream is None else found.attribute(stream, "size")
        sum_at = None if checksum is None else found.content(checksum)
        if size_at is None or sum_at is None:
            raise _not_changed(path)
        size, digits = changed[path]
        yield from ((*size_at, str(size)), (*sum_at, digits))


def _of_step(found: Markup, step: Processing) -> Iterator[Edit]:
    """Around the steps before, within the source product, as Copernicus has it in its COG_SAFE products."""
    about = (one for one in package(found.root, "metadataObject") if one.get("ID") == "processing")
    before = next((element for one in about for element in package(one, "xmlData")), None)
    span = None if before is None else found.content(before)
    if before is None or span is None:
        raise UnsupportedScene(f"the manifest says nothing of the processing of {step.source}, {_NO_UPDATE}")
    if _NOT_XML.search(step.source):
        raise UnsupportedScene(
            f"the name {shown(step.source)!r} has characters that no manifest can hold, {_NO_UPDATE}, or give the product another name"
        )
    prefix, declared = _prefix(found, before)
    more = "".join(
        f"<{prefix}resource name={quoteattr(name)} role={quoteattr(role)}/>" for name, role in step.resources
    )
    opening = (
        f"<{prefix}processing name={quoteattr(step.name)}{declared}>"
        f'<{prefix}facility name="unknown"><{prefix}software name={quoteattr(step.software)} version={quoteattr(step.version)}/></{prefix}facility>'
        f'{more}<{prefix}resource name={quoteattr(step.source)} role="Level-1 GRD Product">'
    )
    yield span[0], span[0], opening
    yield span[1], span[1], f"</{prefix}resource></{prefix}processing>"


def _prefix(found: Markup, before: Element) -> tuple[str, str]:
    """With ':', what puts names beside the steps before into their namespace, `safe` where that does; and what declares it, where nothing does yet."""
    steps = (element.tag for element in before if local(element) == "processing")
    address = next(steps, f"{{{_SAFE}}}").rpartition("}")[0].removeprefix("{")
    known = found.namespaces(before)
    for prefix in ("safe", "", *sorted(known)):
        if known.get(prefix, "") == address and (prefix in known or not prefix):
            return (f"{prefix}:" if prefix else ""), ""
    address = address or _SAFE
    names = ("safe", *(f"safe{number}" for number in range(len(known) + 1)))
    prefix = next(name for name in names if name not in known)
    return f"{prefix}:", f" xmlns:{prefix}={quoteattr(address)}"
