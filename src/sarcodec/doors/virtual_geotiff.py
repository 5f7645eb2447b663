"""A compressed file as the bytes of its GeoTIFF: the head is made when it is opened, blocks are decoded when they are read.

In: a path; out: bytes by place, those of an uncompressed GeoTIFF that says and holds what `sarcodec decompress` would write, and overviews at 1/8, 1/16 and 1/32
(`read(..., reduce=)`), which come from a small part of the file. Safe for
threads: who asks for a block that another thread is decoding waits for it.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.api.decompression import tagged
from sarcodec.api.memory import DEFAULT_MEMORY, checked_memory, decoding_shares
from sarcodec.decoding.reconstruction import Reconstruction
from sarcodec.decoding.reduced_scene import REDUCTIONS, ReducedSceneDecoder, overviews
from sarcodec.decoding.scene import MASK_DTYPE, SceneDecoder
from sarcodec.errors import InvalidArgument
from sarcodec.format.reader import FileReader
from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window, overlap
from sarcodec.raster.skeleton import BLOCK_PX, skeleton
from sarcodec.raster.tiff_images import mask_tags, overview_tags
from sarcodec.raster.tiff_layout import Image, lay_out

if TYPE_CHECKING:
    from sarcodec.api.choices import Reconstruct, Speckle
    from sarcodec.arrays import Pixels
    from sarcodec.raster.tiff_tags import Tag

OVERVIEW_BLOCK_PX = 256
"""Side of an overview's blocks: of 1/8 they hold 16 tiles, of 1/32 256."""
OVERVIEWS_BYTES = 144 << 20
"""Of all overviews that are kept: base payloads that were read ahead, and decoded tiles."""
LEAST_OVERVIEW_PX = 64
"""The longer side of an overview is at least that."""
BLOCKS_BYTES = 64 << 20
"""Finished blocks that are kept: readers ask for a block in pieces, and for the same block again."""
SIDE_FILE, MASK_FILE = ".aux.xml", ".msk"
"""What GDAL looks for beside a GeoTIFF: what its tags cannot hold, and masks of single bands."""


class VirtualGeotiff:
    """Use in a `with`. masks: the side file of masks instead, one a band. Raises what sarcodec.open raises.

    name: of the compressed file; size: bytes of the whole; side_file: what its .aux.xml would hold, or None; has_mask_file: whether
    masks of single bands belong to it; etag: a word that changes with the file and with how it is reconstructed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        masks: bool = False,
        reconstruct: Reconstruct = "power",
        speckle: Speckle = "keep",
        memory: int = DEFAULT_MEMORY,
    ) -> None:
        wanted, shares = Reconstruction(reconstruct, speckle), decoding_shares(checked_memory(memory), 1)
        self._file = FileReader(path)
        try:
            # Blocks that are finished, and overviews, come out of the same share as what is kept for neighbours.
            others = BLOCKS_BYTES + OVERVIEWS_BYTES
            self._decoder = SceneDecoder(self._file, max(shares.tiles - others, shares.tiles // 3), wanted)
            info = tagged(self._decoder.info, self._decoder)
            if masks and info.mask != "bands":
                raise InvalidArgument(f"{self._file.name} has no masks of single bands")
            said = skeleton(_of_masks(info) if masks else info)
        except BaseException:
            self._file.close()
            raise
        self.side_file, self._room = said.side_file, min(BLOCKS_BYTES, shares.tiles // 3)
        whole = _Level(self._decoder, BLOCK_PX)
        if masks:
            self._levels = [replace(whole, first_plane=info.count)]
            images = [Image(said.tags, whole.blocks * info.mask_planes, BLOCK_PX**2)]
        else:
            self._levels, images = _images(whole, info, said.tags, self._overviews(info))
        self.name, self.has_mask_file = self._file.name, info.mask == "bands" and not masks
        self._layout = lay_out(images)
        self.size = self._layout.size
        self.etag = f"{self._file.head_digest.hex()[:32]}-{reconstruct}-{speckle}"
        self._blocks: OrderedDict[tuple[int, int], Future[bytes]] = OrderedDict()
        self._lock, self._kept_bytes = threading.Lock(), 0

    def __enter__(self) -> VirtualGeotiff:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Read no more."""
        self._file.close()

    def read(self, place: int, length: int) -> bytes:
        """Bytes from `place` on; fewer at the end of the file. Raises FormatError's kin where the compressed file is damaged."""
        end, parts = min(place + length, self.size), []
        while place < end:
            part = self._piece(place, end - place)
            parts.append(part)
            place += len(part)
        return b"".join(parts)

    def _piece(self, place: int, most: int) -> bytes:
        """What lies at `place` in the head or in one block."""
        head = self._layout.head
        if place < len(head):
            return head[place : place + most]
        image, number, inside = self._layout.block_at(place)
        return self._block(image, number)[inside : inside + most]

    def _block(self, image: int, number: int) -> bytes:
        key = image, number
        with self._lock:
            block = self._blocks.get(key)
            mine = block is None
            if block is None:
                block = self._blocks[key] = Future()
            self._blocks.move_to_end(key)
        if mine:
            self._fill(key, block)
        return block.result()

    def _fill(self, key: tuple[int, int], block: Future[bytes]) -> None:
        """Decode a block. One that fails is not kept: who asks again is told again."""
        try:
            data = self._decoded(*key)
        except BaseException as error:
            with self._lock:
                self._blocks.pop(key, None)
            block.set_exception(error)
            return
        block.set_result(data)
        with self._lock:
            self._kept_bytes += len(data)
            done = [k for k, b in self._blocks.items() if b.done() and k != key]
            while self._kept_bytes > self._room and done:
                self._kept_bytes -= len(self._blocks.pop(done.pop(0)).result())

    def _decoded(self, image: int, number: int) -> bytes:
        """The bytes of a block."""
        plane, block = divmod(number, self._levels[image].blocks)
        return self._levels[image].block(plane, block)

    def _overviews(self, info: SceneInfo) -> list[_Level]:
        """From 1/8 on. None of a scene with masks of single bands: a GeoTIFF has no place for masks of those."""
        wide = 1 if info.mask == "bands" else max(info.rows, info.cols)
        sides = [side for side in REDUCTIONS if wide >= side * LEAST_OVERVIEW_PX]
        found = overviews(self._decoder, sides, OVERVIEWS_BYTES)
        return [_Level(found[side], OVERVIEW_BLOCK_PX) for side in sides]


