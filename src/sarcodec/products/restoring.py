"""A product put together again from a compressed file: everything that was kept, and measurements of the pixels that somebody writes.

In: the file's attachments, then pixels by window. Out: a product whose manifest holds. Knows no decoder.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarcodec.errors import CorruptFile
from sarcodec.format.container import Header
from sarcodec.format.reader import FileReader
from sarcodec.format.scene import SceneInfo, unpack_scene
from sarcodec.format.tiling import Window
from sarcodec.products import layout
from sarcodec.products.again import Recipe, make_again, unpack_recipe
from sarcodec.products.manifest import hasher, right_name
from sarcodec.products.output import ProductOutput
from sarcodec.products.plain_tiff import Frame, PlainTiff
from sarcodec.products.taking import file_digest
from sarcodec.products.updating import Processing, updated
from sarcodec.raster.geotiff import SceneWriter
from sarcodec.storage.refusals import writing

if TYPE_CHECKING:
    from sarcodec.arrays import Pixels

Write = Callable[[Window, Any], None]


@dataclass(frozen=True)
class Restored:
    """A product that is whole: where it is, what it is called by its manifest, how many files it has beside measurements, and what of it
    is not as it was, in sentences."""

    path: Path
    name: str
    files: int
    notes: tuple[str, ...]


class ProductWriter:
    """Use in a `with`: write pixels of all bands, then `finish`. Without it nothing appears.

    Raises CorruptFile where what was kept does not make a product, SarcodecError where the disk refuses.
    """

    def __init__(self, file: FileReader, product: layout.Product, output: ProductOutput) -> None:
        self._file, self._product, self._output, self._open = file, product, output, ExitStack()
        self._notes: list[str] = []
        self._again: list[tuple[Path, Path, Recipe]] = []
        self._names = {record.name for record in file.header.attachments}
        self._writers: list[Write] = []

    def __enter__(self) -> ProductWriter:
        self._paths = layout.kept_files(record.name for record in self._file.header.attachments)
        data = {path: self._file.attachment(layout.FILES + path) for path in self._paths}
        if layout.MANIFEST not in data:
            raise CorruptFile(f"the product in {self._file.name} has no manifest; the file is damaged")
        self._manifest = data.pop(layout.MANIFEST)
        for path, found in data.items():
            self._output.write(path, found)
        try:
            self._writers = [self._writer(band) for band in range(len(self._product.measurements))]
        except BaseException:
            self._open.close()
            raise
        return self

    def _writer(self, band: int) -> Write:
        """Who writes a measurement: in its own frame, or a GeoTIFF of what it said."""
        target = self._output.place(self._product.measurements[band].path)
        header = self._file.header
        if layout.part_name(band, layout.HEAD) not in self._names:
            return self._tagged(band, target)
        head, tail = self._part(band, layout.HEAD), self._part(band, layout.TAIL)
        with writing(str(target)):
            file = self._open.enter_context(open(target, "xb", buffering=0))  # noqa: SIM115  # closed by `finish`, or on an error
            return PlainTiff(file, Frame(head, tail), (header.rows, header.cols), header.dtype).write

    def _part(self, band: int, part: str) -> bytes:
        name = layout.part_name(band, part)
        if name not in self._names:
            raise CorruptFile(f"the product in {self._file.name} has no {name}; the file is damaged")
        return self._file.attachment(name)

    def _tagged(self, band: int, target: Path) -> Write:
        """A GeoTIFF of what it said; made again of that afterwards, where there is a recipe."""
        said, recipe = self._part(band, layout.DESCRIPTION), layout.part_name(band, layout.RECIPE)
        if recipe in self._names:
            tail = self._part(band, layout.TAIL)
            plain = self._output.part.parent / f"plain-{band}.tif"
            self._again.append((plain, target, unpack_recipe(self._file.attachment(recipe), tail)))
            target = plain
        writer = self._open.enter_context(SceneWriter(target, _one_band(said, self._file.header)))
        return lambda window, pixels: writer.write(0, window, pixels)

    def write(self, band: int, window: Window, pixels: Pixels) -> None:
        """Pixels (rows, cols) of the file's dtype of a window of a band, the first is 0."""
        with writing(self._output.name):
            self._writers[band](window, pixels)

    def finish(self, step: Processing) -> Restored:
        """Close the measurements, bring the manifest up to date where they are not the ones that were taken, and publish.

        step: what is said there of it."""
        with writing(self._output.name):
            self._open.close()
        for plain, target, recipe in self._again:
            make_again(plain, target, recipe)
            plain.unlink()
        changed = self._changed()
        manifest = updated(self._manifest, changed, step) if changed else self._manifest
        self._output.write(layout.MANIFEST, manifest)
        name = right_name(self._product.name, manifest) if changed else self._product.name
        path = self._output.publish(name)
        if path.suffix.lower() == ".safe" and path.name != name:
            self._notes.append(f"By its manifest the product is called {name}.")
        return Restored(path, name, len(self._paths), tuple(self._notes))

    def _changed(self) -> dict[str, tuple[int, str]]:
        """Size and checksum of the measurements that are not the ones that were taken. Those in another frame are noted."""
        changed = {}
        for band, one in enumerate(self._product.measurements):
            path, make = self._output.part / one.path, hasher(one.checksum_name)
            found = "" if make is None else file_digest(path, make())
            if found != one.checksum.lower():
                changed[one.path] = path.stat().st_size, found
                if layout.part_name(band, layout.HEAD) not in self._names:
                    self._notes.append(f"{one.path} was compressed or tiled: it is another GeoTIFF with the same tags.")
        return changed

    def __exit__(self, *exception: Any) -> None:
        self._open.__exit__(*exception)


def _one_band(said: bytes, header: Header) -> SceneInfo:
    return unpack_scene(said, header.rows, header.cols, 1, header.dtype)
