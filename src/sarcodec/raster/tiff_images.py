"""Images of a TIFF beside the first: overviews, which are as the whole image is, and masks. In: its tags, sizes; out: tags."""

from __future__ import annotations

from collections.abc import Sequence

from sarcodec.raster.tiff_layout import numbers, shorts
from sarcodec.raster.tiff_tags import Tag

COMPRESSION, PREDICTOR = 259, 317
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC = 254, 256, 257, 258, 262
_SAMPLES, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT = 277, 284, 322, 323
_COLOURS, _MORE_SAMPLES, _SAMPLE_FORMAT, _NODATA = 320, 338, 339, 42113
_OF_PIXELS = {_BITS, COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANAR, _COLOURS, _MORE_SAMPLES, _SAMPLE_FORMAT, _NODATA}
_IS_REDUCED, _IS_MASK, _TRANSPARENCY = 1, 4, 4


def overview_tags(whole: Sequence[Tag], rows: int, cols: int, block_px: int) -> tuple[Tag, ...]:
    """What the whole image says of its pixels, and the overview's own size."""
    return (
        *(tag for tag in whole if tag.code in _OF_PIXELS),
        numbers(_SUBFILE, _IS_REDUCED), numbers(_WIDTH, cols), numbers(_HEIGHT, rows),
        shorts(_TILE_WIDTH, block_px), shorts(_TILE_HEIGHT, block_px),
    )  # fmt: skip


def mask_tags(rows: int, cols: int, block_px: int, reduced: bool) -> tuple[Tag, ...]:
    """Of a mask in eight bits, so that also values between valid and invalid come through. reduced: of an overview."""
    kind = _IS_MASK | (_IS_REDUCED if reduced else 0)
    return (
        numbers(_SUBFILE, kind), numbers(_WIDTH, cols), numbers(_HEIGHT, rows), shorts(_BITS, 8), shorts(COMPRESSION, 1),
        shorts(_PHOTOMETRIC, _TRANSPARENCY), shorts(_SAMPLES, 1), shorts(_PLANAR, 1), shorts(_TILE_WIDTH, block_px), shorts(_TILE_HEIGHT, block_px),
    )  # fmt: skip
