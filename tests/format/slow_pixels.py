"""The second reader's other half, written from docs/format.md alone: from latents and levels to pixels. No code of the package.

In: a file as `slow_file` reads it and a model as `slow_reader` does; out: pixels of every plane, of learned bands those of least error or of
unbiased power. Numbers in docstrings are sections of that page. Float64.
"""

import math

import numpy as np

from format.slow_bounded import AMPLITUDE, DB, read_bounded
from format.slow_file import File
from format.slow_reader import SlowModel, Tile
from format.slow_sections import Bytes, masked, read_exact, sections, unfold
from format.slow_targets import put


def planes_of(file: File, model: SlowModel | None, power: bool) -> list[np.ndarray]:
    """All bands, then all masks. power: pixels of unbiased power, or else of least error; of learned bands."""
    found, decoded = [], {}
    for plane in range(file.planes):
        band = file.bands[plane] if plane < len(file.bands) else None
        dtype = file.dtype if band else "uint8"
        tiles = range(file.grid[0] * file.grid[1])
        parts = [sections(file.payloads[tile * file.planes + plane]) for tile in tiles]
        out = np.zeros((file.rows, file.cols), dtype)
        if band and band.kind == 0:
            decoded[plane] = latents_of(file, model, plane, parts, decoded)
            levels = Levels(file, model, plane, parts, decoded[plane]).whole(power)
            restored = pixels_of(levels, file, plane)
        for tile in tiles:
            place, shape = file.place(tile), file.shape(tile)
            if band is None or band.kind == 2:
                out[place] = read_exact(parts[tile][12], shape, dtype)
            elif band.kind == 1:
                out[place] = read_bounded(parts[tile], shape, dtype, band)
            else:
                out[place] = masked(restored[place], parts[tile].get(10))
        found.append(out)
    return found


