"""Integer entropy tables that ship with a model: frozen frequencies of 14 bits, checked, packed, counted.

In: weights of quantised values, once, when a model is made. Out: integers that reading and writing share for ever.
Knows nothing of rANS states, tiles or networks. Floats are in the builders and the bit counts only, never in a table.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Bools, Floats, Integers

PRECISION_BITS = 14
TOTAL = 1 << PRECISION_BITS
MAX_TABLES = 1024
MAX_SHIFT = 12
MAX_RADIUS = 127
LOOKUP_BITS = (
    6  # an entry a 64 slots where the search for a symbol begins: 256 bytes a table, measured fastest of 4 to 10
)
MAX_MAGNITUDE = 1 << 24  # every coded value v obeys |v| < MAX_MAGNITUDE


@dataclass(frozen=True, eq=False)
class FrozenTables:
    """T tables; table t codes q = value >> shift[t] with its own alphabet and the low shift[t] bits as they are.

    The alphabet in code order is 0, -1, +1, -2, +2, ..., -R, +R (R = radius[t]), then one ESCAPE symbol.
    `cumulative` (uint16, flat) holds 2R + 3 entries for a table that codes: 0, f0, f0 + f1, ..., 16384. It begins at
    `start[t]` (int32, T + 1 entries). A table with `skip` codes nothing, its value is always 0, and it has no entries.
    Raises ModelError when a law is broken.
    """

    cumulative: Integers
    start: Integers
    radius: Integers
    shift: Integers
    skip: Bools

    def __post_init__(self) -> None:
        for name, dtype in (
            ("cumulative", np.uint16),
            ("start", np.int32),
            ("radius", np.uint8),
            ("shift", np.uint8),
            ("skip", np.bool_),
        ):
            object.__setattr__(self, name, _frozen(getattr(self, name), dtype, name))
        _check_shapes(self)
        _check_frequencies(self)

    def __len__(self) -> int:
        return self.radius.size

    @cached_property
    def frequencies(self) -> Integers:
        """uint16, aligned with `cumulative`: entry start[t] + z is the frequency of symbol z; a table's last is 0."""
        steps = np.zeros(self.cumulative.size, np.uint16)
        steps[:-1] = np.diff(self.cumulative.astype(np.int32)).clip(0).astype(np.uint16)
        steps.flags.writeable = False
        return steps

    @cached_property
    def layout(self) -> Integers:
        """uint32 (T,): start in bits 0..19, shift in 20..23, radius in 24..30, skip in bit 31 (one load a symbol)."""
        packed = self.start[:-1].astype(np.uint32) | self.shift.astype(np.uint32) << np.uint32(20)
        packed |= self.radius.astype(np.uint32) << np.uint32(24) | self.skip.astype(np.uint32) << np.uint32(31)
        packed.flags.writeable = False
        return packed

    def lookup(self, slot_bits: int) -> Integers:
        """uint8 (T, 16384 >> slot_bits): the symbol of table t at slot i << slot_bits, where a search begins. Kept."""
        known = self.__dict__.setdefault("_lookups", {})
        if slot_bits not in known:
            known[slot_bits] = _slot_symbols(self, slot_bits)
        found: Integers = known[slot_bits]
        return found

    def digest(self) -> bytes:
        """SHA-256 (32 bytes) of the canonical, uncompressed form: the same whatever zlib packed it."""
        return hashlib.sha256(_canonical(self)).digest()

    def pack(self) -> bytes:
        """Compact bytes for the model's folder."""
        return zlib.compress(_canonical(self), 9)


def unpack(data: bytes) -> FrozenTables:
    """Read what `FrozenTables.pack` wrote. Raises ModelError on anything else."""
    limit = 2 + MAX_TABLES * (3 + 2 * (2 * MAX_RADIUS + 2))
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, limit + 1)
    except zlib.error as error:
        raise ModelError(f"entropy tables do not inflate ({error}); install the model again") from error
    if not inflater.eof or inflater.unused_data or len(raw) > limit:
        raise ModelError("entropy tables are cut or too long; install the model again")
    return _from_canonical(raw)


