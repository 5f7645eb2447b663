"""libsarcodec, found and loaded: the part of it that is made for this processor. Knows nothing of what its functions do.

SARCODEC_NATIVE chooses: `plain`, `avx2`, `avx512` (a level that this processor has), or `off`, which leaves all work to the twins in NumPy.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from sarcodec.errors import InvalidArgument
from sarcodec.native.interface import INTERFACE

_LOG = logging.getLogger(__name__)
_HOME = Path(__file__).parent
_NAME = "libsarcodec.dll" if sys.platform == "win32" else "libsarcodec.so"
LEVELS = ("plain", "avx2", "avx512")


@cache
def _library() -> ctypes.CDLL | None:
    """None where there is none that fits, and that is said once."""
    try:
        found = ctypes.CDLL(str(_HOME / _NAME))
        found.sarc_interface.restype = ctypes.c_int32
        if found.sarc_interface() != INTERFACE:
            raise OSError(
                f"{_NAME} was built of other sources: its interface is {found.sarc_interface()}, expected {INTERFACE}"
            )
        return found
    except (OSError, AttributeError) as error:
        _LOG.warning(
            "the compiled library of sarcodec cannot be loaded (%s): everything works, but about a hundred times slower; install a "
            "wheel of sarcodec, or a C compiler and sarcodec again; in a checkout: make library",
            error,
        )
        return None


@cache
def level() -> str | None:
    """The level of processors whose functions are called; None: the twins in NumPy do all the work."""
    asked = os.environ.get("SARCODEC_NATIVE", "")
    if asked not in ("", "off", *LEVELS):
        raise InvalidArgument(f"SARCODEC_NATIVE is {asked!r}, expected off, {', '.join(LEVELS)}, or nothing")
    library = None if asked == "off" else _library()
    if library is None:
        return None
    library.sarc_best_level.restype = ctypes.c_char_p
    best: str = library.sarc_best_level().decode()
    if asked and LEVELS.index(asked) > LEVELS.index(best):
        raise InvalidArgument(f"SARCODEC_NATIVE is {asked!r}, but this processor has {best!r}; leave it out")
    return asked or best


def available() -> bool:
    """Whether the compiled functions are called."""
    return level() is not None


def function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of the library, for this processor; ask only where it is `available`. result, arguments: types of ctypes, arrays as `c_void_p`."""
    found = getattr(_library(), f"sarc_{name}_{level()}")
    found.restype, found.argtypes = result, arguments
    return found  # type: ignore[no-any-return]
