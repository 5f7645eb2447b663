"""The head of a BigTIFF with all of its directories, and which block lies where.

In: tags of images, and places of their blocks, or blocks that all have one size; out: the head, and for a place in the file the block it belongs to.
Knows no pixels.
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
    begin = -(-head_bytes(images) // _ALIGNMENT) * _ALIGNMENT
    places, starts, at = [], [], begin
    for image in images:
        starts.append(at)
        places.append([(at + number * image.block_bytes, image.block_bytes) for number in range(image.blocks)])
        at += image.blocks * image.block_bytes
    return Layout(head(images, places).ljust(begin, b"\0"), tuple(images), tuple(starts), at)


def head_bytes(images: Sequence[Image], words: bytes = b"") -> int:
    """How long `head` will be."""
    return 16 + _padded(len(words)) + sum(map(_directory_bytes, images))


def head(images: Sequence[Image], places: Sequence[Sequence[tuple[int, int]]], words: bytes = b"") -> bytes:
    """The beginning of the file: the directories of all images. places: where each block of each image begins, and its bytes; words: what GDAL
    looks for between the header and the first directory."""
    begin = 16 + _padded(len(words))
    out = bytearray(struct.pack("<2sHHHQ", b"II", 43, 8, 0, begin)) + words.ljust(_padded(len(words)), b"\0")
    for number, (image, blocks) in enumerate(zip(images, places, strict=True)):
        following = len(out) + _directory_bytes(image) if number + 1 < len(images) else 0
        out += _directory(image, blocks, len(out), following)
    return bytes(out)


def _padded(size: int) -> int:
    return -(-size // 8) * 8


def _placed(image: Image, blocks: Sequence[tuple[int, int]]) -> list[Tag]:
    """All tags in order, with the places of blocks."""
    starts, sizes = zip(*blocks, strict=True)
    offsets = Tag(TILE_OFFSETS, _LONG8, struct.pack(f"<{image.blocks}Q", *starts))
    counts = Tag(TILE_BYTE_COUNTS, _LONG, struct.pack(f"<{image.blocks}I", *sizes))
    return sorted((*image.tags, offsets, counts), key=lambda tag: tag.code)


def _outside(tag: Tag) -> int:
    """Bytes that a tag's values take behind the directory; those of eight bytes and less stand in it."""
    return 0 if len(tag.data) <= 8 else _padded(len(tag.data))


def _directory_bytes(image: Image) -> int:
    tags = _placed(image, [(0, 0)] * image.blocks)
    return 16 + 20 * len(tags) + sum(map(_outside, tags))


def _directory(image: Image, blocks: Sequence[tuple[int, int]], place: int, following: int) -> bytes:
    """A directory that stands at `place` of the file, with the values of its tags behind it."""
    tags = _placed(image, blocks)
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
