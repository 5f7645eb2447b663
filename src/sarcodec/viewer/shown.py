"""What the page says of a file: an open file, and its original, as a dict for JSON, and their pixels under the cursor.

In: paths; out: Shown, which holds the files open. Raises what sarcodec.open and reading a raster raise, InvalidArgument where the two are not of one scene.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.api.information import info_of
from sarcodec.api.looked import LookedAt
from sarcodec.decoding.band_kinds import measure_of
from sarcodec.errors import InvalidArgument
from sarcodec.format.reader import FileReader
from sarcodec.format.tiling import Window
from sarcodec.products.reading import open_original
from sarcodec.viewer.kept import Kept
from sarcodec.viewer.levels import Before, Decoded, Levels, Source
from sarcodec.viewer.profile import known
from sarcodec.viewer.pyramid import DECODED, ORIGINAL, TILE_CELLS, Pyramid

if TYPE_CHECKING:
    from sarcodec.api.information import FileInfo
    from sarcodec.format.measure import Measure

_BLOCKS_BYTES, _PIXELS_BYTES = 256 << 20, 32 << 20
_STRETCH_PERCENT = (2, 98)
_SIDE_WITHOUT_OVERVIEWS = 4
_SPECKLE_DB = 3  # by which pixels spread further than means do


class Shown:
    """Use it in a `with`. pyramid: tiles of levels; about: the dict."""

    def __init__(self, path: str | os.PathLike[str], original: str | os.PathLike[str] | None = None) -> None:
        self._stack = ExitStack()
        try:
            self._open(path, original)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, path: str | os.PathLike[str], original: str | os.PathLike[str] | None) -> None:
        file = FileReader(path)
        scene = self._scene = self._stack.enter_context(LookedAt(file, threads=1))
        measures = tuple(measure_of(field, lost) for field, lost in zip(file.header.bands, scene.nodatavals))
        self._sources: dict[str, Source] = {DECODED: Decoded(scene, measures)}
        if original is not None:
            before = open_original(original, as_is=True)
            self._stack.callback(before.close)
            found, wanted = (before.info.count, before.info.rows, before.info.cols), scene.array_shape
            if found != wanted:
                raise InvalidArgument(
                    f"{os.fspath(original)} has {found[0]} bands of {found[1]} x {found[2]} pixels, {os.fspath(path)} {wanted[0]} of {wanted[1]} x {wanted[2]}; "
                    "give the raster that the file was made of"
                )
            self._sources[ORIGINAL] = Before(before, measures)
        self._measures, self._pixels = measures, Kept(_PIXELS_BYTES)
        blocks = Kept(_BLOCKS_BYTES)
        levels = {name: Levels(source, scene.shape, blocks, name) for name, source in self._sources.items()}
        self.pyramid = Pyramid(levels[DECODED], levels.get(ORIGINAL), scene.count, scene.shape)
        self.about = self._described(info_of(file), original)

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._stack.close()

    def holds(self, band: int, *places: int) -> bool:
        """Whether there is such a band, from 0, and whether places (row, col, row, col, ...) lie in the scene."""
        rows, cols = self._scene.shape
        inside = all(0 <= n < (cols if i % 2 else rows) for i, n in enumerate(places))
        return inside and 0 <= band < self._scene.count

    def values(self, row: int, col: int) -> dict[str, Any]:
        """Pixels and levels of all bands at a place of the scene, by source. A level, or a pixel, that is not there is None."""
        return {
            "row": row,
            "col": col,
            "bands": [
                {name: self._value(name, band, row, col) for name in self._sources} for band in range(self._scene.count)
            ],
        }

    def _value(self, name: str, band: int, row: int, col: int) -> dict[str, float | None]:
        top, left = row - row % TILE_CELLS, col - col % TILE_CELLS
        rows, cols = self._scene.shape
        window = Window(top, left, min(TILE_CELLS, rows - top), min(TILE_CELLS, cols - left))
        pixels = self._pixels.get((name, band, top, left), lambda: self._sources[name].pixels(band, window)[0])
        pixel = pixels[row - top, col - left].item()
        level = self.pyramid.at(name, band, 1, row, col)
        return {"pixel": known(pixel) if isinstance(pixel, float) else pixel, "level": known(level)}

    def _described(self, said: FileInfo, original: str | os.PathLike[str] | None) -> dict[str, Any]:
        scene = self._scene
        claims = scene.claims
        return {
            "name": PurePath(said.path).name,
            "original": None if original is None else PurePath(os.fspath(original)).name,
            "rows": scene.height,
            "cols": scene.width,
            "dtype": said.dtype,
            "bytes": said.bytes,
            "bitsPerPixel": said.bits_per_pixel,
            "mode": said.mode,
            "maxErrorDb": said.max_error_db,
            "quality": said.quality,
            "stepDb": said.step_db,
            "model": said.model,
            "tileCells": TILE_CELLS,
            "sides": self.pyramid.sides,
            "kinds": self.pyramid.kinds,
            "claims": None if claims is None else asdict(claims),
            "bands": [
                {
                    "name": name or f"Band {number}",
                    "kind": kind.kind,
                    "unit": "" if measure is None else "dB",
                    "stretch": self._stretch(number - 1, measure),
                }
                for number, name, kind, measure in zip(
                    scene.indexes, scene.descriptions, said.band_kinds, self._measures
                )
            ],
        }

    def _stretch(self, band: int, measure: Measure | None) -> tuple[float, float]:
        """What is black and what is white at first, in whole dB outwards: percentiles of the coarsest picture; of a band without overviews, which
        would be decoded whole for that, of a tile in the middle."""
        side = self.pyramid.sides[-1]
        if side > _SIDE_WITHOUT_OVERVIEWS and not self._sources[DECODED].reduced[band]:
            side = _SIDE_WITHOUT_OVERVIEWS
        x, y = (size // 2 // side // TILE_CELLS for size in (self._scene.width, self._scene.height))
        tile = self.pyramid.tile(DECODED, band, side, x, y)
        assert tile is not None, "the middle of a scene lies in it"
        found = tile[np.isfinite(tile)]
        low, high = np.percentile(found, _STRETCH_PERCENT) if found.size else (0.0, 1.0)
        wider = _SPECKLE_DB if measure is not None and side > 1 else 0
        low, high = float(np.floor(low - wider)), float(np.ceil(high + wider))
        return low, high if high > low else low + 1
