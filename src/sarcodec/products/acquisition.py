"""When and from where a product was taken, as its manifest says. In: the manifest's bytes; out: an Acquisition. What is not said is None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sarcodec.errors import UnsupportedScene
from sarcodec.format.reader import FileReader
from sarcodec.products import layout
from sarcodec.products.manifest import local, markup

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_PASSES = ("ascending", "descending")


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """name: of the product, without .SAFE; mission: 'S1A'; start, stop: UTC (ISO 8601, without a zone); absolute_orbit, relative_orbit: those in which it began;
    orbit_pass: 'ascending' or 'descending'; software: what made the product, and its version."""

    name: str
    mission: str
    mode: str
    product_type: str
    polarisations: tuple[str, ...]
    start: str | None = None
    stop: str | None = None
    absolute_orbit: int | None = None
    relative_orbit: int | None = None
    orbit_pass: str | None = None
    software: tuple[str, str] | None = None


def acquisition_of(file: FileReader) -> Acquisition | None:
    """Of the product that a file holds; None where it holds none. Raises CorruptFile for damage."""
    product = layout.product_of(file)
    if product is None:
        return None
    names = {record.name for record in file.header.attachments}
    manifest = file.attachment(layout.FILES + layout.MANIFEST) if layout.FILES + layout.MANIFEST in names else b""
    return read_acquisition(manifest, product)


def read_acquisition(manifest: bytes, product: layout.Product) -> Acquisition:
    """What the manifest adds to what is known of the product; one that cannot be read adds nothing."""
    name = product.name[: -len(".SAFE")]
    about = Acquisition(
        name=name,
        mission=product.mission,
        mode=product.mode,
        product_type=product.product_type,
        polarisations=product.polarisations,
    )
    try:
        root = markup(manifest, product.name).root
    except UnsupportedScene:
        return about
    orbit_pass = (_text(root, "orbitProperties", "pass") or "").lower()
    return Acquisition(
        **{
            **vars(about),
            "start": _text(root, "acquisitionPeriod", "startTime"),
            "stop": _text(root, "acquisitionPeriod", "stopTime"),
            "absolute_orbit": _number(root, "orbitNumber"),
            "relative_orbit": _number(root, "relativeOrbitNumber"),
            "orbit_pass": orbit_pass if orbit_pass in _PASSES else None,
            "software": _software(root),
        }
    )


def _all(root: Element, name: str) -> list[Element]:
    return [element for element in root.iter() if local(element) == name]


def _text(root: Element, around: str, name: str) -> str | None:
    """Of the first element of a name within another."""
    for outer in _all(root, around):
        for element in _all(outer, name):
            return (element.text or "").strip() or None
    return None


def _number(root: Element, name: str) -> int | None:
    """Where the acquisition began: a manifest has one for its end too."""
    found = [e for e in _all(root, "orbitReference") for e in _all(e, name) if e.get("type", "start") == "start"]
    text = (found[0].text or "").strip() if found else ""
    return int(text) if text.isdecimal() and int(text) else None


def _software(root: Element) -> tuple[str, str] | None:
    for element in _all(root, "software"):
        name, version = element.get("name", ""), element.get("version", "")
        if name and version:
            return name, version
    return None
