"""Scenes that all tests of doors share: compressing one takes longer than opening it."""

import pytest

from doors.bent import bent_scene
from doors.scenes import decompressed, geocoded, grd


@pytest.fixture(scope="session")
def scene(tmp_path_factory):
    """(path of the file, pixels of decompress)."""
    path = grd(tmp_path_factory.mktemp("gründ"))
    return path, decompressed(path)


@pytest.fixture(scope="session")
def bent(tmp_path_factory):
    """(path of the file, its control points)."""
    return bent_scene(tmp_path_factory.mktemp("bent"))


@pytest.fixture(scope="session")
def map_scene(tmp_path_factory):
    path = geocoded(tmp_path_factory.mktemp("geocoded"))
    return path, decompressed(path)