def latents_of(file: File, model: SlowModel, band: int, parts: list, others: dict) -> list[Tile | None]:
    """9: of all tiles of a band; None where one has none."""
    found = []
    for tile, some in enumerate(parts):
        rows, cols = (-(-n // 32) for n in file.shape(tile))
        step = file.steps[tile * file.planes + band]
        if 1 in some:
            found.append(model.read_tile((some[1], some[8]), step, rows, cols))
        elif 2 in some:
            first = file.bands[band].reference
            reference = others[first][tile].latents, file.steps[tile * file.planes + first]
            found.append(model.read_tile((some[2], some[9]), step, rows, cols, reference))
        else:
            found.append(None)
    return found


class Levels:
    """10.3, 11, 15: levels in dB of a learned band."""

    def __init__(self, file: File, model: SlowModel, band: int, parts: list, tiles: list):
        self.file, self.model, self.band, self.parts, self.tiles = file, model, band, parts, tiles

    def whole(self, power: bool) -> np.ndarray:
        file, offset = self.file, self.file.bands[self.band].level / 64
        rows, cols = (-(-n // 32) for n in (file.rows, file.cols))
        cells, self.lost = np.zeros((rows, cols, 1024)), np.full((rows, cols), np.nan)
        for tile, read in enumerate(self.tiles):
            if read is not None:
                self._put(tile, read, cells)
        levels = self._synthesis(cells)[: file.rows, : file.cols] + offset
        out, bumps = levels.copy(), np.zeros(levels.shape)
        for tile, read in enumerate(self.tiles):
            place = file.place(tile)
            out[place] = offset if read is None else self._powered(tile, levels[place]) if power else levels[place]
            if 13 in self.parts[tile]:
                put(bumps, tuple(side.start for side in place), self.parts[tile][13], levels[place])
        return out + bumps

    def _put(self, tile: int, read: Tile, cells: np.ndarray) -> None:
        """9.8, 15.1: latents in dB, and the lost variance of each cell."""
        s = self.file.steps[tile * self.file.planes + self.band]
        exponents = [self.model.log2_step(c, s) for c in range(1024)]
        step = np.array([self.model.arrays["steps.powers"][e % 1024] * 2.0 ** ((e >> 10) - 20) for e in exponents])
        typical = np.exp2(np.array(self.model.arrays["steps.deviation"]) / 1024)
        errors = np.array(self.model.arrays.get("errors", np.zeros((256, 8))))
        skipped = np.array([table is None for table in self.model.tables[:256]])
        row, col = (s.start // 32 for s in self.file.place(tile))
        for (i, j), latents in read.latents.items():
            cells[row + i, col + j] = np.array(latents) / 32 * step
            t, p = np.array(read.places[i, j]).T
            unit = np.where(skipped[t], typical, step)
            self.lost[row + i, col + j] = np.mean(errors[t, np.minimum(abs(p), 7)] / 65536 * unit**2)

    def _synthesis(self, cells: np.ndarray) -> np.ndarray:
        """10.3 for a whole scene."""
        rows, cols, _ = cells.shape
        pixels = (cells @ basis()).reshape(rows, cols, 32, 32).transpose(0, 2, 1, 3).reshape(32 * rows, 32 * cols)
        with np.load(self.model.folder / "transform.npz", allow_pickle=False) as arrays:
            back = arrays["rotation"].astype(np.float64).T
        for border in range(32, 32 * rows, 32):
            pixels[border - 16 : border + 16] = back @ pixels[border - 16 : border + 16]
        for border in range(32, 32 * cols, 32):
            pixels[:, border - 16 : border + 16] = pixels[:, border - 16 : border + 16] @ back.T
        return pixels

    def _powered(self, tile: int, levels: np.ndarray) -> np.ndarray:
        """15.2 to 15.4."""
        numbers = [0] * 12
        if 64 in self.parts[tile]:
            fields = Bytes(self.parts[tile][64])
            numbers = [unfold(fields.varint()) for _ in range(12)]
            assert not fields.left and any(numbers) and max(map(abs, numbers)) < 4096
        blocks = block_means(levels)
        shift = np.vectorize(gamma_shift_db)(self._halo(tile))
        shares = np.quantile(blocks, (0.02, 0.2, 0.5, 0.8, 0.98)) + 0.001 * np.arange(5)
        factor = np.interp(blocks, shares, [10 ** (p / 640) for p in numbers[:5]])
        at_blocks = up(shift, 4, blocks.shape, 1) + 10 * np.log10(factor)
        return levels + up(at_blocks, 8, levels.shape, 0)

    def _halo(self, tile: int) -> np.ndarray:
        """Lost variances of the tile's cells and of those around, the tile's nearest where there is none."""
        rows, cols = self.file.place(tile)
        (top, left), (bottom, right) = (rows.start // 32, cols.start // 32), (-(-rows.stop // 32), -(-cols.stop // 32))
        out = np.empty((bottom - top + 2, right - left + 2))
        for i in range(top - 1, bottom + 1):
            for j in range(left - 1, right + 1):
                inside = 0 <= i < self.lost.shape[0] and 0 <= j < self.lost.shape[1] and not np.isnan(self.lost[i, j])
                nearest = min(max(i, top), bottom - 1), min(max(j, left), right - 1)
                out[i - top + 1, j - left + 1] = self.lost[i, j] if inside else self.lost[nearest]
        return out


def basis() -> np.ndarray:
    """C of 10.3 in both directions (1024, 1024), by channel and pixel."""
    wave = lambda a: [np.sqrt((2 if a else 1) / 32) * np.cos(np.pi * (2 * i + 1) * a / 64) for i in range(32)]
    waves = np.array([wave(a) for a in range(32)])
    pairs = sorted(((a, b) for a in range(32) for b in range(32)), key=lambda p: (p[0] ** 2 + p[1] ** 2, p[0]))
    return np.array([np.outer(waves[a], waves[b]).reshape(-1) for a, b in pairs])


def block_means(levels: np.ndarray) -> np.ndarray:
    """15.3: b."""
    rows, cols = (-(-n // 8) for n in levels.shape)
    whole = np.pad(levels, [(0, 8 * rows - levels.shape[0]), (0, 8 * cols - levels.shape[1])], "edge")
    return whole.reshape(rows, 8, cols, 8).mean((1, 3))


def up(values: np.ndarray, times: int, shape: tuple[int, int], first: int) -> np.ndarray:
    """15.3: bilinear, `times` places a value; first: number of the value in which place 0 lies."""
    for axis in (0, 1):
        place = first + (np.arange(shape[axis]) + 0.5) / times - 0.5
        known = np.arange(values.shape[axis])
        values = np.apply_along_axis(lambda line, at=place, k=known: np.interp(at, k, line), axis, values)
    return values


def gamma_shift_db(variance: float) -> float:
    """c(v) of 15.3."""
    variance, unit = min(variance, 128.0), 10 / math.log(10)
    if variance <= 0:
        return 0.0
    low, high = 1e-3, 1e9
    for _ in range(200):
        looks = math.sqrt(low * high)
        low, high = (looks, high) if unit**2 * trigamma(looks) > variance else (low, looks)
    return unit * (math.log(low) - digamma(low))


def digamma(x: float) -> float:
    total = 0.0
    while x < 10:
        total, x = total - 1 / x, x + 1
    y = 1 / x**2
    return total + math.log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y / 240)))


def trigamma(x: float) -> float:
    total = 0.0
    while x < 10:
        total, x = total + 1 / x**2, x + 1
    y = 1 / x**2
    return total + 1 / x + y / 2 + y / x * (1 / 6 - y * (1 / 30 - y * (1 / 42 - y / 30)))


def meaningless(file: File, number: int) -> list:
    """12: nodata and fill values that the dtype can hold, and that are finite."""
    found, dtype = [], np.dtype(file.dtype)
    for value in (file.nodata(number), *file.bands[number].fills):
        if value is None or not math.isfinite(value):
            continue
        whole = dtype.kind == "f" or (value == int(value) and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max)
        if whole and (dtype.kind != "f" or abs(value) <= np.finfo(dtype).max):
            found.append(dtype.type(value))
    return found


def pixels_of(levels: np.ndarray, file: File, number: int) -> np.ndarray:
    """12, for bands whose scale is above 0."""
    band, dtype = file.bands[number], np.dtype(file.dtype)
    value = levels if band.domain == DB else 10 ** (levels / (20 if band.domain == AMPLITUDE else 10))
    pixels, positive = (value - band.offset) / band.scale, band.domain != DB
    if dtype.kind == "f":
        assert not positive or band.offset == 0
        limits = np.finfo(dtype)
        least = float(limits.smallest_subnormal) if positive else float(limits.min)
        out = np.clip(pixels, least, float(limits.max)).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        out = np.clip(np.rint(pixels), 1 if positive else limits.min, limits.max).astype(dtype)
    avoided = meaningless(file, number)
    for value in avoided:
        out[out == value] = beside(value, avoided, dtype, positive)
    return out


def beside(value: float, avoided: list, dtype: np.dtype, positive: bool) -> float:
    """The next number above that means something, or else below."""
    if dtype == np.float32 and value == 0 and not positive:
        return dtype.type(2.0**-126)
    top = np.finfo(dtype).max if dtype.kind == "f" else np.iinfo(dtype).max
    for end, step in ((top, 1), (-np.inf, -1)):
        at = value
        while at in avoided and at != end:
            at = np.nextafter(at, dtype.type(step * np.inf)) if dtype.kind == "f" else dtype.type(int(at) + step)
        if at not in avoided:
            return at
    raise AssertionError("every number is avoided")
