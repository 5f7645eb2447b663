"""rasterio's datasets without what it and GDAL say beside the answer: on stderr, and as warnings.

A radar image without georeferencing is the usual case and nothing to warn of. Python's filters of warnings belong to the whole
process and may not be touched for that, not even for a moment: another thread may use `warnings.catch_warnings` too. GDAL prints
its complaints unless a handler stands in the thread that asks, which is so within a `rasterio.Env`: every method and property of
the datasets here is asked within one. What GDAL says goes to the logger `rasterio`.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, GetSetDescriptorType
from typing import Any

import rasterio
from rasterio.env import ensure_env, ensure_env_with_credentials
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.transform import guard_transform


def open_reader(path: str | os.PathLike[str], **options: object) -> DatasetReader:
    """As rasterio.open(path, **options)."""
    return _reader(os.fspath(path), **options)


def open_writer(path: str | os.PathLike[str], **options: Any) -> DatasetWriter:
    """As rasterio.open(path, "w", **options), for a driver that writes in place, such as GTiff."""
    if options.get("transform") is not None:
        options["transform"] = guard_transform(options["transform"])
    if options.get("nodata") is not None:
        options["nodata"] = float(options["nodata"])
    return _writer(os.fspath(path), **options)


@contextmanager
def environment(**options: object) -> Iterator[None]:
    """rasterio.Env(**options). On the main thread such options hold for the whole process: they are put back afterwards, also
    those that were set in another way than by an Env, which a nested Env forgets."""
    # What is set nowhere GDAL looks up in the environment variables: that is left to it.
    before = {key: rasterio._env.get_gdal_config(key) for key in options}
    try:
        with rasterio.Env(**options):
            yield
    finally:
        for key, value in before.items():
            if value is not None and key not in os.environ:
                rasterio._env.set_gdal_config(key, value)


# C code warns in the name of the Python function that called it, and a warning in the name of no module is not shown: so it is
# at the end of every process. Only this frame is meant, and nothing of the process is changed.
_unwarned = FunctionType((lambda function, *arguments: function(*arguments)).__code__, {"__name__": None})


def _within_env(kind: type) -> type:
    """Have all public methods and properties of a dataset's class asked within an Env."""
    for name in dir(kind):
        found = inspect.getattr_static(kind, name)
        if name.startswith("_"):
            continue
        if isinstance(found, (property, GetSetDescriptorType)):
            setattr(kind, name, _property(found))
        elif callable(found) and not isinstance(found, (type, staticmethod, classmethod)):
            setattr(kind, name, ensure_env(found))
    return kind


def _property(found: property | GetSetDescriptorType) -> property:
    def asked(function: Callable[..., object]) -> Callable[..., Any]:
        within: Callable[..., Any] = ensure_env(lambda self, *value: function(self, *value))
        return within

    return property(asked(found.__get__), asked(found.__set__), doc=found.__doc__)


class _Unwarned:
    """rasterio asks itself this, and warns where the answer is no."""

    def _has_gcps_or_rpcs(self) -> bool:
        return True


@_within_env
class _Reader(_Unwarned, DatasetReader):
    pass


@_within_env
class _Writer(_Unwarned, DatasetWriter):
    def write_transform(self, transform: tuple[float, ...]) -> None:
        """An identity is written as any other transform is, without a warning that it may be lost."""
        _unwarned(super().write_transform, transform)


_reader = ensure_env_with_credentials(lambda path, **options: _Reader(path, **options))
_writer = ensure_env_with_credentials(lambda path, **options: _Writer(path, "w", **options))
