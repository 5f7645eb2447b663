"""A small simulated scene, compressed and decompressed by the command line."""

from pathlib import Path

import pytest

import sarcodec
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


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A scene of one band and its compressed file."""
    folder = tmp_path_factory.mktemp("small")
    simulate(folder / "in.tif", 70, 90, bands=("VV",), seed=3)
    sarcodec.compress(folder / "in.tif", folder / "in.sarc", effort=0, threads=1)
    return folder


@pytest.fixture
def here(small, tmp_path):
    """The two in a fresh folder."""
    for name in ("in.tif", "in.sarc"):
        (tmp_path / name).write_bytes((small / name).read_bytes())
    return tmp_path
