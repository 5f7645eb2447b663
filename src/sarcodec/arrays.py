"""Names for the types of arrays, for type checkers alone: imported under TYPE_CHECKING and never when the codec runs.

NumPy's stubs lose the width of a number in arithmetic (float32 times float32 is some float), so that a name tells the kind; a docstring
tells the width, the axes and the unit.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating]
"""float32 where a docstring says nothing else."""

Integers: TypeAlias = npt.NDArray[np.integer]
"""Whole numbers, signed or not."""

Wholes: TypeAlias = Integers | Floats
"""Whole numbers, as integers or as float32."""

Bools: TypeAlias = npt.NDArray[np.bool_]
"""Where something holds."""

Pixels: TypeAlias = npt.NDArray[Any]
"""Pixels, or their bit patterns, of any of the types that a scene may have: the one kind of array whose type is known only when it runs."""

Whole: TypeAlias = int | np.integer
Real: TypeAlias = float | np.floating
"""A number within a compiled loop, where Python's and NumPy's are one."""
