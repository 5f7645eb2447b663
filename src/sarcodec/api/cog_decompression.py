"""A whole scene into a cloud-optimised GeoTIFF: the image and its overviews in one pass over the tiles.

In: a decoder, a writer; out: pixels in the writer. Overviews are means of power. At 1/8, 1/16 and 1/32 they are the file's own reduced pictures, which all
other roads show too; at 1/2 and 1/4 they are made of the decoded pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sarcodec.decoding.reduced_scene import ReducedSceneDecoder
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.errors import InvalidArgument
from sarcodec.format.scene import SceneInfo

if TYPE_CHECKING:
    from sarcodec.api.choices import Progress
    from sarcodec.arrays import Pixels
    from sarcodec.decoding.workers import Workers
    from sarcodec.raster.cog_writer import CogWriter

SIDES = (2, 4, 8, 16, 32)
_ROOM = 48 << 20  # bytes of each reduced picture that are kept
_BLOCK_PX = 512


def check_parts(**parts: object) -> None:
    """Raises InvalidArgument for a part of a scene."""
    if given := [name for name, value in parts.items() if value is not None]:
        raise InvalidArgument(
            f"cog is for whole scenes, and {' and '.join(given)} was given; leave that out, or make a COG of the part with gdal_translate -of COG"
        )


def sides_of(info: SceneInfo) -> list[int]:
    """Of the overviews of a scene: down to a picture of one block, or to 1/32."""
    return [side for side in SIDES if max(info.rows, info.cols) * 2 > _BLOCK_PX * side]


def one_mask(info: SceneInfo) -> SceneInfo:
    """A single band's mask is the mask of all bands."""
    return replace(info, mask="dataset") if info.mask == "bands" and info.count == 1 else info


def write_levels(
    decoder: SceneDecoder, bands: Sequence[int], writer: CogWriter, pool: Workers, progress: Progress | None
) -> None:
    """All tiles of all levels of some bands (from 0, in the order in which they are wanted), and of the mask."""
    info, planes = decoder.info, list(bands)
    if info.mask:
        planes.append(info.count + (0 if info.mask == "dataset" else bands[0]))
    reduced = {n: ReducedSceneDecoder(decoder, side, room=_ROOM) for n, side in enumerate(sides_of(info), 1)}
    own = {n: [p for p in planes if r.has_own(p)] for n, r in reduced.items()}
    total = decoder.grid.count * len(planes) + sum(reduced[n].grid.count * len(some) for n, some in own.items())
    ticks = itertools.count(1)

    def decoded(place: tuple[int, int]) -> tuple[int, int, dict[int, Pixels]]:
        tile, number = place
        pixels = decoder.tile_plane(tile, planes[number])
        smaller = {n: r.of_pixels(planes[number], pixels) for n, r in reduced.items() if planes[number] not in own[n]}
        return tile, number, {0: pixels, **smaller}

    def put(done: tuple[int, int, dict[int, Pixels]]) -> None:
        tile, number, levels = done
        for level, pixels in levels.items():
            writer.write(level, number, (reduced[level] if level else decoder).grid.window(tile), pixels)
        if progress:
            progress(next(ticks), total)

    for one in pool.map(decoded, decoder.walk(decoder.grid.whole, planes, pool.threads)):
        put(one)
    for level, some in own.items():
        for one in pool.map(partial(_small, reduced[level], level, some, planes), _walk(reduced[level], some, pool)):
            put(one)


def _walk(decoder: ReducedSceneDecoder, planes: Sequence[int], pool: Workers) -> Iterator[tuple[int, int]]:
    return decoder.walk(decoder.grid.whole, planes, pool.threads) if planes else iter(())


def _small(
    decoder: ReducedSceneDecoder, level: int, own: Sequence[int], planes: Sequence[int], place: tuple[int, int]
) -> tuple[int, int, dict[int, Pixels]]:
    """A tile of a reduced picture that the file holds, and the number of its plane among `planes`."""
    tile, number = place
    return tile, planes.index(own[number]), {level: decoder.tile_plane(tile, own[number])}
