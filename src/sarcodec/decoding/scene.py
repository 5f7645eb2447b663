"""A file into pixels by tile, whatever its bands are: each by the decoder of its kind, masks and exact bands by the core.

In: an open `FileReader`; out: pixels in the scene's dtype, and masks. Safe for threads.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from sarcodec.decoding.band_kinds import measure_of
from sarcodec.decoding.bounded import BoundedDecoder
from sarcodec.decoding.learned import LearnedDecoder
from sarcodec.decoding.reconstruction import Reconstruction
from sarcodec.decoding.tile import TILE_LOG2, TILE_PX
from sarcodec.decoding.walk import walk
from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion
from sarcodec.format.bands import BOUNDED, EXACT, LEARNED
from sarcodec.format.pixels import unpack_pixels
from sarcodec.format.reader import FileReader
from sarcodec.format.scene import unpack_scene
from sarcodec.format.sections import PIXELS
from sarcodec.format.tiling import TileGrid, Window, grow

if TYPE_CHECKING:
    from sarcodec.arrays import Integers, Pixels

MASK_DTYPE = "uint8"
AHEAD_BYTES = 16 << 20
"""Of a file on the network that are fetched at once: as many rows of tiles as that."""
USUAL_ROOM = 256 << 20
"""Bytes of decoded tiles that are kept where nobody says how many may be."""


class SceneDecoder:
    """Tiles of all planes of a file; room: bytes of decoded tiles that are kept for their neighbours. Raises NewerVersion for tiles of
    another size, InvalidArgument where speckle is to be restored and no band is coded by a model, or where the extra that bounded bands
    need is not installed."""

    def __init__(self, file: FileReader, room: int = USUAL_ROOM, wanted: Reconstruction = Reconstruction()) -> None:
        header = file.header
        if header.tile_log2 != TILE_LOG2:
            raise NewerVersion("the file uses tiles of another size; it needs a newer sarcodec")
        if wanted.speckle == "restore" and not header.learned:
            raise InvalidArgument(
                "this file keeps a promise about every pixel (a bound on the error, or exact pixels): restored speckle would "
                "break it; decompress it with --speckle keep"
            )
        self.file, self.header, self.wanted, self._room = file, header, wanted, room
        self.info = unpack_scene(header.metadata, header.rows, header.cols, len(header.bands), header.dtype)
        if self.info.mask_planes != header.masks:
            raise CorruptFile(
                f"the head counts {header.masks} masks, its description {self.info.mask_planes}; the file is damaged"
            )
        self.grid = TileGrid(header.rows, header.cols, TILE_PX)
        self.measures = tuple(measure_of(field, nodata) for field, nodata in zip(header.bands, self.info.nodata))
        kinds = {field.kind for field in header.bands}
        self.learned = LearnedDecoder(file, self.measures, room, wanted) if LEARNED in kinds else None
        self._bounded = BoundedDecoder(file, self.measures) if BOUNDED in kinds else None

    def kind(self, plane: int) -> str:
        """Of a band, or of a mask behind them."""
        return self.header.bands[plane].kind if plane < len(self.header.bands) else EXACT

    def walk(self, window: Window, planes: Sequence[int], threads: int) -> Iterator[tuple[int, int]]:
        """Tiles that a window touches and places in `planes` (bands, and masks behind them, from 0), to be decoded in this order by
        `Workers.map` of so many threads: what is kept of a tile for its neighbours is forgotten behind the last of them."""
        far = self.file.far and not self._fetched_at_once(window, planes)
        load, ahead = (self._room, threads), functools.partial(self._fetching, window) if far else None
        yield from walk(self.grid, self.header.bands, (window, planes), self.learned, load, ahead)

    def each(self) -> Iterator[tuple[int, int]]:
        """All tiles and planes in the order of the index; of a file on the network their payloads are fetched in groups."""
        places = [divmod(number, self.header.planes) for number in range(self.header.entry_count)]
        if not self.file.far:
            yield from places
            return
        first, size = 0, 0
        for number, place in enumerate(places):
            size += self.file.payload_bytes(*place)
            if size > AHEAD_BYTES or number == len(places) - 1:
                self.file.ahead(places[first : number + 1])
                yield from places[first : number + 1]
                first, size = number + 1, 0

    def _fetched_at_once(self, window: Window, planes: Sequence[int]) -> bool:
        """Fetches all payloads that a window of a file on the network needs, if they are few enough."""
        around = self.grid.touched(grow(window, TILE_PX, self.grid.rows, self.grid.cols))
        self.file.ahead_index((tile, plane) for tile in around for plane in (0, self.header.planes - 1))
        groups = self._needed(window, self.grid.touched(window), planes)
        if len(groups) == 1:
            self.file.ahead(groups[0][1])
        return len(groups) == 1

    def _fetching(self, window: Window, stripe: Sequence[int], planes: Sequence[int]) -> Callable[[int], None]:
        """What is called before each tile of a stripe: the payloads that it and those after it need are fetched in groups."""
        needed = dict(self._needed(window, stripe, planes))
        return lambda tile: self.file.ahead(needed.get(tile, ()))

    def _needed(
        self, window: Window, tiles: Sequence[int], planes: Sequence[int]
    ) -> list[tuple[int, list[tuple[int, int]]]]:
        """Before which of some tiles, row by row, payloads of which tiles and planes are fetched at once: with those of neighbours and of bands that are leaned on."""
        fields = self.header.bands
        leaned = {fields[p].reference for p in planes if p < len(fields)} - {None}
        learned = sorted(p for p in {*planes, *leaned} if p is not None and self.kind(p) == LEARNED)
        rows: dict[int, list[int]] = {}
        for tile in tiles:
            rows.setdefault(tile // self.grid.shape[1], []).append(tile)
        groups: list[tuple[int, dict[tuple[int, int], int]]] = []
        for row in rows.values():
            places = [(tile, plane) for tile in row for plane in planes if self.kind(plane) != LEARNED]
            places += [(tile, plane) for tile in self._with_neighbours(row, window) for plane in learned]
            sizes = {place: self.file.payload_bytes(*place) for place in places}
            if groups and sum((groups[-1][1] | sizes).values()) <= AHEAD_BYTES:
                groups[-1][1].update(sizes)
            else:
                groups.append((row[0], sizes))
        return [(first, list(sizes)) for first, sizes in groups]

    def _with_neighbours(self, tiles: Sequence[int], window: Window) -> list[int]:
        """Tiles of learned bands, and those around them that they need for the pixels of a window."""
        found = {other for tile in tiles for other in (self.learned.needed(tile, window) if self.learned else ())}
        return sorted(other for other in found if other is not None)

    def tile_plane(self, tile: int, plane: int, part: Window | None = None) -> Pixels:
        """Pixels of a tile of a band, or the values of a mask behind them. part: see `tile_pixels`."""
        bands = len(self.header.bands)
        return self.tile_pixels(tile, plane, part) if plane < bands else self.tile_mask(tile, plane - bands)

    def tile_pixels(self, tile: int, band: int, part: Window | None = None) -> Pixels:
        """Pixels of a tile (rows, cols) in the scene's dtype. part: a window of the scene, outside of which they may be anything, so that fewer
        neighbours are decoded; None: all are wanted."""
        kind = self.kind(band)
        if kind == LEARNED and self.learned is not None:
            return self.learned.tile_pixels(tile, band, part)
        if kind == BOUNDED and self._bounded is not None:
            return self._bounded.tile_pixels(tile, band)
        return self._exact(tile, band, self.header.dtype)

    def tile_mask(self, tile: int, plane: int) -> Integers:
        """Values of a mask (plane from 0) of a tile (rows, cols) uint8."""
        return self._exact(tile, len(self.header.bands) + plane, MASK_DTYPE)

    def _exact(self, tile: int, plane: int, dtype: str) -> Pixels:
        sections = {s.kind: s for s in self.file.sections(tile, plane)}
        if PIXELS not in sections:
            raise CorruptFile(f"tile {tile}, plane {plane} has no pixels; the file is damaged")
        return unpack_pixels(sections[PIXELS].payload, self.grid.window(tile).shape, dtype)

    def symbols(self, tile: int, plane: int) -> Pixels:
        """All that is coded of a tile and plane, checked: symbols of a learned band, or else pixels in one row."""
        if plane >= len(self.header.bands):
            return self.tile_mask(tile, plane - len(self.header.bands)).reshape(-1)
        if self.kind(plane) == LEARNED and self.learned is not None:
            return self.learned.symbols(tile, plane)
        return self.tile_pixels(tile, plane).reshape(-1)

    def keeps(self, original: Pixels, decoded: Pixels, band: int) -> bool:
        """Whether decoded pixels of a band are what the file promises of their originals; True where it promises nothing of them."""
        kind = self.kind(band)
        if kind == BOUNDED and self._bounded is not None:
            return self._bounded.keeps(original, decoded, band)
        bits = f"u{original.itemsize}"
        return kind == LEARNED or bool((original.view(bits) == decoded.view(bits)).all())
