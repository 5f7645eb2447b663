"""The sentence that someone reads who comes to a door without the package it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Imports within it that fail name the extra. Raises ModuleNotFoundError, as they do."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error.name} is not installed, which sarcodec needs here; pip install 'sarcodec[{extra}]', or '.[{extra}]' in a copy of the repository",
            name=error.name,
        ) from error
