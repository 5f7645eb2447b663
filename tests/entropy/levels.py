"""Fixtures of levels, for tests that hold kernels to their twins."""

import pytest

from native_levels import LEVELS, at_level


@pytest.fixture(params=[*LEVELS, "off"])
def level(request) -> str:
    """Every level of the compiled library that this processor has, then the twins alone."""
    with at_level(request.param):
        yield request.param


@pytest.fixture(params=LEVELS)
def compiled_level(request) -> str:
    """Every level of the library."""
    with at_level(request.param):
        yield request.param
