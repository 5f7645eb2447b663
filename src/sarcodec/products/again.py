"""Compressed measurements that can be made again byte for byte: whether they can is tried, with the GDAL that is here.

In: a measurement that is open, and a folder to try in. Out: a Recipe, or None; and the measurement, made by one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sarcodec.errors import CorruptFile, SarcodecError
from sarcodec.format.tiling import TileGrid
from sarcodec.raster.cog import RESAMPLINGS, cog_options, is_recipe, make_cog
from sarcodec.raster.geotiff import SceneReader, SceneWriter
from sarcodec.storage.refusals import writing

_WINDOW_PX = 2048
_READ_BYTES = 1 << 20
_MOST_TAIL = 32 << 20


@dataclass(frozen=True)
class Recipe:
    """Options of GDAL's COG driver, and what lies behind the COG (Copernicus keeps the head of ESA's TIFF there)."""

    options: tuple[tuple[str, str], ...]
    tail: bytes

    def pack(self) -> bytes:
        """The options."""
        return json.dumps(dict(self.options), sort_keys=True, separators=(",", ":")).encode("ascii")


def unpack_recipe(data: bytes, tail: bytes) -> Recipe:
    """The way back. Raises CorruptFile for options that are not of the kinds that are tried."""
    try:
        options = json.loads(data)
        known = all(isinstance(value, str) for value in options.values()) and is_recipe(options)
    except (ValueError, AttributeError, RecursionError):
        known = False
    if not known:
        raise CorruptFile("the recipe of a COG has options that are not known; the file is damaged, or newer")
    return Recipe(tuple(sorted(options.items())), tail)


def found_recipe(path: Path, reader: SceneReader, folder: Path) -> Recipe | None:
    """By which options a COG comes back byte for byte, from its pixels and words alone; None where none was found. folder: to try in."""
    plain, made = folder / "trial.tif", folder / "trial-cog.tif"
    options = cog_options(path)
    if options is None:
        return None
    try:
        _write_plain(reader, plain)
        for resampling in RESAMPLINGS:
            recipe = {**options, "overview_resampling": resampling}
            make_cog(plain, made, recipe)
            if _begins_as(path, made):
                return Recipe(tuple(sorted(recipe.items())), _rest(path, made.stat().st_size))
    except SarcodecError:
        return None  # What cannot be written here cannot be made again.
    finally:
        for trial in (plain, made):
            trial.unlink(missing_ok=True)
    return None


def make_again(plain: Path, target: Path, recipe: Recipe) -> None:
    """The measurement of a GeoTIFF with its pixels and words. Raises SarcodecError."""
    make_cog(plain, target, dict(recipe.options))
    with writing(target.name), open(target, "ab") as file:
        file.write(recipe.tail)


def _write_plain(reader: SceneReader, target: Path) -> None:
    grid = TileGrid(reader.info.rows, reader.info.cols, _WINDOW_PX)
    with SceneWriter(target, reader.info, overwrite=True) as writer:
        for window in map(grid.window, range(grid.count)):
            writer.write(0, window, reader.read(0, window))


def _begins_as(path: Path, made: Path) -> bool:
    """Whether all bytes of `made` are the first of `path`, with little enough behind them."""
    more = os.path.getsize(path) - os.path.getsize(made)
    return 0 <= more <= _MOST_TAIL and all(first == second for first, second in _parts(path, made))


def _parts(path: Path, made: Path) -> Iterator[tuple[bytes, bytes]]:
    with open(path, "rb") as whole, open(made, "rb") as part:
        while found := part.read(_READ_BYTES):
            yield whole.read(len(found)), found


def _rest(path: Path, begin: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(begin)
        return file.read()
