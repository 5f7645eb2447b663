"""The second reader's latents, written from docs/format.md alone: slow, whole numbers, no code of the package.

In: sections of a tile and the folder of its model; out: symbols of a tile, and its latents in 1/32 step. Numbers in
docstrings are sections of that page. It trusts what it reads but for checksums and ends.
"""

import hashlib
import json
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from format.slow_sections import Bytes

GROUPS = ((0, 16, 32), (16, 80, 160), (96, 288, 144), (384, 640, 40))  # 9.1: first channel, count, feature count
LIMIT = 1 << 30  # of means and latents, 9.7
POOL = {2: (2, 4), 3: (16, 7)}  # 9.6: channels, shift
TRELLISES = {  # 9.3: by state and parity of the symbol, usual and large
    large: [(a // 2 ^ even * (a % 2), a // 2 ^ even * (a % 2) ^ odd) for a in range(states)]
    for large, states, even, odd in ((False, 256, 166, 121), (True, 1024, 534, 163))
}


class Stream:
    """Values out of an entropy-coded stream (6.2 to 6.4). A table is None (skip) or (shift, frequencies)."""

    def __init__(self, data: bytes):
        opening = len(data) if len(data) < 3 else 3 if len(data) % 2 else 4
        self.state = int.from_bytes(data[:opening], "little") if data else 1
        self.words = [int.from_bytes(data[i : i + 2], "little") for i in range(opening, len(data), 2)][::-1]

    def refill(self) -> None:
        if self.state < 1 << 16 and self.words:
            self.state = (self.state << 16) + self.words.pop()

    def bits(self, width: int) -> int:
        if width == 0:
            return 0
        value, self.state = self.state % (1 << width), self.state >> width
        self.refill()
        return value

    def symbol(self, frequencies: list[int]) -> int:
        slot, before, z = self.state % 16384, 0, 0
        while slot >= before + frequencies[z]:
            before, z = before + frequencies[z], z + 1
        self.state = frequencies[z] * (self.state >> 14) + slot - before
        self.refill()
        return z

    def gamma(self) -> int:
        n = 0
        while self.bits(1) == 0:
            n += 1
            assert n <= 24
        high = self.bits(max(n - 12, 0))
        return (1 << n) + (high << min(n, 12)) + self.bits(min(n, 12))

    def value(self, table) -> int:
        if table is None:
            return 0
        shift, frequencies = table
        z = self.symbol(frequencies)
        if z == len(frequencies) - 1:
            z += self.gamma() - 1
        q = z // 2 if z % 2 == 0 else -(z + 1) // 2
        v = q * 2**shift + self.bits(shift)
        assert self.state > 0 and abs(v) < 1 << 24
        return v


def read_tables(data: bytes) -> list:
    """6.1."""
    raw = Bytes(zlib.decompress(data))
    count = raw.number(2)
    radii, shifts, skips = (list(raw.take(count)) for _ in range(3))
    sizes = [0 if skip else 2 * radius + 2 for radius, skip in zip(radii, skips)]
    low, high = raw.take(sum(sizes)), raw.take(sum(sizes))
    differences = iter([a + 256 * b for a, b in zip(low, high)])
    tables, above = [], []
    for size, shift, skip in zip(sizes, shifts, skips):
        if skip:
            tables.append(None)
            continue
        above = [(next(differences) + (above[z] if z < len(above) else 0)) % 65536 for z in range(size)]
        assert sum(above) == 16384 and min(above) >= 1
        tables.append((shift, above))
    return tables


def clamp(x: int, low: int, high: int) -> int:
    return max(low, min(high, x))


def by_radius(side: int) -> list[tuple[int, int]]:
    """The order of channels (10.3) and of bins (9.11) on a square of frequencies."""
    return sorted(
        ((a, b) for a in range(side) for b in range(side)), key=lambda place: (place[0] ** 2 + place[1] ** 2, place[0])
    )


BIN_OF = [by_radius(8).index((a // 4, b // 4)) for a, b in by_radius(32)]


def read_choices(section: bytes) -> tuple[bool, list[int], bytes]:
    """9.11: whether the trellis is the large one, the shift of each channel, and the stream behind."""
    count, large = section[2] % 128, section[2] >= 128
    bits, at, shifts = "".join(f"{byte:08b}" for byte in section[3:]), 0, []
    for _ in range(count):
        zeros = bits.index("1", at) - at
        folded = int(bits[at + zeros : at + 2 * zeros + 1], 2) - 1
        shifts.append(folded // 2 if folded % 2 == 0 else -(folded + 1) // 2)
        at += 2 * zeros + 1
    used = -(-at // 8)
    assert count <= 64 and "1" not in bits[at : 8 * used] and all(abs(shift) <= 31 for shift in shifts)
    assert not shifts or shifts[-1]
    shifts += [0] * (64 - count)
    return large, [shifts[n] for n in BIN_OF], section[3 + used :]


def rounded_shift(total: int, k: int) -> int:
    return (total + (1 << (k - 1))) >> k


def at_step(knots: list[int], s: int) -> int:
    i, f = s // 64, s % 64
    return (knots[i] * (64 - f) + knots[i + 1] * f) >> 6


def accumulate(total: list[int], inputs: list[int], weight: np.ndarray) -> list[int]:
    """All of it fits 64 bits (9)."""
    return (np.array(total, np.int64) + np.array(inputs, np.int64) @ weight).tolist()


@dataclass
class Tile:
    """What is decoded of a tile: symbols in coding order, by cell latents in 1/32 step, and the table t and the place p of each (9.7)."""

    symbols: list = field(default_factory=list)
    latents: dict = field(default_factory=dict)
    places: dict = field(default_factory=dict)


class SlowModel:
    """A model's folder (10), and the walk of section 9."""

    def __init__(self, folder: Path):
        self.folder, self.card = folder, json.loads((folder / "card.json").read_text())
        with np.load(folder / "prior.npz", allow_pickle=False) as arrays:
            whole = {name: arrays[name].astype(np.int64) for name in arrays.files}
        self.arrays = {name: a if name.endswith(".weight") else a.tolist() for name, a in whole.items()}
        self.tables = read_tables((folder / "tables.bin").read_bytes())

    @cached_property
    def digest(self) -> bytes:
        """10.1."""
        total = hashlib.sha256()
        names = ("hyper_analysis.npz", "prior.npz", "tables.bin", "transform.npz")
        for name in names:
            data = (self.folder / name).read_bytes()
            total.update(name.encode() + b" " + str(len(data)).encode() + b"\n" + data)
        return total.digest()

    def layer(self, name: str, inputs: list[int]) -> list[int]:
        sums = accumulate(self.arrays[name + ".bias"], inputs, self.arrays[name + ".weight"])
        return [rounded_shift(t, k) for t, k in zip(sums, self.arrays[name + ".exponent"], strict=True)]

    def active(self, name: str, inputs: list[int]) -> list[int]:
        return [clamp(x, 0, 255) for x in self.layer(name, inputs)]

    def side(self, z: dict, rows: int, cols: int) -> dict:
        """9.4: side features by cell, from hyper symbols by hyper cell."""
        grid, depth = {}, 0
        for (i, j), symbols in z.items():
            out = self.active("hyper1", [clamp(v, -127, 127) for v in symbols])
            depth = len(out) // 4
            for a in (0, 1):
                for b in (0, 1):
                    grid[2 * i + a, 2 * j + b] = [out[4 * c + 2 * a + b] for c in range(depth)]
        around = lambda i, j: near(grid, i, j, [0] * depth)
        cells = [(i, j) for i in range(rows) for j in range(cols)]
        return {cell: self.active("hyper3", self.active("hyper2", around(*cell))) for cell in cells}

    def power(self, exponent: int, bits: int) -> int:
        """9.5."""
        shift = (exponent >> 10) + bits - 20
        mantissa = self.arrays["steps.powers"][exponent % 1024]
        return mantissa << shift if shift >= 0 else mantissa >> -shift

    def log2_step(self, channel: int, s: int) -> int:
        """E of 9.5."""
        return 16 * s - 4096 + at_step(self.arrays["steps.offsets"][channel], s)

    def features(self, group: int, latents: list[int], s: int) -> list[int]:
        """9.6, one cell; of a reference, s is its step index (9.10)."""
        first, sizes, signed = GROUPS[group][0], [], []
        for n, y in enumerate(latents):
            rho = self.arrays["steps.deviation"][first + n] - self.log2_step(first + n, s)
            m = (abs(y) * self.power(-rho, 18)) >> 16
            sizes.append(self.arrays["companding"][min(m, 8191)])
            signed.append(min((20 * m + 64) >> 7, 127) * ((y > 0) - (y < 0)))
        if group < 2:
            return signed + sizes
        many, shift = POOL[group]
        return [(10 * sum(sizes[n : n + many])) >> shift for n in range(0, len(sizes), many)]

    def predict(
        self, n: int, sums: list[int], s: int, leaned: list[int] | None, shifts: list[int]
    ) -> list[tuple[int, int]]:
        """9.7: mean and t of each channel of a pass in one cell; leaned: the reference's latents there in this band's steps; shifts: S by channel."""
        group, (first, count, _) = n // 2, GROUPS[n // 2]
        x = [clamp(rounded_shift(t, k), 0, 255) for t, k in zip(sums, self.arrays["accumulator.exponent"], strict=True)]
        hidden = self.active(f"hidden{n}", x)
        v, found = self.layer(f"head{n}", hidden), []
        gain = self.layer(f"gain{n}", hidden) if leaned else [0] * count
        for j in range(count):
            rho = self.arrays["steps.deviation"][first + j] - self.log2_step(first + j, s)
            mean = (v[j] * self.power(rho, 15) + 32768) >> 16
            if leaned:
                mean += (gain[j] * leaned[first + j] + 32) >> 6
            level = clamp(((v[count + j] + (rho >> 4) + 256 + 4 * shifts[first + j]) >> 4) + 1, 0, 63)
            found.append((clamp(mean, -LIMIT, LIMIT), 64 * group + level))
        return found

    def leaned(self, reference: dict, s_reference: int, s: int) -> dict:
        """9.10: the reference's latents in this band's channel steps, by cell."""
        ratios = [self.power(self.log2_step(c, s_reference) - self.log2_step(c, s), 16) for c in range(1024)]
        limited = lambda values: [clamp(r * f >> 16, -LIMIT, LIMIT) for r, f in zip(values, ratios, strict=True)]
        return {cell: limited(values) for cell, values in reference.items()}

    def from_reference(self, reference: dict, s: int, groups: int) -> dict:
        """U of 9.10, by cell, from the first groups of the reference."""
        width = len(self.arrays["accumulator.exponent"])
        total = {cell: [0] * width for cell in reference}
        for group, (first, count, many) in enumerate(GROUPS[:groups]):
            seen = {cell: self.features(group, r[first : first + count], s) for cell, r in reference.items()}
            for cell in total:
                inputs = near(seen, *cell, [0] * many) if group < 2 else seen[cell]
                total[cell] = accumulate(total[cell], inputs, self.arrays[f"reference{group}.weight"])
        return total

    def read_tile(
        self, parts: tuple[bytes, bytes], s: int, rows: int, cols: int, reference: tuple[dict, int] | None = None
    ) -> Tile:
        """parts: the two sections, base first; reference: latents and step index of a band leaned on."""
        large, shifts, base = read_choices(parts[0])
        streams, symbols, tile = [Stream(base), Stream(parts[1][2:])], [[], []], Tile()

        def read(part: int, table: int) -> int:
            symbols[part].append(streams[part].value(self.tables[table]))
            return symbols[part][-1]

        hyper_cells = [(i, j) for i in range(-(-rows // 2)) for j in range(-(-cols // 2))]
        z = {cell: [read(0, 512 + 10 * c + s // 64) for c in range(24)] for cell in hyper_cells}
        side = self.side(z, rows, cols)
        seen, states = [{} for _ in GROUPS], [0, 0]
        tile.latents, tile.places = {cell: [] for cell in side}, {cell: [] for cell in side}
        leaned = self.leaned(*reference, s) if reference else {}
        added = [self.from_reference(*reference, groups) for groups in (1, 4)] if reference else []
        for n in range(8):
            decoded, part = {}, int(n >= 2)
            for cell in (c for c in side if sum(c) % 2 == n % 2):
                sums = self.sums(n, cell, side, seen, s)
                if reference:
                    sums = [a + b for a, b in zip(sums, added[part][cell], strict=True)]
                found = self.predict(n, sums, s, leaned.get(cell), shifts)
                decoded[cell] = []
                for mean, t in found:
                    state = states[part]
                    k = read(part, t + 256 * (state % 2))
                    sign = (k > 0) - (k < 0)
                    p = 2 * k - (state % 2) * sign
                    tile.places[cell].append((t, p))
                    y = 21 * p - sign * self.arrays["centroids"][t][min(abs(p), 7)] + mean
                    decoded[cell].append(clamp(y, -LIMIT, LIMIT))
                    if self.tables[t + 256 * (state % 2)] is not None:
                        states[part] = TRELLISES[large][state][k % 2]
            for cell, values in decoded.items():
                tile.latents[cell] += values
                seen[n // 2][cell] = self.features(n // 2, values, s)
        for stream, some, section in zip(streams, symbols, parts, strict=True):
            assert stream.state == 1 and not stream.words
            assert crc16(some) == int.from_bytes(section[:2], "little")
        tile.symbols = symbols[0] + symbols[1]
        return tile

    def sums(self, n: int, cell: tuple[int, int], side: dict, seen: list[dict], s: int) -> list[int]:
        """T of 9.7."""
        total = [at_step(knots, s) for knots in self.arrays["accumulator.bias"][n]]
        total = accumulate(total, side[cell], self.arrays["side.weight"])
        for group in range(n // 2 + 1):
            around = near(seen[group], *cell, [0] * GROUPS[group][2])
            total = accumulate(total, around, self.arrays[f"group{group}.weight"])
        return total


def near(grid: dict, i: int, j: int, nothing: list[int]) -> list[int]:
    """The 3 x 3 places around one, row by row, as one list."""
    return [x for u in (-1, 0, 1) for v in (-1, 0, 1) for x in grid.get((i + u, j + v), nothing)]


def crc16(symbols: list[int]) -> int:
    """1, 9."""
    return zlib.crc32(b"".join(v.to_bytes(4, "little", signed=True) for v in symbols)) & 0xFFFF
