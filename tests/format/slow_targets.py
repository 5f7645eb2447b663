"""The second reader's targets, written from section 19 of docs/format.md alone. No code of the package.

In: the section of a tile, its levels of least error; out: bumps in dB on a canvas of the scene. Float64.
"""

from collections import defaultdict

import numpy as np

from format.slow_sections import Bytes

GAIN_WIDTHS, ADDED_WIDTHS = (None, 1.1, 1.8, 2.8), (None, 1.1, 1.5, 2.0, 2.6)
REACH = 6


class Adaptive:
    """19.3."""

    def __init__(self, data: bytes):
        self.data, self.span, self.taken = data, (1 << 32) - 1, 4
        self.code = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
        self.counts: dict = defaultdict(lambda: [0, 0])

    def _fill(self) -> None:
        while self.span < 1 << 24:
            byte = self.data[self.taken] if self.taken < len(self.data) else 0
            self.code, self.span, self.taken = self.code << 8 | byte, self.span << 8, self.taken + 1

    def bit(self, *context: object) -> int:
        count = self.counts[context]
        split = (self.span >> 16) * (((2 * count[0] + 1) << 16) // (2 * sum(count) + 2))
        one = int(self.code >= split)
        self.code, self.span = (self.code - split, self.span - split) if one else (self.code, split)
        count[one] += 1
        if sum(count) > 255:
            count[:] = [count[0] // 2, count[1] // 2]
        self._fill()
        return one

    def raw(self, width: int) -> int:
        value = 0
        for _ in range(width):
            self.span >>= 1
            one = int(self.code >= self.span)
            self.code -= one * self.span
            self._fill()
            value = 2 * value + one
        return value

    def tree(self, name: str, width: int) -> int:
        node = 1
        for _ in range(width):
            node = 2 * node + self.bit(name, node)
        return node - (1 << width)

    def ones(self, name: str, *numbers: object, most: int | None = None) -> int:
        found = 0
        while self.bit(name, *numbers, found if most is None else min(found, most)):
            found += 1
        return found

    def signed(self) -> int:
        sign = -1 if self.bit("sign") else 1
        length = self.ones("size")
        size = (2 + self.bit("size low", length)) * 2 ** (length - 1) + self.raw(length - 1) if length else 1
        assert 1 <= size <= 166
        return sign * size


def read_targets(data: bytes, shape: tuple[int, int]) -> tuple[list, list]:
    """19.1: block bumps (place, width, amplitude) and placed ones (place, added, width, down, right, amplitude)."""
    fields = Bytes(data)
    n, m = fields.varint(), fields.varint()
    assert n + m and max(n, m) <= 4096 and data[-1]
    stream = Adaptive(data[len(data) - fields.left :])
    blocks = [(place, stream.tree("gain width", 2), stream.signed()) for place in _places(stream, n, 4096)]
    placed = [(place, *_placed(stream)) for place in _places(stream, m, shape[0] * shape[1])]
    assert stream.taken >= fields.left
    return blocks, placed


def _places(stream: Adaptive, count: int, places: int):
    last = -1
    raw = max(0, (45 * places // (64 * count)).bit_length() - 1) if count else 0
    for _ in range(count):
        last += 1 + stream.ones("gap", places, most=7) * 2**raw + stream.raw(raw)
        assert last < places
        yield last


def _placed(stream: Adaptive) -> tuple:
    if not stream.bit("added"):
        return False, stream.tree("gain width", 2), 0, 0, stream.signed()
    width = stream.tree("added width", 3)
    assert width <= 4
    down, right = (stream.raw(2), stream.raw(2)) if width else (0, 0)
    amplitude = 8 * stream.tree("added amplitude", 5) + stream.raw(3)
    assert 1 <= amplitude <= 166
    return True, width, down, right, amplitude


def put(canvas: np.ndarray, corner: tuple[int, int], section: bytes, levels: np.ndarray) -> None:
    """19.2: a tile's bumps onto the scene's canvas; corner: of the tile; levels: of least error, of the tile."""
    blocks, placed = read_targets(section, levels.shape)
    for place, width, amplitude in blocks:
        row, col = 8 * (place // 64), 8 * (place % 64)
        block = levels[row : row + 8, col : col + 8]
        down, right = divmod(int(block.argmax()), block.shape[1])
        _bump(canvas, (corner[0] + row + down, corner[1] + col + right), GAIN_WIDTHS[width], amplitude / 2, None)
    for place, added, width, down, right, amplitude in placed:
        row, col = divmod(place, levels.shape[1])
        middle = ((2 * down - 3) / 8, (2 * right - 3) / 8) if added and width else (0.0, 0.0)
        widths = ADDED_WIDTHS if added else GAIN_WIDTHS
        _bump(canvas, (corner[0] + row, corner[1] + col), widths[width], amplitude / 2, middle if added else None)


def _bump(canvas: np.ndarray, at: tuple[int, int], width: float | None, amplitude: float, middle) -> None:
    """middle: of an added bump, from the pixel's; None: a gain."""
    for i in range(max(0, at[0] - REACH), min(canvas.shape[0], at[0] + REACH + 1)):
        for j in range(max(0, at[1] - REACH), min(canvas.shape[1], at[1] + REACH + 1)):
            down, right = middle or (0.0, 0.0)
            far = (i - at[0] - down) ** 2 + (j - at[1] - right) ** 2
            g = float((i, j) == at) if width is None else np.exp(-4 * np.log(2) * far / width**2)
            canvas[i, j] += amplitude * g if middle is None else 10 * np.log10(1 + (10 ** (amplitude / 10) - 1) * g)
