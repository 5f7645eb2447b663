"""A file of two bands that tests of open scenes share."""

import pytest

import sarcodec
from api.opened import COLS, ROWS, UTM
from api.scenes import amplitude, store


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    path = tmp_path_factory.mktemp("opened") / "x <&> y.sarc"
    about = {
        "crs_wkt": UTM.to_wkt(),
        "transform": (10.0, 0, 500_000, 0, -10, 6_000_000),
        "descriptions": ("VV", '"VH" <b>'),
    }
    store(path.with_name("in.tif"), amplitude(1, ROWS, COLS, bands=2), units=("DN", None), **about)
    sarcodec.compress(path.with_name("in.tif"), path, effort=0, threads=1)
    return path


@pytest.fixture(scope="module")
def whole(packed):
    with sarcodec.open(packed, threads=1) as scene:
        return scene.read()


@pytest.fixture
def scene(packed):
    with sarcodec.open(packed, threads=1) as scene:
        yield scene
