"""Runs parts of a test at one level of libsarcodec, or without it."""

import contextlib
import os
import sys
from unittest import mock

from sarcodec.native import library

LEVELS = library.LEVELS[: library.LEVELS.index(library.level()) + 1] if library.available() else ()


def _forget():
    """Which functions were found, in all modules of sarcodec.native."""
    for name in [n for n in sys.modules if n.startswith("sarcodec.native.")]:
        for value in list(vars(sys.modules[name]).values()):
            if hasattr(value, "cache_clear") and value is not library._library:
                value.cache_clear()


@contextlib.contextmanager
def at_level(level: str):
    """`off`, or one of LEVELS."""
    with mock.patch.dict(os.environ, {"SARCODEC_NATIVE": level}):
        _forget()
        try:
            yield
        finally:
            _forget()