def symbol_index(values: Integers) -> Integers:
    """Place of q in the alphabet 0, -1, +1, -2, +2, ...: 2|q| - (q < 0)."""
    wide = np.asarray(values).astype(np.int64)
    return 2 * np.abs(wide) - (wide < 0)


def bits(tables: FrozenTables) -> Floats:
    """float64, aligned with `cumulative`: cost of symbol z of table t at start[t] + z, without raw and escape bits."""
    frequencies = tables.frequencies.astype(np.float64)
    return np.where(frequencies > 0, PRECISION_BITS - np.log2(np.maximum(frequencies, 1)), 0.0)


def cost(tables: FrozenTables, rows: Integers, values: Integers) -> float:
    """Total bits of values (int, n) under tables rows (int, n), raw and escape bits counted: the ideal code length."""
    coded = ~tables.skip[rows]
    rows, values = np.asarray(rows)[coded], np.asarray(values)[coded].astype(np.int64)
    shift = tables.shift[rows].astype(np.int64)
    place = symbol_index(values >> shift)
    escape = 2 * tables.radius[rows].astype(np.int64) + 1
    excess = place - escape
    gamma = np.where(excess >= 0, 2 * np.floor(np.log2(np.maximum(excess, 0) + 1)) + 1, 0)
    return float(np.sum(bits(tables)[tables.start[rows] + np.minimum(place, escape)]) + gamma.sum() + shift.sum())


