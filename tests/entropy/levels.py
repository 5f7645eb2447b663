"""Which forms of the kernels this machine can run: a fixture for tests that hold them to their twins."""

import pytest

from sarcodec.native import library


def levels() -> list[str]:
    """The levels of the compiled library that this processor has; none where it could not be built."""
    library.level.cache_clear()
    best = library.level()
    return [] if best is None else list(library.LEVELS[: library.LEVELS.index(best) + 1])


@pytest.fixture(params=[*levels(), "off"])
def level(request, monkeypatch) -> str:
    """Every level of the library, then the twins alone."""
    yield from _at(request.param, monkeypatch)


@pytest.fixture(params=levels())
def compiled_level(request, monkeypatch) -> str:
    """Every level of the library."""
    yield from _at(request.param, monkeypatch)


def _at(name: str, monkeypatch):
    monkeypatch.setenv("SARCODEC_NATIVE", name)
    library.level.cache_clear()
    yield name
    library.level.cache_clear()
