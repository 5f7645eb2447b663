"""Light products: a SAFE folder whose measurements are one compressed file, and VRTs under the names of the TIFFs, which tools open by GDAL.

In: a product, or the compressed file of one. Out: a folder NAME.SAFE that appears whole or not at all. Decodes no pixel.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarcodec.api.compression import CompressReport, compress
from sarcodec.api.restored import step_of
from sarcodec.decoding.reconstruction import Reconstruction
from sarcodec.doors.vrt_file import build
from sarcodec.errors import InvalidArgument, NotSarcodec
from sarcodec.format.reader import FileReader
from sarcodec.products.files import is_product, open_files
from sarcodec.products.layout import Product, product_of
from sarcodec.products.light import lay_out, packed_name
from sarcodec.products.output import ProductOutput
from sarcodec.storage.refusals import shown, writing

if TYPE_CHECKING:
    from sarcodec.api.choices import Reconstruct, Speckle


@dataclass(frozen=True, kw_only=True)
class LightReport:
    """What was written. packed: the path of the compressed file; bytes: of all files together; compressed: what compressing says, None where a
    compressed file was taken as it was."""

    path: str
    packed: str
    bytes: int
    compressed: CompressReport | None


def write(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    relative_to: str | os.PathLike[str] | None = None,
    reconstruct: Reconstruct = "power",
    speckle: Speckle = "keep",
    overwrite: bool = False,
    **how: Any,
) -> LightReport:
    """Write a light product.

    Args:
        source: a product, NAME.SAFE or a zip archive of one, which is compressed; or a compressed file that holds a product, which is copied.
        target: NAME.SAFE.
        relative_to: a folder from which the VRTs name the compressed file, instead of by its absolute path. Who reads them names that folder in the
            environment variable SARCODEC_VRT_ROOT, or is in it.
        reconstruct, speckle: of the pixels that the VRTs give, as in sarcodec.open.
        overwrite: replace a product that is there, once the new one is whole.
        how: as for sarcodec.compress.

    Raises what sarcodec.compress and sarcodec.open raise. On every error nothing appears under `target`.
    """
    name = os.fsdecode(target)
    if not name.rstrip("/").lower().endswith(".safe"):
        raise InvalidArgument(f"{shown(name)} is no name of a light product, which is a folder; expected NAME.SAFE")
    with ProductOutput(target, overwrite, (source,)) as output:
        assert output.path is not None, "by its name"
        report, path = _packed(source, output, how)
        with FileReader(path) as file:
            product = _product(file)
            final = output.path / packed_name(product)
            shared: dict[str, Any] = {"relative_to": relative_to, "reconstruct": reconstruct, "speckle": speckle}
            texts = {
                one.path: build(path, indexes=band, named=final, **shared)
                for band, one in enumerate(product.measurements, 1)
            }
            step = step_of(file.header, product, Reconstruction(reconstruct, speckle))
            found = lay_out(file, product, output, texts, step)
    size = sum(one.stat().st_size for one in found.rglob("*") if one.is_file())
    return LightReport(path=str(found), packed=str(found / packed_name(product)), bytes=size, compressed=report)


def _packed(
    source: str | os.PathLike[str], output: ProductOutput, how: dict[str, Any]
) -> tuple[CompressReport | None, Path]:
    """The compressed file, in its place."""
    if is_product(source):
        files = open_files(source, output.part.parent)
        files.close()
        path = output.place(packed_name(Product(files.name, "", "", "", ())))
        return compress(source, path, **how), path
    try:
        with FileReader(source) as file:
            path = output.place(packed_name(_product(file)))
    except NotSarcodec as error:
        raise InvalidArgument(
            f"{shown(source)} is neither a product nor the compressed file of one; of other scenes sarcodec vrt makes a VRT"
        ) from error
    if how:
        raise InvalidArgument(
            f"{next(iter(how))} says how a product is compressed, and {shown(source)} is none; leave it out"
        )
    with writing(output.name):
        shutil.copyfile(source, path)
    return None, path


def _product(file: FileReader) -> Product:
    found = product_of(file)
    if found is None:
        raise InvalidArgument(
            f"{file.name} holds a scene and no product; expected a product (NAME.SAFE), or the compressed file of one"
        )
    return found
