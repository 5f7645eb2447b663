"""Arrays that are kept for long, in memory of their own that goes back to the system with them.

The usual allocator puts what is kept among what is thrown away at once, and what is thrown away then stays with the process: a few hundred MiB
of a scene whose tiles come and go. In: an array; out: the same, elsewhere.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray


def apart(array: NDArray[Any]) -> NDArray[Any]:
    """A copy of an array, writable, in pages that nothing else lies in. Small ones cost a page."""
    if not array.nbytes:
        return array.copy()
    found: NDArray[Any] = np.frombuffer(mmap.mmap(-1, array.nbytes), array.dtype).reshape(array.shape)
    found[...] = array
    return found
