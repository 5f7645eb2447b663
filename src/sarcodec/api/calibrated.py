"""Backscatter of an open scene of a product: pixels and the product's look-up tables. Opens nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.format.reader import FileReader
from sarcodec.format.tiling import Window
from sarcodec.products.calibration import LookUpTable, annotation_of, calibrated, checked_kind, read_table
from sarcodec.products.layout import FILES, kept_files, product_of

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Pixels


class Tables:
    """The look-up tables of a file, each read once. Raises InvalidArgument where the file holds no product, or no table of a band."""

    def __init__(self, file: FileReader) -> None:
        self._file = file
        self._found: dict[tuple[int, str], LookUpTable] = {}

    def table(self, band: int, kind: object) -> LookUpTable:
        """Of a band, from 0; kind: as users give it. Raises also CorruptFile."""
        key = band, checked_kind(kind)
        if key not in self._found:
            self._found[key] = self._read(*key)
        return self._found[key]

    def _read(self, band: int, kind: str) -> LookUpTable:
        product = product_of(self._file)
        if product is None:
            raise InvalidArgument(
                f"{self._file.name} holds a scene and no product, so there are no look-up tables for {kind}; compress the whole product"
            )
        measurement = product.measurements[band].path
        path = annotation_of(kept_files(record.name for record in self._file.header.attachments), measurement)
        if path is None:
            raise InvalidArgument(
                f"the product in {self._file.name} has no calibration annotation of {measurement}; read without calibrate"
            )
        return read_table(self._file.attachment(FILES + path), kind, path)

    def apply(self, pixels: Pixels, band: int, kind: object, window: Window, side: int) -> Floats:
        """pixels (rows, cols) of a window of a band; where side is above 1, of reduced pixels that stand for side x side each."""
        rows, cols = (
            (np.arange(begin, begin + count) + 0.5) * side - 0.5
            for begin, count in ((window.row, window.rows), (window.col, window.cols))
        )
        return calibrated(pixels, self.table(band, kind), rows, cols)
