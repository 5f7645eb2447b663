"""Tables of a published model counted again: what nobody saw stays, what was seen moves as far as it was seen."""

import numpy as np
import pytest

from sarcodec.models import published
from sarcodec_lab.networks.dct_codec import DctCodec
from sarcodec_lab.train.counting import REACH, Tally, table_shapes
from sarcodec_lab.train.recounting import renewed

ROW = 128 + 12  # group 2, level 12


@pytest.fixture(scope="module")
def shipped():
    model = published.load()
    prior = model.prior
    return prior, model.tables, DctCodec()


def nothing(tables) -> Tally:
    return Tally(np.zeros((len(tables), 2 * REACH + 3)), *(np.zeros((256, 8)) for _ in range(3)))


def frequencies(tables, row: int) -> np.ndarray:
    start, radius = int(tables.start[row]), int(tables.radius[row])
    return np.diff(tables.cumulative[start : start + 2 * radius + 3].astype(int))


def recounted(shipped, tally):
    prior, tables, model = shipped
    arrays = {"centroids": np.asarray(prior.centroids), "errors": np.asarray(prior.errors)}
    return renewed(arrays, prior, tables, tally, model)


def test_what_nobody_saw_stays(shipped):
    prior, tables, _ = shipped
    arrays, found = recounted(shipped, nothing(tables))
    np.testing.assert_array_equal(arrays["centroids"], prior.centroids)
    np.testing.assert_array_equal(arrays["errors"], prior.errors)
    assert np.array_equal(found.skip, tables.skip)
    for row in np.flatnonzero(~tables.skip[:512]):
        new, old = frequencies(found, row), frequencies(tables, row)
        assert new.size == old.size and np.abs(new - old).sum() < 0.05 * 16384


def test_what_was_seen_moves_its_table_alone(shipped):
    _, tables, _ = shipped
    tally = nothing(tables)
    tally.counts[ROW, REACH + 1] = 20000  # of the symbol 0
    _, found = recounted(shipped, tally)
    assert frequencies(found, ROW)[0] > 1.02 * frequencies(tables, ROW)[0]
    before = recounted(shipped, nothing(tables))[1]
    assert np.array_equal(frequencies(found, ROW + 1), frequencies(before, ROW + 1))
    assert table_shapes(shipped[2])[ROW].radius == found.radius[ROW]
