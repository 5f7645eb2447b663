"""What a compressed file keeps of a product, and under which names (docs/format.md, 21).

In: the attachments of a file. Out: a Product, or None where the file holds a scene alone. Knows neither manifests nor rasters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from sarcodec.errors import CorruptFile
from sarcodec.format.reader import FileReader

INDEX = "safe.json"
FILES = "safe/"
MANIFEST = "manifest.safe"
HEAD, TAIL, DESCRIPTION, RECIPE = "head", "tail", "description", "recipe"
_KIND = "sentinel-1 safe"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Measurement:
    """A measurement of a product, a band of the file: its path within the product, its polarisation, and the checksum of its bytes as they
    were taken, by the name and in the form that the manifest has."""

    path: str
    polarisation: str
    checksum_name: str
    checksum: str


@dataclass(frozen=True)
class Product:
    """A product: its name with the ending .SAFE, what its manifest says in a word each, and its measurements in the order of the bands."""

    name: str
    mission: str
    mode: str
    product_type: str
    measurements: tuple[Measurement, ...]

    @property
    def polarisations(self) -> tuple[str, ...]:
        """One a band."""
        return tuple(measurement.polarisation for measurement in self.measurements)


def part_name(band: int, part: str) -> str:
    """The name of what is kept of the TIFF of a band (from 0) beside its pixels."""
    return f"safe.tiff/{band + 1}/{part}"


def pack_product(product: Product) -> bytes:
    """The attachment INDEX."""
    found = {field.name: getattr(product, field.name) for field in fields(Product)}
    found["measurements"] = [vars(measurement) for measurement in product.measurements]
    return json.dumps({"kind": _KIND, **found}, sort_keys=True, separators=(",", ":")).encode("ascii")


def product_of(file: FileReader) -> Product | None:
    """The product that a file holds; None where it holds none. Raises CorruptFile for damage."""
    sizes = {record.name: record.size for record in file.header.attachments}
    if sizes.get(INDEX, _MOST_BYTES + 1) > _MOST_BYTES:
        return None
    return unpack_product(file.attachment(INDEX), len(file.header.bands))


def unpack_product(data: bytes, bands: int) -> Product | None:
    """The way back from `pack_product`; None for an attachment that only has the name. Raises CorruptFile where it denies itself."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("kind") != _KIND:
        return None
    try:
        measurements = tuple(Measurement(**_words(Measurement, item)) for item in found["measurements"])
        product = Product(**_words(Product, found, "measurements"), measurements=measurements)
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFile(f"attachment {INDEX} does not describe a product ({error!r}); the file is damaged") from error
    if not _is_plain_name(product.name):
        raise CorruptFile(
            f"attachment {INDEX} calls its product {product.name!r}; expected a name such as S1A_....SAFE, the file is damaged"
        )
    if len(measurements) != bands or not all(_is_inside(m.path) for m in measurements):
        raise CorruptFile(
            f"attachment {INDEX} names {len(measurements)} measurements, expected one within the product for each of {bands} bands; "
            "the file is damaged"
        )
    return product


def _is_plain_name(name: str) -> bool:
    """The name of a folder, which leads nowhere else."""
    return "/" not in name and is_plain_path(name) and name.upper().endswith(".SAFE")


def _words(kind: Any, item: Any, but: str = "") -> dict[str, str]:
    found = {field.name: item[field.name] for field in fields(kind) if field.name != but}
    if not all(isinstance(word, str) for word in found.values()):
        raise ValueError("what should be a text is none")
    return found


def _is_inside(path: str) -> bool:
    return is_plain_path(path) and path.startswith("measurement/")


def is_plain_path(path: str) -> bool:
    """Whether a path leads to a file within its product, on any system."""
    plain = all(part not in ("", ".", "..") for part in path.split("/"))
    return plain and not any(char in "\\:\x7f" or char < " " for char in path)


def kept_files(names: Iterable[str]) -> list[str]:
    """Paths within the product of all files that are attachments, of all names of attachments."""
    return [name.removeprefix(FILES) for name in names if name.startswith(FILES)]
