"""A product as what an encoder reads: its measurements as the bands of one scene, and all else of it as attachments.

In: the files of a product. Out: a ProductReader, a source of pixels. Refuses what cannot be given back: no GRD, files that are missing or
damaged, measurements that are not of one size. Objects here are used as those of raster/geotiff.py.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sarcodec.errors import SarcodecError, UnreadableScene, UnsupportedScene
from sarcodec.format.scene import SceneInfo, pack_scene
from sarcodec.format.tiling import Window
from sarcodec.products import layout
from sarcodec.products.again import Recipe, found_recipe
from sarcodec.products.files import ProductFiles, is_product, open_files
from sarcodec.products.manifest import DataObject, Manifest, hasher, read_manifest
from sarcodec.products.one_scene import one_info
from sarcodec.products.plain_tiff import Frame, frame_of
from sarcodec.raster.blocks import Blocks
from sarcodec.raster.geotiff import SceneReader, open_scene
from sarcodec.storage.standard import temporary_workspace
from sarcodec.storage.workspace import Workspace

if TYPE_CHECKING:
    from sarcodec.arrays import Integers, Pixels

_READ_BYTES = 1 << 20
_MOST_NAMED = 3


def open_original(
    source: str | os.PathLike[str], beside: Path | None = None, as_is: bool = False, trial: bool = False
) -> Original:
    """A raster, or a product; use it in a `with`. beside: where what is unpacked or tried lies, None for the system's temporary folder;
    as_is, trial: see ProductReader. Raises as that and as `open_scene`."""
    if is_product(source):
        return ProductReader(open_files(source, beside), as_is, _folder(beside) if trial else None)
    return open_scene(source)


@dataclass(frozen=True, eq=False)
class _Taken:
    """A measurement that is open, with what is kept of its TIFF. frame: where it can be composed again; recipe: where it is no such TIFF, and can be
    made again."""

    reader: SceneReader
    measurement: layout.Measurement
    frame: Frame | None
    recipe: Recipe | None


class ProductReader:
    """A product that is open for reading. as_is: files that are missing, or whose checksum is not the manifest's, are no reason to refuse it. trial: a folder of the
    caller's, removed in the end, in which is tried whether COGs can be made again byte for byte; None: they will not be.

    info, notes, paths, blocks: as SceneReader has them; product: what is kept of its names; attachments: (name, bytes) of all that is kept
    beside pixels. Raises UnsupportedScene, UnreadableScene, InvalidArgument.
    """

    def __init__(self, files: ProductFiles, as_is: bool = False, trial: Workspace | None = None) -> None:
        self._stack = ExitStack()
        self._trial = None if trial is None else trial.folder
        if trial is not None:
            self._stack.callback(trial.close)
        self._stack.callback(files.close)
        try:
            self._open(files, as_is)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, files: ProductFiles, as_is: bool) -> None:
        manifest = read_manifest(files.read(layout.MANIFEST), files.name)
        _check_kind(manifest, files.name)
        measurements = _measurements(manifest, files)
        missing = [o.path for o in manifest.objects if o.path not in files.paths]
        _check_whole(missing, files.name, "missing", as_is)
        kept = {path: files.read(path) for path in files.paths if path not in {m.path for m in measurements}}
        wrong = [o.path for o in manifest.objects if o.path in kept and not _is_sound(o, kept[o.path])]
        taken = [self._take(files, one) for one in measurements]
        wrong += [one.path for one, t in zip(measurements, taken) if one.checksum.lower() != t.measurement.checksum]
        _check_whole(wrong, files.name, "not those of its checksums", as_is)
        self._readers = [t.reader for t in taken]
        polarisations = [t.measurement.polarisation for t in taken]
        self.info = one_info([reader.info for reader in self._readers], polarisations, files.name)
        self.product = layout.Product(
            files.name, manifest.mission, manifest.mode, manifest.product_type, tuple(t.measurement for t in taken)
        )
        self.attachments = tuple(_attachments(self.product, kept, taken))
        self.paths = (*files.inputs, *(path for reader in self._readers for path in reader.paths))
        self.notes = tuple(_notes(missing, wrong, taken))
        first = self._readers[0].blocks
        self.blocks = replace(first, bytes=sum(reader.blocks.bytes for reader in self._readers))

    blocks: Blocks
    info: SceneInfo

    def _take(self, files: ProductFiles, listed: DataObject) -> _Taken:
        path, name = files.on_disk(listed.path), f"{listed.path} of {files.name}"
        try:
            reader = self._stack.enter_context(open_scene(path))
        except SarcodecError as error:  # It names a file that may have been unpacked for a moment.
            error.args = tuple(str(arg).replace(str(path), name) for arg in error.args)
            raise
        if reader.info.count != 1 or reader.info.mask is not None:
            raise UnsupportedScene(
                f"{name} has {reader.info.count} bands, or a mask; expected one band. Give the TIFF alone"
            )
        checksum = layout.Measurement(
            listed.path, _polarisation(listed.path, name), listed.checksum_name, _digest(listed, path, name)
        )
        frame = frame_of(path)
        trial = self._trial if frame is None else None
        return _Taken(reader, checksum, frame, None if trial is None else found_recipe(path, reader, trial))

    def read(self, band: int, window: Window) -> Pixels:
        """As SceneReader.read."""
        return self._readers[band].read(0, window)

    def read_mask(self, plane: int, window: Window) -> Integers:
        """There is none: as SceneReader.read_mask."""
        return self._readers[0].read_mask(plane, window)

    def close(self) -> None:
        """Let go of all files, and remove what was unpacked."""
        self._stack.close()

    def __enter__(self) -> ProductReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


Original = SceneReader | ProductReader
"""What a compressed file is made of."""


def _folder(beside: Path | None) -> Workspace:
    return Workspace(beside) if beside else temporary_workspace()


def _check_kind(manifest: Manifest, name: str) -> None:
    if manifest.product_type == "GRD":
        return
    found = f"{name} is a product of type {manifest.product_type or 'unknown'}"
    if manifest.product_type == "SLC":
        raise UnsupportedScene(
            f"{found}, whose pixels are complex; expected detected ones (GRD). Fetch the GRD of this acquisition"
        )
    raise UnsupportedScene(f"{found}; expected GRD. Give its rasters, one at a time")


def _measurements(manifest: Manifest, files: ProductFiles) -> list[DataObject]:
    """Those that are there, in the order of their numbers: 001 is the co-polarised one."""
    listed = [one for one in manifest.objects if one.representation == "s1Level1MeasurementSchema"]
    there = [one for one in listed if one.path in files.paths]
    if not there:
        raise UnsupportedScene(
            f"{files.name} holds none of the {len(listed)} measurements that its manifest lists; expected one at least. Fetch the product again"
        )
    return sorted(there, key=lambda one: (one.path.removesuffix("-cog.tiff").removesuffix(".tiff")[-3:], one.path))


def _check_whole(paths: list[str], product: str, what: str, as_is: bool) -> None:
    if not paths or as_is:
        return
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    raise UnreadableScene(
        f"{product} is not whole: files that its manifest lists are {what} ({', '.join(paths[:_MOST_NAMED])}{more}); fetch it again, or "
        "take it as it is (--as-is)"
    )


def _is_sound(listed: DataObject, data: bytes) -> bool:
    make = hasher(listed.checksum_name)
    if make is None:
        return listed.size in (None, len(data))
    found = make()
    found.update(data)
    return bool(found.hexdigest() == listed.checksum.lower())


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


def _attachments(product: layout.Product, kept: dict[str, bytes], taken: list[_Taken]) -> Iterator[tuple[str, bytes]]:
    yield layout.INDEX, layout.pack_product(product)
    for path, data in kept.items():
        yield f"{layout.FILES}{path}", data
    for band, one in enumerate(taken):
        if one.frame is None:
            yield layout.part_name(band, layout.DESCRIPTION), pack_scene(one.reader.info)
            if one.recipe is not None:
                yield layout.part_name(band, layout.RECIPE), one.recipe.pack()
                yield layout.part_name(band, layout.TAIL), one.recipe.tail
        else:
            yield layout.part_name(band, layout.HEAD), one.frame.head
            yield layout.part_name(band, layout.TAIL), one.frame.tail


def _notes(missing: list[str], wrong: list[str], taken: list[_Taken]) -> Iterator[str]:
    if missing:
        yield f"Files that the manifest lists were missing and will be: {', '.join(missing)}."
    if wrong:
        yield f"Files were taken whose checksum is not the manifest's: {', '.join(wrong)}."
    for one in taken:
        if one.frame is None and one.recipe is None:
            yield (
                f"{one.measurement.path} is compressed or tiled: it comes back as another GeoTIFF with the same tags, never byte for byte."
            )
            yield from one.reader.notes
