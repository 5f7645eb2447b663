"""Loops compiled by numba, and kept on disk for the next process where there is a place to keep them.

In: a function of numbers and arrays; out: the same function, compiled on its first call. numba's own cache ends an import in an
error where it can write nowhere (a container, a user without a home) and a call where a file of it is damaged, and two kinds of
processors that share a home may take each other's code. Here a file is named by all that decides what is in it, carries a
checksum, and whatever cannot be read is compiled again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

_Function = TypeVar("_Function", bound=Callable[..., Any])
_LOG = logging.getLogger(__name__)
_DIGEST_BYTES = 32


def kernel(**options: Any) -> Callable[[_Function], _Function]:
    """A decorator: numba.njit without the interpreter's lock, kept on disk. options: those of numba.njit."""

    def compiled(function: _Function) -> _Function:
        dispatcher = numba.njit(nogil=True, **options)(function)
        if hasattr(dispatcher, "_cache"):  # not so under NUMBA_DISABLE_JIT
            dispatcher._cache = _Kept(cast("FunctionType", function))
        return cast("_Function", dispatcher)

    return compiled


class _Kept(NullCache):
    """What was compiled of one function, one file for each signature and kind of processor."""

    def __init__(self, function: FunctionType) -> None:
        self._function = function

    def load_overload(self, sig: object, target_context: Any) -> CompileResult | None:
        """Called by numba before it compiles; None: compile it."""
        try:
            target_context.refresh()
            name = self._file_name(sig, target_context.codegen())
            payload = _loaded(name, self._stamp())
            return None if payload is None else CompileResult._rebuild(target_context, *pickle.loads(payload))
        except Exception as error:  # whatever another version or machine left there: it can all be made again
            _LOG.debug("%s is compiled again: %r", self._function.__qualname__, error)
            return None

    def save_overload(self, sig: object, data: Any) -> None:
        """Called by numba after it has compiled."""
        try:
            if not data.library.has_dynamic_globals:
                name, stamp = self._file_name(sig, data.codegen), self._stamp()
                _save(name, stamp, dumps(data._reduce()))
        except Exception as error:  # a cache that fails costs time, never a result
            _LOG.debug("%s is not kept: %r", self._function.__qualname__, error)

    def _file_name(self, sig: object, codegen: Any) -> str:
        about = (repr(sig), codegen.magic_tuple(), numba.__version__, sys.version_info[:2], sys.abiflags)
        function = self._function
        return (
            f"{function.__module__}.{function.__qualname__}-{hashlib.sha256(repr(about).encode()).hexdigest()[:16]}.nbc"
        )

    def _stamp(self) -> bytes:
        """Digest of the source file, and of the module's constants, which numba compiles in and which may come from elsewhere."""
        digest = hashlib.sha256(Path(self._function.__code__.co_filename).read_bytes())
        for name, value in sorted(self._function.__globals__.items()):
            if isinstance(value, (int, float, np.generic, np.ndarray)):
                digest.update(f"{name} {np.asarray(value).dtype.str}".encode() + np.asarray(value).tobytes())
        return digest.digest()


@cache
def _folders() -> tuple[Path, ...]:
    """Where compiled code may lie, the first choice first: the folder that the user names, the package's own, the user's."""
    settings: Any = numba.config  # its names are made as it is imported
    named, home = settings.CACHE_DIR, Path(os.path.expanduser("~"))
    users = os.environ.get("XDG_CACHE_HOME") or (home / ".cache" if home.is_absolute() else "")
    found = [Path(named) / "sarcodec"] if named else []
    found.append(Path(__file__).parent / "__pycache__")
    return (*found, Path(users) / "sarcodec") if users else tuple(found)


def _loaded(name: str, stamp: bytes) -> bytes | None:
    """What is kept under a name and is whole and of this source; a folder that cannot be written may still be read."""
    for folder in _folders():
        try:
            data = (folder / name).read_bytes()
        except OSError:
            continue
        digest, payload = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        if digest == _digest(stamp, payload):
            return payload
    return None


def _digest(stamp: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(stamp + payload).digest()


def _save(name: str, stamp: bytes, payload: bytes) -> None:
    if not any(_written(folder, name, _digest(stamp, payload) + payload) for folder in _folders()):
        _say_that_nothing_is_kept()


def _written(folder: Path, name: str, data: bytes) -> bool:
    """Whether a file could be put there; it appears whole, or not at all."""
    part = folder / f"{name}.{uuid.uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(folder / name)
    except OSError:
        _removed(part)
        return False
    return True


def _removed(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


@cache  # once a process
def _say_that_nothing_is_kept() -> None:
    tried = " nor ".join(str(folder) for folder in _folders())
    _LOG.warning(
        "compiled code cannot be kept, as neither %s can be written: every start takes some seconds longer; "
        "name a folder for it in the environment variable NUMBA_CACHE_DIR",
        tried,
    )
