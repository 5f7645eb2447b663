"""Tables, centroids and expected errors of a published model counted again, on what its encoder's search leaves; the weights stay.

In: a published model, its network, training images; out: the contents of the model's folder. What is seldom seen stays as it was.
"""

import numpy as np

from sarcodec.entropy.prior import Prior
from sarcodec.entropy.prior_arrays import prior_from_arrays
from sarcodec.entropy.tables import TOTAL, FrozenTables
from sarcodec_lab.networks.dct_codec import DctCodec
from sarcodec_lab.train.counting import (
    REACH,
    Tally,
    count_symbols,
    expected_errors,
    fitted_centroids,
    table_shapes,
    tables_from_counts,
)
from sarcodec_lab.train.freeze import narrow
from sarcodec_lab.train.patches import Image, PatchSource
from sarcodec_lab.train.recipe import Recipe

TABLE_WEIGHT = 2000.0  # symbols that a table's frequencies of before count as
ERROR_WEIGHT = 500.0  # places that an expected error of before counts as


def recounted(
    arrays: dict[str, np.ndarray],
    tables: FrozenTables,
    model: DctCodec,
    recipe: Recipe,
    images: list[Image],
    left_out: tuple[str, ...],
    batches: int,
) -> tuple[dict[str, np.ndarray], FrozenTables]:
    """Arrays of `prior.npz` and tables anew. left_out: groups of places that are not counted, besides the recipe's dev_groups."""
    kept = [image for image in images if image.group not in (*recipe.dev_groups, *left_out)]
    prior, shapes = prior_from_arrays(arrays), table_shapes(model)
    tally = count_symbols(model, prior, PatchSource(kept, recipe), shapes, batches, tables)
    return renewed(arrays, prior, tables, tally, model)


def renewed(
    arrays: dict[str, np.ndarray], prior: Prior, tables: FrozenTables, tally: Tally, model: DctCodec
) -> tuple[dict[str, np.ndarray], FrozenTables]:
    """The same from a tally that is there."""
    centroids = fitted_centroids(tally, prior.centroids.astype(np.float64))
    seen, before = tally.seen, prior.errors.astype(np.float64)
    found = expected_errors(tally, centroids)
    errors = np.rint((found * seen + before * ERROR_WEIGHT) / (seen + ERROR_WEIGHT)).astype(np.int64)
    new = dict(arrays) | {"centroids": centroids.astype(arrays["centroids"].dtype)} | narrow({"errors": errors})
    counts = tally.counts + TABLE_WEIGHT * _frequencies(tables, tally.counts.shape)
    return new, tables_from_counts(counts, table_shapes(model))


def _frequencies(tables: FrozenTables, shape: tuple[int, ...]) -> np.ndarray:
    """Shares of symbols by table as a tally has them, escapes at both ends; 0 where a table skips."""
    found = np.zeros(shape)
    for row in np.flatnonzero(~tables.skip):
        radius, start = int(tables.radius[row]), int(tables.start[row])
        share = np.diff(tables.cumulative[start : start + 2 * radius + 3].astype(np.int64)) / TOTAL
        symbol = np.arange(2 * radius + 1)
        value = np.where(symbol % 2 == 0, symbol // 2, -(symbol + 1) // 2)
        found[row, REACH + 1 + value] += share[:-1]
        found[row, [0, -1]] += share[-1] / 2
    return found
