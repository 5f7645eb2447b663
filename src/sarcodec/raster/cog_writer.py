"""A cloud-optimised GeoTIFF that is being written: directories first, then overviews from the smallest on, then the image.

In: a SceneInfo, then pixels and mask values of the image and of its overviews by window; out: a file that appears whole, with its .aux.xml where
a GeoTIFF cannot hold what the scene says. Blocks are compressed as they become whole and wait in a scratch file: where they go is known at the end.
The rules are those of the OGC standard 21-026 (https://docs.ogc.org/is/21-026/21-026.html). GDAL's own driver would lose keys of metadata with a
colon, and would make overviews that are no means of power where pixels are in dB.
"""

from __future__ import annotations

import itertools
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window
from sarcodec.raster.comparing import differences
from sarcodec.raster.description import read_info
from sarcodec.raster.quiet import open_reader
from sarcodec.raster.scene_writer import SIDE_FILES, sentence
from sarcodec.raster.skeleton import BLOCK_PX, skeleton
from sarcodec.raster.tiff_images import COMPRESSION, PREDICTOR, mask_tags, overview_tags
from sarcodec.raster.tiff_layout import Image, head, head_bytes, shorts
from sarcodec.storage.refusals import writing

if TYPE_CHECKING:
    from sarcodec.arrays import Pixels
    from sarcodec.raster.tiff_tags import Tag
    from sarcodec.storage.output import Output

_DEFLATE, _LEVEL = 8, 6
_HORIZONTAL, _OF_FLOATS = 2, 3
_WORDS = (  # https://gdal.org/drivers/raster/cog.html, "Header ghost area"
    b"LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\nBLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
    b"KNOWN_INCOMPATIBLE_EDITION=NO\n "
)
_LEADER = _TRAILER = 4  # bytes
_GHOST = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_WORDS) + _WORDS


