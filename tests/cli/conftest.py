"""A small simulated scene, compressed and decompressed by the command line."""

from pathlib import Path

import pytest

from cli.shell import invoke
from sarcodec.simulate.product import simulate

ROWS, COLS = 150, 610  # two tiles, the second of them cut


@pytest.fixture(scope="session")
def scene(tmp_path_factory) -> Path:
    """Two bands of uint16 DN with control points and a border of nodata."""
    path = tmp_path_factory.mktemp("scene") / "scene.tif"
    simulate(path, ROWS, COLS, seed=3, nodata_border=True)
    return path


@pytest.fixture(scope="session")
def packed(scene) -> Path:
    """The scene, compressed at the default quality."""
    path = scene.with_name("scene.sarc")
    done = invoke("compress", scene, path)
    assert done.code == 0, done.stderr
    return path


@pytest.fixture(scope="session")
def decoded(packed) -> Path:
    """The compressed scene, decompressed whole."""
    path = packed.with_name("decoded.tif")
    done = invoke("decompress", packed, path)
    assert done.code == 0, done.stderr
    return path
