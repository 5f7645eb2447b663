"""The words and kinds of values that the public verbs take, as types."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO, Literal, SupportsIndex, TypeAlias

from sarcodec.format.tiling import Window

Domain: TypeAlias = Literal["auto", "amplitude", "power", "db"]
"""What the pixels of radar bands are."""

QualityClass: TypeAlias = Literal["archive", "analysis"]
"""Bounds that every band of a file keeps to."""

Reconstruct: TypeAlias = Literal["power", "log"]
"""Pixels of unbiased power, or of the least squared error in dB."""

Speckle: TypeAlias = Literal["keep", "restore"]
"""As it was coded, or with what was lost of it made up."""

Reduce: TypeAlias = Literal[8, 16, 32]
"""So many pixels become one along each side."""

Effort: TypeAlias = Literal[0, 1, 2, 3]
"""0 is fast, 1 the default, 2 small, 3 the smallest file."""

Calibrate: TypeAlias = Literal["sigma0", "beta0", "gamma0"]
"""The look-up table of a product that makes backscatter of pixels."""

Path: TypeAlias = str | os.PathLike[str]
"""Of a file; '-' is standard output where one is written."""

Compressed: TypeAlias = Path | bytes | BinaryIO
"""A compressed file: by its path, as its bytes, or as a file object that was opened in binary mode and can seek."""

Attachments: TypeAlias = Mapping[str, Path | bytes]
"""Named bytes that belong to a scene: by name, a relative path such as 'annotation/iw.xml', the bytes themselves or the path of a file."""

Indexes: TypeAlias = SupportsIndex | Iterable[SupportsIndex]
"""Numbers of bands, from 1 as rasterio counts: one of them, or several in the order in which they are wanted."""

_Range: TypeAlias = slice | tuple[int | None, int | None]
WindowLike: TypeAlias = Window | tuple[_Range, _Range] | Any
"""rasterio.windows.Window(col_off, row_off, width, height), a pair of slices (rows, columns), or
((row_start, row_stop), (col_start, col_stop)). mypy sees no types of rasterio's, hence Any."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of steps that are done and the number that is expected."""
