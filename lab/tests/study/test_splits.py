"""What data there is, counted from its index; simulated scenes are data like others."""

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec_lab.study.comparing.cases import find_cases
from sarcodec_lab.study.scenes import FAMILY, SPLIT, write_scenes
from sarcodec_lab.study.splits import COLUMNS, shared_places, shares

INDEX = """file,split,family,group,shape
train/a.tif,train,iw,town,2x600x500
train/b.tif,train,iw,town,1x100x100
train/chips.npz,train,chips,ships,9x64x64
train/c.tif,train,ew,sea,1x1000x1000
val/d.tif,val,iw,delta,2x512x512
"""


def test_bands_and_places_are_counted(tmp_path):
    (tmp_path / "index.csv").write_text(INDEX)
    found = shares(tmp_path)
    assert [one.cells for one in found] == [
        ("train", "iw", "2", "3", "1", "0.6"),
        ("train", "ew", "1", "1", "1", "1.0"),
        ("val", "iw", "1", "2", "1", "0.5"),
    ]
    assert all(len(one.cells) == len(COLUMNS) for one in found)
    assert shared_places(found) == frozenset()


def test_a_place_in_two_splits_is_found(tmp_path):
    (tmp_path / "index.csv").write_text(INDEX.replace(",delta,", ",town,"))
    assert shared_places(shares(tmp_path)) == {"town"}


@pytest.mark.parametrize("shape", ["512x512", "two bands", ""])
def test_a_shape_that_says_nothing_is_named(tmp_path, shape):
    (tmp_path / "index.csv").write_text(INDEX.replace("2x512x512", shape))
    with pytest.raises(InvalidArgument, match="val/d.tif, expected bands x rows x cols"):
        shares(tmp_path)


def test_simulated_scenes_are_data(tmp_path):
    folder = write_scenes(tmp_path / "scenes", 96, ("sea", "city"))
    assert [one.cells for one in shares(folder)] == [(SPLIT, FAMILY, "2", "4", "2", "0.0")]
    cases = find_cases(folder, SPLIT, (FAMILY,), tmp_path / "work")
    assert [(case.image, case.band, case.place) for case in cases] == [
        ("sea", 1, "simulated_sea_9001"),
        ("sea", 2, "simulated_sea_9001"),
        ("city", 1, "simulated_city_9002"),
        ("city", 2, "simulated_city_9002"),
    ]
    again = find_cases(write_scenes(folder, 96, ("sea", "city")), SPLIT, (FAMILY,), tmp_path / "again")
    assert all(np.array_equal(one.dn, other.dn) for one, other in zip(cases, again, strict=True))
    assert cases[0].dn.shape == (96, 96) and cases[0].dn.max() > 0