@dataclass(frozen=True, eq=False)
class _Level:
    """An image of the file, in blocks of block_px x block_px pixels. decoder: of the scene, or of a reduced picture; first_plane: of its bands and masks."""

    decoder: SceneDecoder | ReducedSceneDecoder
    block_px: int
    first_plane: int = 0

    @property
    def blocks(self) -> int:
        """Of one plane."""
        return self._across * -(-self.decoder.info.rows // self.block_px)

    @property
    def _across(self) -> int:
        return -(-self.decoder.info.cols // self.block_px)

    def block(self, plane: int, number: int) -> bytes:
        """Pixels of a block, filled up with zeros where the scene ends within it."""
        info, grid = self.decoder.info, self.decoder.grid
        row, col = (n * self.block_px for n in divmod(number, self._across))
        place = Window(row, col, min(self.block_px, info.rows - row), min(self.block_px, info.cols - col))
        block: Pixels | None = None
        for tile in grid.touched(place):
            pixels, whole = self.decoder.tile_plane(tile, self.first_plane + plane), grid.window(tile)
            shared = overlap(whole, place)
            assert shared is not None, "the tile was chosen because it shares a pixel"
            if block is None:
                block = np.zeros((self.block_px, self.block_px), pixels.dtype.newbyteorder("<"))
            block[shared.within(place)] = pixels[shared.within(whole)]
        assert block is not None, "no block lies outside the scene"
        return block.tobytes()


def _images(
    whole: _Level, info: SceneInfo, tags: tuple[Tag, ...], overviews: list[_Level]
) -> tuple[list[_Level], list[Image]]:
    """The levels, and the images of them: pixels and the mask of all bands where there is one, then the same of each overview."""
    pixel_bytes, levels, images = np.dtype(info.dtype).itemsize, [], []
    for level in (whole, *overviews):
        size, reduced = (level.decoder.info.rows, level.decoder.info.cols, level.block_px), level is not whole
        levels.append(level)
        own = overview_tags(tags, *size) if reduced else tags
        images.append(Image(own, level.blocks * info.count, level.block_px**2 * pixel_bytes))
        if info.mask == "dataset":
            levels.append(replace(level, first_plane=info.count))
            mask_bytes = level.block_px**2 * np.dtype(MASK_DTYPE).itemsize
            images.append(Image(mask_tags(*size, reduced), level.blocks, mask_bytes))
    return levels, images


def _of_masks(info: SceneInfo) -> SceneInfo:
    """The side file of masks: a plane a band, with flags that say which bands have one."""
    flags = tuple((f"INTERNAL_MASK_FLAGS_{band}", "0") for band, own in enumerate(info.masked_bands, 1) if own)
    return SceneInfo(info.rows, info.cols, info.mask_planes, MASK_DTYPE, tags=(("", flags),))