def from_weights(weights: list[Floats], shift: Integers, skip: Bools) -> FrozenTables:
    """Quantise weights to frequencies that sum to 16384, none below 1, with the least excess bits.

    weights[t] (float64, 2R + 2): weight of q = -R, ..., +R, then of ESCAPE; ignored where skip[t]. The scale is free.
    """
    skip = np.asarray(skip, bool)
    cumulative, lengths, radius = [np.zeros(0, np.int64)], [], []
    for weight, is_skipped in zip(weights, skip, strict=True):
        frequencies = np.zeros(0, np.int64) if is_skipped else _quantise(_code_order(weight))
        table = np.zeros(0, np.int64) if is_skipped else np.concatenate([[0], np.cumsum(frequencies)])
        cumulative.append(table)
        lengths.append(table.size)
        radius.append(max(frequencies.size // 2 - 1, 0))
    start = np.concatenate([[0], np.cumsum(lengths)])
    return FrozenTables(np.concatenate(cumulative), start, np.array(radius), np.asarray(shift), skip)


def gaussian_weights(sigma: float, radius: int, shift: int = 0) -> Floats:
    """Zero-mean normal mass of q = floor(r / 2^shift), r rounded to integers: cells [q 2^k - 0.5, (q + 1) 2^k - 0.5).

    float64 (2 radius + 2): q = -radius..radius, then the mass of both tails for ESCAPE. sigma in units of r, > 0.
    """
    if not (sigma > 0 and math.isfinite(sigma)):
        raise ModelError(f"sigma is {sigma}, expected a finite number above 0")
    edges = [(q * 2**shift - 0.5) / (sigma * math.sqrt(2)) for q in range(-radius, radius + 2)]
    cells = [_normal_mass(low, high) for low, high in itertools.pairwise(edges)]
    return np.array([*cells, 0.5 * (math.erfc(-edges[0]) + math.erfc(edges[-1]))])


def _normal_mass(low: float, high: float) -> float:
    """Half erf(high) - erf(low), taken from the side where no digits cancel."""
    if low >= 0:
        return 0.5 * (math.erfc(low) - math.erfc(high))
    if high <= 0:
        return 0.5 * (math.erfc(-high) - math.erfc(-low))
    return 1 - 0.5 * (math.erfc(-low) + math.erfc(high))


def _code_order(weight: Floats) -> Floats:
    weight = np.asarray(weight, np.float64)
    if weight.ndim != 1 or weight.size < 2 or weight.size % 2 or weight.size > 2 * MAX_RADIUS + 2:
        raise ModelError(f"weights have shape {weight.shape}, expected (2R + 2,) with R from 0 to {MAX_RADIUS}")
    if not np.isfinite(weight).all() or (weight < 0).any() or weight.sum() <= 0:
        raise ModelError("weights must be finite, none negative, and not all zero")
    radius = weight.size // 2 - 1
    place = symbol_index(np.arange(-radius, radius + 1))
    ordered = np.empty_like(weight)
    ordered[place] = weight[:-1]
    ordered[-1] = weight[-1]
    return ordered


def _quantise(weight: Floats) -> Integers:
    """Frequencies >= 1 of sum 16384 that minimise sum w log2(1/f): separable and convex, so unit exchanges reach it."""
    weight = weight / weight.sum()
    frequencies = np.maximum(1, np.floor(weight * TOTAL)).astype(np.int64)
    while True:
        missing = TOTAL - int(frequencies.sum())
        gain = weight * np.log2(1 + 1 / frequencies)
        loss = np.where(frequencies > 1, weight * np.log2(frequencies / np.maximum(frequencies - 1, 1)), np.inf)
        best, least = int(np.argmax(gain)), int(np.argmin(loss))
        if missing == 0 and gain[best] <= loss[least] * (1 + 1e-9):
            return frequencies
        frequencies[best] += missing >= 0
        frequencies[least] -= missing <= 0


def _frozen(array: Integers | Bools, dtype: npt.DTypeLike, name: str) -> Integers | Bools:
    source = np.asarray(array)
    if source.ndim != 1 or source.dtype.kind not in "biu":
        raise ModelError(f"table array {name} is {source.dtype} of {source.ndim} axes, expected integers on one axis")
    copy: Integers | Bools = source.astype(dtype)
    if not np.array_equal(copy, source):
        raise ModelError(f"table array {name} does not fit {np.dtype(dtype)}")
    copy.flags.writeable = False
    return copy


def _check_shapes(tables: FrozenTables) -> None:
    count = tables.radius.size
    if not 1 <= count <= MAX_TABLES or tables.shift.size != count or tables.skip.size != count:
        sizes = (count, tables.shift.size, tables.skip.size)
        raise ModelError(f"radius, shift, skip have {sizes} entries, expected one number from 1 to {MAX_TABLES}")
    if int(tables.radius.max()) > MAX_RADIUS or int(tables.shift.max()) > MAX_SHIFT:
        raise ModelError(
            f"radius and shift reach {tables.radius.max()}, {tables.shift.max()}; limits are {MAX_RADIUS}, {MAX_SHIFT}"
        )
    if (tables.skip & ((tables.radius > 0) | (tables.shift > 0))).any():
        raise ModelError("a table that is skipped must have radius 0 and shift 0")
    lengths = np.where(tables.skip, 0, 2 * tables.radius.astype(np.int64) + 3)
    expected = np.concatenate([[0], np.cumsum(lengths)])
    if not np.array_equal(tables.start, expected) or tables.cumulative.size != expected[-1]:
        raise ModelError("table starts and the number of cumulative entries do not follow from the radii")


def _check_frequencies(tables: FrozenTables) -> None:
    coded = np.flatnonzero(~tables.skip)
    if coded.size == 0:
        return
    first, last = tables.start[coded], tables.start[coded + 1] - 1
    steps = np.diff(tables.cumulative.astype(np.int64))
    inside = np.ones(steps.size, bool)
    inside[last[:-1]] = False  # the step from one table's 16384 to the next one's 0
    if tables.cumulative[first].any() or (tables.cumulative[last] != TOTAL).any() or (steps[inside] < 1).any():
        raise ModelError(f"each table's cumulative frequencies must rise from 0 to {TOTAL} by at least 1 a symbol")


def _slot_symbols(tables: FrozenTables, slot_bits: int) -> Integers:
    """Each symbol stands as often as slots i << slot_bits lie between its cumulative frequency and the next one's."""
    before = (tables.cumulative.astype(np.int32) + (1 << slot_bits) - 1) >> slot_bits  # slots below each of them
    counts = np.maximum(np.diff(before, append=0), 0)  # from one table's end to the next one's begin: none
    number = np.arange(tables.cumulative.size) - np.repeat(tables.start[:-1], np.diff(tables.start))
    symbols = np.zeros((len(tables), TOTAL >> slot_bits), np.uint8)
    symbols[~tables.skip] = np.repeat(number.astype(np.uint8), counts).reshape(-1, TOTAL >> slot_bits)
    symbols.flags.writeable = False
    return symbols


def _symbol_places(tables: FrozenTables) -> Integers:
    """Flat places, in `cumulative`, of every symbol (each table's closing 16384 left out)."""
    closing = np.zeros(tables.cumulative.size, bool)
    closing[tables.start[1:][~tables.skip] - 1] = True
    return np.flatnonzero(~closing)


def _canonical(tables: FrozenTables) -> bytes:
    """u16 T; radius, shift, skip as u8[T]; then f(t, z) - f(t - 1, z) mod 2^16, all low bytes, then all high bytes."""
    frequencies = tables.frequencies[_symbol_places(tables)]
    deltas = (frequencies - _above(frequencies, tables.radius, tables.skip)).astype("<u2")
    planes = np.ascontiguousarray(deltas.view(np.uint8).reshape(-1, 2).T)
    head = len(tables).to_bytes(2, "little") + tables.radius.tobytes() + tables.shift.tobytes()
    return head + tables.skip.astype(np.uint8).tobytes() + planes.tobytes()


def _above(frequencies: Integers, radius: Integers, skip: Bools) -> Integers:
    """The frequency of the same symbol in the last coding table before, 0 where that has none."""
    above, place, last = np.zeros_like(frequencies), 0, frequencies[:0]
    for size in 2 * radius[~skip].astype(int) + 2:
        shared = min(size, last.size)
        above[place : place + shared] = last[:shared]
        last = frequencies[place : place + size]
        place += size
    return above


def _from_canonical(raw: bytes) -> FrozenTables:
    count = int.from_bytes(raw[:2], "little")
    if not 1 <= count <= MAX_TABLES or len(raw) < 2 + 3 * count:
        raise ModelError(f"entropy tables claim {count} tables in {len(raw)} bytes; install the model again")
    radius, shift, skip = np.frombuffer(raw, np.uint8, 3 * count, 2).reshape(3, count)
    sizes = np.where(skip == 0, 2 * radius.astype(np.int64) + 2, 0)
    planes = np.frombuffer(raw, np.uint8, offset=2 + 3 * count)
    if skip.max() > 1 or radius.max() > MAX_RADIUS or planes.size != 2 * sizes.sum():
        raise ModelError("entropy tables have the wrong length for their radii; install the model again")
    deltas = np.ascontiguousarray(planes.reshape(2, -1).T).view("<u2").ravel()
    sizes = sizes[sizes > 0]
    frequencies, place, last = deltas.copy(), 0, deltas[:0]
    for size in sizes.tolist():
        shared = min(size, last.size)
        frequencies[place : place + shared] += last[:shared]
        last = frequencies[place : place + size]
        place += size
    start = np.concatenate([[0], np.cumsum(np.where(skip == 0, 2 * radius.astype(np.int64) + 3, 0))])
    return FrozenTables(_cumulative(frequencies, sizes), start, radius, shift, skip.astype(bool))


def _cumulative(frequencies: Integers, sizes: Integers) -> Integers:
    """Frequencies of tables of so many symbols, one after another -> 0 and the sums up to each symbol, table by table."""
    table, sums = np.repeat(np.arange(sizes.size), sizes), np.cumsum(frequencies, dtype=np.int64)
    before = np.concatenate([[0], sums])[np.cumsum(sizes) - sizes]
    found = np.zeros(frequencies.size + sizes.size, np.int64)
    found[np.arange(frequencies.size) + table + 1] = sums - before[table]
    return found