@dataclass(eq=False)
class _Layer:
    """An image of the file, in planes of blocks. places: of each finished block in the scratch file; open: of each begun one its pixels, and how
    many are still to come."""

    rows: int
    cols: int
    planes: int
    dtype: np.dtype
    tags: tuple[Tag, ...]
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    open: dict[int, tuple[Pixels, int]] = field(default_factory=dict)

    @property
    def across(self) -> int:
        return -(-self.cols // BLOCK_PX)

    @property
    def blocks(self) -> int:
        return self.across * -(-self.rows // BLOCK_PX)


class CogWriter:
    """Writes into `output.part`, and publishes on `finish`. Windows may come in any order; each pixel comes once. Not safe for threads.

    output: open, of form GEOTIFF; info: what the scene says; sides: of its overviews, rising: so many pixels are one along each side.
    `notes` after `finish`: what of `info` does not come back. Raises InvalidArgument for masks of single bands, of which a TIFF holds none;
    SarcodecError where the disk refuses.
    """

    def __init__(self, output: Output, info: SceneInfo, sides: Sequence[int]) -> None:
        if info.mask == "bands":
            raise InvalidArgument(
                "bands of this scene have masks of their own, which a COG cannot hold; take one band with --indexes, or leave --cog out"
            )
        self.notes: tuple[str, ...] = ()
        self._output, self._info, self._said = output, info, skeleton(info)
        self._scratch, self._end = open(output.folder / "blocks", "w+b"), 0  # noqa: SIM115  # `close` does
        self._pixels, self._masks = self._layers(info, (1, *sides))

    def _layers(self, info: SceneInfo, sides: Sequence[int]) -> tuple[list[_Layer], list[_Layer]]:
        dtype = np.dtype(info.dtype)
        predictor = _OF_FLOATS if dtype.kind == "f" else _HORIZONTAL
        tags = tuple(t for t in self._said.tags if t.code not in (COMPRESSION, PREDICTOR))
        tags += (shorts(COMPRESSION, _DEFLATE), shorts(PREDICTOR, predictor))
        pixels, masks = [], []
        for side in sides:
            rows, cols = -(-info.rows // side), -(-info.cols // side)
            own = tags if side == 1 else (*overview_tags(tags, rows, cols, BLOCK_PX), shorts(PREDICTOR, predictor))
            pixels.append(_Layer(rows, cols, info.count, dtype, own))
            if info.mask:
                plain = mask_tags(rows, cols, BLOCK_PX, side > 1)
                own = (*(t for t in plain if t.code != COMPRESSION), shorts(COMPRESSION, _DEFLATE))
                masks.append(_Layer(rows, cols, 1, np.dtype("uint8"), own))
        return pixels, masks

    def write(self, level: int, plane: int, window: Window, pixels: Pixels) -> None:
        """Pixels of a band (from 0), or behind the bands of the mask; level: 0 for the image, 1 for the first overview, ..."""
        mask = plane >= self._info.count
        layer = self._masks[level] if mask else self._pixels[level]
        first = 0 if mask else plane * layer.blocks
        for row in range(window.row // BLOCK_PX, -(-window.row_end // BLOCK_PX)):
            for col in range(window.col // BLOCK_PX, -(-window.col_end // BLOCK_PX)):
                self._fill(layer, first + row * layer.across + col, (row * BLOCK_PX, col * BLOCK_PX), window, pixels)

    def _fill(self, layer: _Layer, block: int, corner: tuple[int, int], window: Window, pixels: Pixels) -> None:
        """The part of a window that lies in a block; the block is put away once it is whole."""
        rows, cols = min(BLOCK_PX, layer.rows - corner[0]), min(BLOCK_PX, layer.cols - corner[1])
        top, left = max(corner[0], window.row), max(corner[1], window.col)
        bottom, right = min(corner[0] + rows, window.row_end), min(corner[1] + cols, window.col_end)
        found, missing = layer.open.get(block, (None, rows * cols))
        if found is None:
            found = np.zeros((BLOCK_PX, BLOCK_PX), layer.dtype)
        inside = pixels[top - window.row : bottom - window.row, left - window.col : right - window.col]
        found[top - corner[0] : bottom - corner[0], left - corner[1] : right - corner[1]] = inside
        missing -= (bottom - top) * (right - left)
        layer.open[block] = found, missing
        if not missing:
            self._put(layer, block, layer.open.pop(block)[0])

    def _put(self, layer: _Layer, block: int, pixels: Pixels) -> None:
        plain = layer in self._masks
        data = zlib.compress(pixels.tobytes() if plain else predicted(pixels), _LEVEL)
        with writing(self._output.name):
            self._scratch.write(data)
        layer.places[block] = self._end, len(data)
        self._end += len(data)

    def finish(self) -> None:
        """Put the file together and publish it. Raises SarcodecError, OutputExists."""
        layers = [layer for level in itertools.zip_longest(self._pixels, self._masks) for layer in level if layer]
        assert all(len(layer.places) == layer.planes * layer.blocks for layer in layers), "each pixel was written"
        images = [Image(layer.tags, layer.planes * layer.blocks, 0) for layer in layers]
        places: list[list[tuple[int, int]]] = [[] for _ in layers]
        at = head_bytes(images, _GHOST)
        for number in reversed(range(len(layers))):  # the smallest overview first
            for block in range(images[number].blocks):
                size = layers[number].places[block][1]
                places[number].append((at + _LEADER, size))
                at += _LEADER + size + _TRAILER
        with writing(self._output.name), open(self._output.part, "wb") as file:
            self._scratch.flush()
            file.write(head(images, places, _GHOST))
            for layer in reversed(layers):
                for block in range(layer.planes * layer.blocks):
                    offset, size = layer.places[block]
                    data = os.pread(self._scratch.fileno(), size, offset)
                    file.write(struct.pack("<I", size) + data + data[-_TRAILER:])
        sidecars = {}
        if self._said.side_file and not self._output.is_stdout:
            sidecars[".aux.xml"] = self._output.part.with_name(self._output.part.name + ".aux.xml")
            sidecars[".aux.xml"].write_bytes(self._said.side_file)
        with open_reader(self._output.part) as dataset:
            missing = differences(self._info, read_info(dataset))
        self.notes = tuple(sentence(self._info, one, self._output.is_stdout) for one in missing)
        self._output.publish(sidecars, [ending for ending in SIDE_FILES if ending not in sidecars])

    def close(self) -> None:
        """Forget what was written; what was published stays."""
        self._scratch.close()


def predicted(pixels: Pixels) -> bytes:
    """What is compressed of a block (rows, cols): TIFF's predictor 2 for whole numbers, 3 for floating point (Adobe Photoshop TIFF technical note 3)."""
    rows, cols = pixels.shape
    if pixels.dtype.kind == "f":
        size = pixels.dtype.itemsize
        planes = pixels.astype(pixels.dtype.newbyteorder(">")).view("u1").reshape(rows, cols, size).transpose(0, 2, 1)
        values = np.ascontiguousarray(planes).reshape(rows, cols * size)
    else:
        values = pixels.astype(pixels.dtype.newbyteorder("<")).view(f"<u{pixels.dtype.itemsize}")
    out = values.copy()
    out[:, 1:] -= values[:, :-1]  # modulo the size of the type
    return out.tobytes()
