"""A measurement of a product, opened and looked at: its pixels, its checksum, and how its TIFF can be put together again.

In: what the manifest says of it, and the product's files. Out: a Taken. Refuses what is no band of a product.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sarcodec.errors import SarcodecError, UnsupportedScene
from sarcodec.format.scene import pack_scene
from sarcodec.products import layout
from sarcodec.products.again import Recipe, found_recipe
from sarcodec.products.files import ProductFiles
from sarcodec.products.manifest import DataObject, Manifest, hasher
from sarcodec.products.plain_tiff import Frame, frame_of
from sarcodec.raster.geotiff import SceneReader, open_scene

_READ_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class Taken:
    """A measurement that is open, with what is kept of its TIFF. frame: where it can be composed again; recipe: where it is no such TIFF, and can be
    made again."""

    reader: SceneReader
    measurement: layout.Measurement
    frame: Frame | None
    recipe: Recipe | None

    @property
    def is_lost(self) -> bool:
        """Whether its TIFF will be another one."""
        return self.frame is None and self.recipe is None

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """What is kept of its TIFF: names of layout.py, and bytes."""
        if self.frame is not None:
            yield from ((layout.HEAD, self.frame.head), (layout.TAIL, self.frame.tail))
            return
        yield layout.DESCRIPTION, pack_scene(self.reader.info)
        if self.recipe is not None:
            yield from ((layout.RECIPE, self.recipe.pack()), (layout.TAIL, self.recipe.tail))


def listed_measurements(manifest: Manifest, files: ProductFiles) -> list[DataObject]:
    """Measurements of a product: those that are there, in the order of their numbers: 001 is the co-polarised one."""
    listed = {one.path: one for one in manifest.objects if one.representation == "s1Level1MeasurementSchema"}
    there = [one for path, one in listed.items() if path in files.paths]
    if not there:
        raise UnsupportedScene(
            f"{files.name} holds none of the {len(listed)} measurements that its manifest lists; expected one at least. Fetch the product again"
        )
    return sorted(there, key=lambda one: (one.path.removesuffix("-cog.tiff").removesuffix(".tiff")[-3:], one.path))


def take(files: ProductFiles, listed: DataObject, trial: Path | None) -> Taken:
    """A measurement, open; who asks closes it. trial: a folder in which is tried whether a COG can be made again."""
    path, name = files.on_disk(listed.path), f"{listed.path} of {files.name}"
    try:
        reader = open_scene(path)
    except SarcodecError as error:  # It names a file that may have been unpacked for a moment.
        error.args = tuple(str(arg).replace(str(path), name) for arg in error.args)
        raise
    try:
        return _looked_at(reader, path, listed, name, trial)
    except BaseException:
        reader.close()
        raise


def _looked_at(reader: SceneReader, path: Path, listed: DataObject, name: str, trial: Path | None) -> Taken:
    if reader.info.count != 1 or reader.info.mask is not None:
        raise UnsupportedScene(
            f"{name} has {reader.info.count} bands, or a mask; expected one band. Give the TIFF alone"
        )
    digest = _digest(listed, path, name)
    measurement = layout.Measurement(listed.path, _polarisation(listed.path, name), listed.checksum_name, digest)
    frame = frame_of(path)
    recipe = found_recipe(path, reader, trial) if frame is None and trial is not None else None
    return Taken(reader, measurement, frame, recipe)


def _digest(listed: DataObject, path: Path, name: str) -> str:
    make = hasher(listed.checksum_name)
    if make is None:
        raise UnsupportedScene(
            f"{name} has a checksum of the kind {listed.checksum_name or 'unknown'!r}; expected MD5 or SHA. Give the TIFF alone"
        )
    return file_digest(path, make())


def file_digest(path: Path, found: hashlib._Hash) -> str:
    """The checksum of a file, in digits of 16."""
    with open(path, "rb") as file:
        while part := file.read(_READ_BYTES):
            found.update(part)
    return found.hexdigest()


def _polarisation(path: str, name: str) -> str:
    for word in os.path.basename(path).split("-"):
        if word in ("vv", "vh", "hh", "hv"):
            return word.upper()
    raise UnsupportedScene(
        f"{name} has no polarisation in its name; expected one such as s1a-iw-grd-vv-....tiff. Rename nothing in a product"
    )
