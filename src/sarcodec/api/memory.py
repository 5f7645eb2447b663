"""How the memory that a verb may take is shared out: threads, GDAL's blocks, decoded tiles, latents between passes.

In: a number of bytes, and what the scene is like; out: Shares. Takes no memory itself. The reasons for the figures: docs/decisions/0017-memory.md.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.tile import HALO_PX, TILE_PX
from sarcodec.decoding.workers import thread_count
from sarcodec.errors import InvalidArgument

if TYPE_CHECKING:
    from sarcodec.raster.blocks import Blocks

MIB = 1 << 20
DEFAULT_MEMORY = 1024 * MIB
LEAST_MEMORY = 256 * MIB
PROCESS = 160 * MIB
"""The interpreter, libraries, models, one thread at work, and what the allocator keeps for later."""
THREAD = 24 * MIB
"""A thread more, with the tiles that wait for it."""
LEAST_BLOCKS = 16 * MIB
FEW_SHARERS = 4
"""Blocks in which no more tiles beside each other have a part may be decoded again: strips of a wide scene may not."""


@dataclass(frozen=True)
class Shares:
    """threads at work; bytes of GDAL's blocks, of decoded tiles that are kept for their neighbours, of latents between passes."""

    threads: int
    blocks: int
    tiles: int
    latents: int


def checked_memory(memory: object) -> int:
    """The bytes that were asked for. Raises InvalidArgument."""
    try:
        size = 0 if isinstance(memory, (bool, np.bool_)) else operator.index(memory)  # type: ignore[arg-type]  # tried here
    except TypeError:
        raise InvalidArgument(
            f"memory is {memory!r}, expected a whole number of bytes such as {DEFAULT_MEMORY}"
        ) from None
    if size < LEAST_MEMORY:
        raise InvalidArgument(
            f"memory is {size} bytes, expected at least {in_mib(LEAST_MEMORY)}, of which the process itself takes "
            f"{in_mib(PROCESS)} (--memory)"
        )
    return size


def in_mib(size: int) -> str:
    """Bytes as they may be given to --memory, rounded up."""
    return f"{-(-size // MIB)}MiB"


def decoding_shares(memory: int, threads: int | None, blocks: Blocks | None = None, *, reads: bool = False) -> Shares:
    """blocks: of a raster that is written in windows across its blocks, or that is read (reads) beside the file; None: neither is.

    Raises InvalidArgument as `encoding_shares`.
    """
    count, left = _threads(memory, threads)
    count, held, left = _blocks(memory, count, left, left // 2, blocks, strips_count=reads)
    return Shares(count, held, left, 0)


def encoding_shares(memory: int, threads: int | None, blocks: Blocks | None, *, several_passes: bool) -> Shares:
    """blocks: of the raster that is read, None for an array. several_passes: latents are kept between them, and files decoded.

    Raises InvalidArgument where one row of tiles of a raster in strips does not fit, so that every strip would be decoded for each tile.
    """
    count, left = _threads(memory, threads)
    count, held, left = _blocks(memory, count, left, left // 2 if several_passes else left, blocks, strips_count=True)
    return Shares(count, held, left // 2, left - left // 2)


def _blocks(
    memory: int, threads: int, left: int, most: int, blocks: Blocks | None, *, strips_count: bool
) -> tuple[int, int, int]:
    """Threads, the share of GDAL's blocks, and what is left: two rows of tiles if they fit into `most`, as threads are in two of them when
    a row ends; of strips one row at least, at the cost of threads."""
    if blocks is None:
        return threads, LEAST_BLOCKS, left - LEAST_BLOCKS
    strips = strips_count and blocks.sharers(TILE_PX) > FEW_SHARERS
    least = blocks.touched(TILE_PX + 2 * HALO_PX, blocks.of[1]) if strips else 0
    if left - least < LEAST_BLOCKS:
        threads, left = 1, memory - PROCESS
    if left - least < LEAST_BLOCKS:
        raise InvalidArgument(_too_wide(memory, least))
    wanted = blocks.touched(2 * TILE_PX + 2 * HALO_PX, blocks.of[1])
    held = max(least, min(max(wanted, LEAST_BLOCKS), most, left - LEAST_BLOCKS))
    return threads, held, left - held


def _threads(memory: int, threads: int | None) -> tuple[int, int]:
    """Threads that half of the memory has room for, and what they leave of it."""
    left = memory - PROCESS
    count = min(thread_count(threads), max(1, left // 2 // THREAD))
    return count, left - (count - 1) * THREAD


def _too_wide(memory: int, least: int) -> str:
    needed = least + PROCESS + LEAST_BLOCKS
    return (
        f"the scene lies in strips as wide as it is, and a row of tiles of them takes {in_mib(least)}: found {in_mib(memory)} of memory, "
        f"expected {in_mib(needed)} (--memory {in_mib(needed)}); or write the scene in tiles first (gdal_translate -co TILED=YES)"
    )
