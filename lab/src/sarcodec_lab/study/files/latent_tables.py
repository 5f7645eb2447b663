"""The fixed family of entropy tables of research files: two shapes, 48 scales, four places of the centre.

The tables are data (`latent_tables.bin`), read and never computed. `build` made them once, and would only make a new
family: files written before could then no longer be read. Knows no channel and no context.
"""

from __future__ import annotations

import importlib.resources
import math
from functools import lru_cache
from itertools import pairwise

import numpy as np

from sarcodec.entropy import tables as entropy_tables
from sarcodec.entropy.tables import FrozenTables
from sarcodec.errors import ModelError

FILE = "latent_tables.bin"
DIGEST = "b855de5091372c11fdc263acb12ef7d006ac0e0531ce0685ae73b0de22317b20"
SHAPES, CLASSES, CENTRES = 2, 48, 4  # normal and Laplace; deviation 2^(class / 4 - 4); centre -1/4, 0, 1/4, 1/2
NORMAL, LAPLACE = 0, 1
EXACT = 512  # costs of residuals up to here are tabled as they are; beyond, escapes grow slowly

_RADIUS = 40


def row_of(shape, scale_class, centre):
    """Number of the table; centre 0 to 3 stands for -1/4, 0, 1/4, 1/2. Integers or arrays of them."""
    return (shape * CLASSES + scale_class) * CENTRES + centre


@lru_cache(maxsize=1)
def shipped() -> FrozenTables:
    """The family that every research file is coded with. Raises ModelError when the package's copy is damaged."""
    tables = entropy_tables.unpack((importlib.resources.files("sarcodec_lab") / "study" / "files" / FILE).read_bytes())
    if tables.digest().hex() != DIGEST:
        raise ModelError(
            f"{FILE} has digest {tables.digest().hex()[:16]}, expected {DIGEST[:16]}; install sarcodec anew"
        )
    return tables


@lru_cache(maxsize=1)
def costs() -> np.ndarray:
    """Bits of residual r under each table: float32 (shapes, classes, centres, 2 EXACT + 1), r = -EXACT..EXACT."""
    tables, values = shipped(), np.arange(-EXACT, EXACT + 1)
    symbol_bits = entropy_tables.bits(tables)
    out = np.empty((len(tables), values.size), np.float32)
    for row in range(len(tables)):
        shift, escape = int(tables.shift[row]), 2 * int(tables.radius[row]) + 1
        place = entropy_tables.symbol_index(values >> shift)
        gamma = np.where(place >= escape, 2 * np.floor(np.log2(np.maximum(place - escape, 0) + 1)) + 1, 0)
        out[row] = symbol_bits[tables.start[row] + np.minimum(place, escape)] + gamma + shift
    return out.reshape(SHAPES, CLASSES, CENTRES, -1)


def build() -> FrozenTables:
    """The family from its two laws; floats, so run once when the family is made and then shipped."""
    weights, shifts = [], []
    for shape in (_normal_above, _laplace_above):
        for scale_class in range(CLASSES):
            sigma = 2 ** (scale_class / 4 - 4)
            shift = max(0, math.ceil(math.log2(4 * sigma / _RADIUS)))
            radius = min(_RADIUS, math.ceil(4 * sigma / 2**shift) + 2)
            for centre in range(CENTRES):
                weights.append(_weights(shape, sigma, (centre - 1) / 4, radius, shift))
                shifts.append(shift)
    return entropy_tables.from_weights(weights, np.array(shifts), np.zeros(len(shifts), bool))


def _weights(above, sigma: float, centre: float, radius: int, shift: int) -> np.ndarray:
    """Mass of q = -radius..radius, then of everything beyond; q = r >> shift, r rounded to whole numbers."""
    edges = [((q << shift) - 0.5 - centre) / sigma for q in range(-radius, radius + 2)]
    cells = [_mass(above, low, high) for low, high in pairwise(edges)]
    return np.array([*cells, above(-edges[0]) + above(edges[-1])])


def _mass(above, low: float, high: float) -> float:
    """Between two places, taken from the side where no digits cancel; both laws are symmetric."""
    if high <= 0:
        low, high = -high, -low
    return above(low) - above(high) if low >= 0 else 1 - above(-low) - above(high)


def _normal_above(place: float) -> float:
    return 0.5 * math.erfc(place / math.sqrt(2))


def _laplace_above(place: float) -> float:
    """Unit variance; place >= 0 or below."""
    tail = 0.5 * math.exp(-abs(place) * math.sqrt(2))
    return tail if place >= 0 else 1 - tail
