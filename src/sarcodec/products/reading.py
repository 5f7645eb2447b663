"""A product as what an encoder reads: its measurements as the bands of one scene, and all else of it as attachments.

In: the files of a product. Out: a ProductReader, a source of pixels. Refuses what cannot be given back: no GRD, files that are missing or
damaged, measurements that are not of one size. Objects here are used as those of raster/geotiff.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sarcodec.errors import UnreadableScene, UnsupportedScene
from sarcodec.format.tiling import Window
from sarcodec.products import layout
from sarcodec.products.files import ProductFiles, is_product, open_files
from sarcodec.products.manifest import DataObject, Manifest, hasher, read_manifest
from sarcodec.products.one_scene import one_info
from sarcodec.products.taking import Taken, listed_measurements, take
from sarcodec.products.updating import Processing, updated
from sarcodec.raster.geotiff import SceneReader, open_scene
from sarcodec.storage.standard import temporary_workspace
from sarcodec.storage.workspace import Workspace

if TYPE_CHECKING:
    from sarcodec.arrays import Integers, Pixels

_MOST_NAMED = 3


def open_original(
    source: str | os.PathLike[str], beside: Path | None = None, as_is: bool = False, trial: bool = False
) -> Original:
    """A raster, or a product; use it in a `with`. beside: where what is unpacked or tried lies, None for the system's temporary folder;
    as_is, trial: see ProductReader. Raises as that and as `open_scene`."""
    if is_product(source):
        return ProductReader(open_files(source, beside), as_is, _folder(beside) if trial else None)
    return open_scene(source)


class ProductReader:
    """A product that is open for reading. as_is: files that are missing, or whose checksum is not the manifest's, are no reason to refuse it. trial: a folder of the
    caller's, removed in the end, in which is tried whether COGs can be made again byte for byte; None: they will not be.

    info, notes, paths, blocks: as SceneReader has them; product: what is kept of its names; attachments: (name, bytes) of all that is kept
    beside pixels. Raises UnsupportedScene, UnreadableScene, InvalidArgument.
    """

    def __init__(self, files: ProductFiles, as_is: bool = False, trial: Workspace | None = None) -> None:
        self._stack = ExitStack()
        self._readers: list[SceneReader] = []
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
        text = files.read(layout.MANIFEST)
        try:
            manifest = read_manifest(text, files.name)
            _check_kind(manifest, files.name)
        except UnsupportedScene as error:
            raise UnsupportedScene(f"{error}{_rasters(files)}") from error
        measurements = listed_measurements(manifest, files)
        updated(text, {one.path: (0, "") for one in measurements}, Processing("", "", "", files.name, ()))  # may refuse
        missing = [o.path for o in manifest.objects if o.path not in files.paths]
        _check_whole(missing, files.name, "missing", as_is)
        kept = {path: files.read(path) for path in files.paths if path not in {m.path for m in measurements}}
        taken = [self._taken(files, one) for one in measurements]
        wrong = [o.path for o in manifest.objects if o.path in kept and not _is_sound(o, kept[o.path])]
        wrong += [one.path for one, t in zip(measurements, taken) if one.checksum.lower() != t.measurement.checksum]
        _check_whole(wrong, files.name, "not those of its checksums", as_is)
        self.product = layout.Product(
            files.name, manifest.mission, manifest.mode, manifest.product_type, tuple(t.measurement for t in taken)
        )
        self.attachments = tuple(_attachments(self.product, kept, taken))
        self.notes = tuple(_notes(missing, wrong, taken))
        self._describe(files)

    def _taken(self, files: ProductFiles, listed: DataObject) -> Taken:
        found = take(files, listed, self._trial)
        self._readers.append(self._stack.enter_context(found.reader))
        return found

    def _describe(self, files: ProductFiles) -> None:
        """All bands as one scene."""
        infos, first = [reader.info for reader in self._readers], self._readers[0].blocks
        self.info = one_info(infos, self.product.polarisations, files.name)
        self.paths = (*files.inputs, *(path for reader in self._readers for path in reader.paths))
        self.blocks = replace(first, bytes=sum(reader.blocks.bytes for reader in self._readers))

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


def _rasters(files: ProductFiles) -> str:
    """What of a product that is refused could be given alone."""
    found = [
        path for path in files.paths if path.startswith("measurement/") and path.lower().endswith((".tif", ".tiff"))
    ]
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return f" (its measurements: {', '.join(found[:_MOST_NAMED])}{more})" if found else ""


def _check_kind(manifest: Manifest, name: str) -> None:
    if manifest.product_type == "GRD":
        return
    found = f"{name} is a product of type {manifest.product_type or 'unknown'}"
    if manifest.product_type == "SLC":
        raise UnsupportedScene(
            f"{found}, whose pixels are complex; expected detected ones (GRD). Fetch the GRD of this acquisition"
        )
    raise UnsupportedScene(f"{found}; expected GRD. Give its rasters, one at a time")


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


def _attachments(product: layout.Product, kept: dict[str, bytes], taken: list[Taken]) -> Iterator[tuple[str, bytes]]:
    yield layout.INDEX, layout.pack_product(product)
    for path, data in kept.items():
        yield f"{layout.FILES}{path}", data
    for band, one in enumerate(taken):
        for part, data in one.parts():
            yield layout.part_name(band, part), data


def _notes(missing: list[str], wrong: list[str], taken: list[Taken]) -> Iterator[str]:
    if missing:
        yield f"Files that the manifest lists were missing and will be: {', '.join(missing)}."
    if wrong:
        yield f"Files were taken whose checksum is not the manifest's: {', '.join(wrong)}."
    for one in taken:
        if one.is_lost:
            yield (
                f"{one.measurement.path} is compressed or tiled: it comes back as another GeoTIFF with the same tags, never byte for byte."
            )
            yield from one.reader.notes
