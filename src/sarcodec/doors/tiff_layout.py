"""An uncompressed BigTIFF that nobody writes: the bytes of its head, and which block lies where.

In: tags of images whose blocks all have one size; out: the head, and for a place in the file the block it belongs to. Knows no pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from sarcodec.raster.skeleton import TILE_BYTE_COUNTS, TILE_OFFSETS
from sarcodec.raster.tiff_tags import Tag

_SHORT, _LONG, _LONG8 = 3, 4, 16
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_ALIGNMENT = 4096  # of the first block: pages of disks and caches


@dataclass(frozen=True)
class Image:
    """One directory of the file. tags: all but those of its blocks' places; blocks: how many, each of `block_bytes`."""

    tags: tuple[Tag, ...]
    blocks: int
    block_bytes: int


@dataclass(frozen=True)
class Layout:
    """head: the bytes before the first block; starts: where the blocks of each image begin; size: of the whole file."""

    head: bytes
    images: tuple[Image, ...]
    starts: tuple[int, ...]
    size: int

    def block_at(self, place: int) -> tuple[int, int, int]:
        """Image, number of the block in it, and how far into the block a byte behind the head lies."""
        image = max(i for i, start in enumerate(self.starts) if start <= place)
        number, inside = divmod(place - self.starts[image], self.images[image].block_bytes)
        return image, number, inside


def lay_out(images: Sequence[Image]) -> Layout:
    """Directories one after the other, then the blocks of the images in their order."""
    start = -(-(16 + sum(map(_directory_bytes, images))) // _ALIGNMENT) * _ALIGNMENT
    starts, at, head = [], start, bytearray(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16))
    for number, image in enumerate(images):
        starts.append(at)
        following = len(head) + _directory_bytes(image) if number + 1 < len(images) else 0
        head += _directory(image, len(head), at, following)
        at += image.blocks * image.block_bytes
    return Layout(bytes(head).ljust(start, b"\0"), tuple(images), tuple(starts), at)


def _placed(image: Image, start: int) -> list[Tag]:
    """All tags in order, with the places of blocks."""
    places = range(start, start + image.blocks * image.block_bytes, image.block_bytes)
    offsets = Tag(TILE_OFFSETS, _LONG8, struct.pack(f"<{image.blocks}Q", *places))
    counts = Tag(TILE_BYTE_COUNTS, _LONG, struct.pack("<I", image.block_bytes) * image.blocks)
    return sorted((*image.tags, offsets, counts), key=lambda tag: tag.code)


def _outside(tag: Tag) -> int:
    """Bytes that a tag's values take behind the directory; those of eight bytes and less stand in it."""
    return 0 if len(tag.data) <= 8 else -(-len(tag.data) // 8) * 8


def _directory_bytes(image: Image) -> int:
    tags = _placed(image, 0)
    return 16 + 20 * len(tags) + sum(map(_outside, tags))


def _directory(image: Image, place: int, start: int, following: int) -> bytes:
    """A directory that stands at `place` of the file, with the values of its tags behind it."""
    tags = _placed(image, start)
    behind = place + 16 + 20 * len(tags)
    table, values = bytearray(struct.pack("<Q", len(tags))), bytearray()
    for tag in tags:
        inside = tag.data if not _outside(tag) else struct.pack("<Q", behind + len(values))
        table += struct.pack("<HHQ8s", tag.code, tag.kind, len(tag.data) // _SIZES[tag.kind], inside)
        values += tag.data.ljust(_outside(tag), b"\0") if _outside(tag) else b""
    return bytes(table + struct.pack("<Q", following) + values)


def numbers(code: int, *values: int) -> Tag:
    """A tag of whole numbers of up to 32 bits."""
    return Tag(code, _LONG, struct.pack(f"<{len(values)}I", *values))


def shorts(code: int, *values: int) -> Tag:
    """A tag of whole numbers of up to 16 bits."""
    return Tag(code, _SHORT, struct.pack(f"<{len(values)}H", *values))
