"""A compressed file as the bytes of its GeoTIFF: the head is made when it is opened, blocks are decoded when they are read.

In: a path; out: bytes by place, those of an uncompressed GeoTIFF that says and holds what `sarcodec decompress` would write. Safe for
threads: who asks for a block that another thread is decoding waits for it.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.api.decompression import tagged
from sarcodec.api.memory import DEFAULT_MEMORY, checked_memory, decoding_shares
from sarcodec.decoding.reconstruction import Reconstruction
from sarcodec.decoding.scene import MASK_DTYPE, SceneDecoder
from sarcodec.doors.tiff_layout import Image, lay_out, numbers, shorts
from sarcodec.errors import InvalidArgument
from sarcodec.format.reader import FileReader
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.skeleton import BLOCK_PX, skeleton

if TYPE_CHECKING:
    from sarcodec.api.choices import Reconstruct, Speckle
    from sarcodec.raster.tiff_tags import Tag

BLOCKS_BYTES = 64 << 20
"""Finished blocks that are kept: readers ask for a block in pieces, and for the same block again."""
SIDE_FILE, MASK_FILE = ".aux.xml", ".msk"
"""What GDAL looks for beside a GeoTIFF: what its tags cannot hold, and masks of single bands."""
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_SAMPLES, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT = 277, 284, 322, 323
_IS_MASK, _TRANSPARENCY = 4, 4


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
            # Blocks that are finished come out of the same share as what is kept for neighbours.
            self._decoder = SceneDecoder(self._file, max(shares.tiles - BLOCKS_BYTES, shares.tiles // 2), wanted)
            info = tagged(self._decoder.info, self._decoder)
            if masks and info.mask != "bands":
                raise InvalidArgument(f"{self._file.name} has no masks of single bands")
            said = skeleton(_of_masks(info) if masks else info)
        except BaseException:
            self._file.close()
            raise
        self.side_file, self._room = said.side_file, min(BLOCKS_BYTES, shares.tiles // 2)
        self._tiles = self._decoder.grid.count
        if masks:
            self._first_planes, images = [info.count], [Image(said.tags, self._tiles * info.mask_planes, BLOCK_PX**2)]
        else:
            self._first_planes, images = _images(info, said.tags, self._tiles)
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
        """The bytes of a block: a tile, filled up with zeros where the scene ends within it."""
        plane, tile = divmod(number, self._tiles)
        pixels = self._decoder.tile_plane(tile, self._first_planes[image] + plane)
        block = np.zeros((BLOCK_PX, BLOCK_PX), pixels.dtype.newbyteorder("<"))
        block[: pixels.shape[0], : pixels.shape[1]] = pixels
        return block.tobytes()


def _images(info: SceneInfo, tags: tuple[Tag, ...], tiles: int) -> tuple[list[int], list[Image]]:
    """The first plane of each image, and the images: pixels, then the mask of all bands where there is one."""
    pixel_bytes = BLOCK_PX**2 * np.dtype(info.dtype).itemsize
    planes, images = [0], [Image(tags, tiles * info.count, pixel_bytes)]
    if info.mask == "dataset":
        planes.append(info.count)
        images.append(Image(_mask_tags(info), tiles, BLOCK_PX**2 * np.dtype(MASK_DTYPE).itemsize))
    return planes, images


def _of_masks(info: SceneInfo) -> SceneInfo:
    """The side file of masks: a plane a band, with flags that say which bands have one."""
    flags = tuple((f"INTERNAL_MASK_FLAGS_{band}", "0") for band, own in enumerate(info.masked_bands, 1) if own)
    return SceneInfo(info.rows, info.cols, info.mask_planes, MASK_DTYPE, tags=(("", flags),))


def _mask_tags(info: SceneInfo) -> tuple[Tag, ...]:
    """Of a mask in eight bits, so that also values between valid and invalid come through."""
    return (
        numbers(_SUBFILE, _IS_MASK), numbers(_WIDTH, info.cols), numbers(_HEIGHT, info.rows), shorts(_BITS, 8), shorts(_COMPRESSION, 1),
        shorts(_PHOTOMETRIC, _TRANSPARENCY), shorts(_SAMPLES, 1), shorts(_PLANAR, 1), shorts(_TILE_WIDTH, BLOCK_PX), shorts(_TILE_HEIGHT, BLOCK_PX),
    )  # fmt: skip
