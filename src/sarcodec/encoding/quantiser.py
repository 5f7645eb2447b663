"""The encoder's choice of symbols: the path through the trellis of least bits + weight * squared error.

In: residuals in steps, table numbers, the model's tables and centroids; out: symbols and the quantiser of each. Decoders know
nothing of the search: any path decodes, and so does one that is taken symbol by symbol (`greedy`). Costs are whole numbers, so that
every machine chooses the same symbols for the same residuals; native/search.c does it where it can, and what stands here where not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from sarcodec import native
from sarcodec.encoding.offers import PriceList, scaled_weights
from sarcodec.entropy.tables import FrozenTables
from sarcodec.entropy.trellis import USUAL, Trellis
from sarcodec.native import search as compiled

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

# Bits that one squared step of error is worth, where a channel's step is the step of its index. A uniform quantiser at high
# rate has 8.66 (see train.loss); 6 to 7.5 gave the smallest files at equal error on development places (docs/log.md).
ERROR_WEIGHT: Final = 7.0
BLOCK: Final = 1 << 13  # the path is decided in blocks of so many symbols, to bound memory
_FAR = 1 << 40


@dataclass(frozen=True, eq=False)
class Quantiser:
    """Chooses symbols under a model's tables; centroids (256, 8) uint8 in 1/32 step; greedy: no search, in half the time."""

    tables: FrozenTables
    centroids: Integers
    greedy: bool = False

    @cached_property
    def prices(self) -> PriceList:
        """What symbols cost under the tables."""
        return PriceList.of(self.tables, self.centroids)

    def choose(
        self, residual: Floats, rows: Integers, weight: Floats, state: int, trellis: Trellis = USUAL
    ) -> tuple[Integers, Integers, int]:
        """residual, rows (cells, channels), weight (channels,): (channel step / step)^2, the trellis state at the start
        -> symbols and quantisers of that shape, int64, the state at the end."""
        coded = ~self.tables.skip[rows]
        weights = np.broadcast_to(np.float32(ERROR_WEIGHT) * weight.astype(np.float32), residual.shape)
        chosen = self._chosen(
            residual[coded].astype(np.float32), rows[coded].astype(np.uint8), weights[coded], state, trellis
        )
        symbols, which = np.zeros((2, *residual.shape), np.int64)
        symbols[coded], which[coded], state = chosen
        return symbols, which, state

    def _chosen(
        self, residual: Floats, rows: Integers, weights: Floats, state: int, trellis: Trellis
    ) -> tuple[Integers, Integers, int]:
        """The same of symbols that are coded, all (n,)."""
        if native.available():
            scaled = scaled_weights(weights)
            return compiled.search(self.prices.arrays, residual, rows, scaled, self.greedy, state, trellis is not USUAL)
        symbols, which = np.zeros(residual.size, np.int32), np.zeros(residual.size, np.uint8)
        offers = self.prices.offers(residual, rows, weights)
        for begin in range(0, residual.size, BLOCK):
            block = slice(begin, begin + BLOCK)
            choose = _follow if self.greedy else _search
            classes, which[block], state = choose(trellis, offers.costs[block], state)
            symbols[block] = offers.symbols(block, classes)
        return symbols, which, state


def _follow(trellis: Trellis, costs: Integers, state: int) -> tuple[Integers, Integers, int]:
    """The cheapest symbol where one stands, without a look ahead. Costs (n, 4) -> classes, quantisers, the last state."""
    classes, which = np.zeros((2, len(costs)), np.uint8)
    for i, cost in enumerate(costs.tolist()):
        which[i] = state & 1
        even, odd = (2 * parity ^ 3 * (state & 1) for parity in (0, 1))
        classes[i] = even if cost[even] <= cost[odd] else odd
        state = int(trellis.next_state[state, int(classes[i] == odd)])
    return classes, which, state


@cache
def _ways(trellis: Trellis) -> tuple[Integers, Integers]:
    """Which state leads to state t by an even and by an odd symbol (2, states), and the class of that symbol."""
    before = np.argsort(trellis.next_state.astype(np.int64).T, axis=1, kind="stable")
    return before, 2 * np.arange(2)[:, None] ^ 3 * trellis.quantiser[before].astype(np.int64)


def _search(trellis: Trellis, costs: Integers, state: int) -> tuple[Integers, Integers, int]:
    """Viterbi over one block. Costs (n, 4) of the classes -> classes, quantisers, the last state."""
    before, kinds = _ways(trellis)
    total = np.full(trellis.states, _FAR, np.int64)
    total[state] = 0
    odd = np.empty((len(costs), trellis.states), bool)
    for cost, choice in zip(costs.astype(np.int64), odd):
        ways = total[before] + cost[kinds]
        np.less(ways[1], ways[0], out=choice)
        total = np.minimum(ways[0], ways[1])
    now = last = int(np.argmin(total))
    classes, which = np.zeros((2, len(costs)), np.uint8)
    for i in range(len(costs) - 1, -1, -1):
        parity = int(odd[i, now])
        classes[i] = kinds[parity, now]
        now = int(before[parity, now])
        which[i] = now & 1
    return classes, which, last
