"""A light product: the files of a product, and texts in the place of its measurements, by which pixels are found in a compressed file beside them.

In: a compressed file that holds a product, and the texts. Out: a folder whose manifest holds of what is in it. Knows neither VRTs nor a decoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sarcodec.errors import CorruptFile, UnsupportedScene
from sarcodec.format.reader import FileReader
from sarcodec.products import layout
from sarcodec.products.manifest import hasher
from sarcodec.products.output import ProductOutput
from sarcodec.products.reading import Original
from sarcodec.products.updating import Processing, updated


def packed_name(product: layout.Product) -> str:
    """The path of the compressed file within a light product: beside its measurements, called as the product was."""
    return f"measurement/{product.name[: -len('.SAFE')]}.sarc"


def refuse_light(original: Original) -> None:
    """Raises UnsupportedScene for a light product: its pixels were compressed already, and would lose once more, with their file kept beside them."""
    within = f"{layout.FILES}measurement/"
    for name, _ in getattr(original, "attachments", ()):
        if name.startswith(within) and name.lower().endswith(".sarc"):
            raise UnsupportedScene(
                f"this is a light product, whose pixels lie compressed in {name.removeprefix(layout.FILES)} already; that file holds the whole product, give it instead"
            )


def lay_out(
    file: FileReader, product: layout.Product, output: ProductOutput, texts: Mapping[str, bytes], step: Processing
) -> Path:
    """Write all but the compressed file, which is there already, and publish; returns where.

    texts: by the paths of the measurements; step: what the manifest says of it. Raises CorruptFile where what was kept does not make a product, and as ProductOutput.
    """
    kept = {path: file.attachment(layout.FILES + path) for path in layout.kept_files(r.name for r in file.header.attachments)}  # fmt: skip
    manifest = kept.pop(layout.MANIFEST, None)
    if manifest is None:
        raise CorruptFile(f"the product in {file.name} has no manifest; the file is damaged")
    changed = {}
    for one in product.measurements:
        make = hasher(one.checksum_name)
        if make is None:
            raise CorruptFile(
                f"{file.name} has a checksum of the unknown kind {one.checksum_name!r}; the file is damaged"
            )
        found = make()
        found.update(texts[one.path])
        changed[one.path] = len(texts[one.path]), found.hexdigest()
    for path, data in {**kept, **texts, layout.MANIFEST: updated(manifest, changed, step)}.items():
        output.write(path, data)
    return output.publish(product.name)
