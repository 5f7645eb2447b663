"""Pictures of amplitudes side by side, small enough for a notebook: speckle does not compress. In: DN; out: the bytes of a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec_lab.figures.study_metrics import to_study_unit

GREYS = 32
GAP_PX = 6


def strip_png(panels: Sequence[np.ndarray], part: tuple[slice, slice] = (slice(None), slice(None))) -> bytes:
    """The same part of images of one shape (rows, cols), DN, from left to right with white between, in the study's grey scale.

    What is brighter than DN 284.5 is white in the picture, whatever it was. Raises InvalidArgument where shapes differ.
    """
    from PIL import Image

    shapes = {panel.shape for panel in panels}
    if len(shapes) != 1:
        raise InvalidArgument(f"found panels of shapes {sorted(shapes)}, expected one shape; cut them alike")
    cuts = [to_study_unit(panel[part]) for panel in panels]
    gap = np.ones((len(cuts[0]), GAP_PX))
    grey = np.hstack([piece for cut in cuts for piece in (cut, gap)][:-1])
    few = np.rint(grey * (GREYS - 1)) * (255 / (GREYS - 1))
    out = BytesIO()
    Image.fromarray(few.astype(np.uint8)).convert("P").save(out, "png", optimize=True)
    return out.getvalue()
