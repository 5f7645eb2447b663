"""The verb verify: every checksum, every symbol, the model; and, beside an original, what was lost and what must not be."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sarcodec.api import choices
from sarcodec.api.memory import DEFAULT_MEMORY, checked_memory, decoding_shares
from sarcodec.decoding.reconstruction import Reconstruction
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.decoding.workers import Workers, workers
from sarcodec.entropy.step_index import step_db
from sarcodec.errors import InvalidArgument
from sarcodec.format.measure import Measure
from sarcodec.format.reader import FileReader
from sarcodec.format.scene import SceneInfo
from sarcodec.format.sections import unknown_kinds
from sarcodec.products.reading import Original, open_original
from sarcodec.raster.blocks import block_cache
from sarcodec.signal.radiometry import normalise, valid_mask
from sarcodec.storage.fetched import fetched

Place: TypeAlias = tuple[int, int]
"""Tile and plane."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Pixels decoded with the least error in dB (reconstruct 'log', if no other was asked for) beside the original's. Errors in dB over valid pixels; invalid pixels must be equal bit for bit.

    bias_power_db: 0 where powers are beyond what a float holds. error_plausible: the RMSE is one that the file's step can leave on its own original (see `_plausible`); another image of the
    same size and mask fails it, unless the quality is so low that little more than the scene's mean is left. In a file that keeps a
    bound (or is lossless): every valid pixel is within it (or identical), which is decided exactly; so are exact bands and masks in any file.
    description_differences: fields of the description (CRS, tags, ...) in which the two differ.
    """

    valid_pixels: int
    rmse_db: float
    bias_power_db: float
    max_abs_error_db: float
    error_plausible: bool
    invalid_identical: bool
    valid_stay_valid: bool
    description_identical: bool
    description_differences: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing that a file promises is broken."""
        kept = self.invalid_identical and self.valid_stay_valid and self.description_identical
        return kept and self.error_plausible


@dataclass(frozen=True, kw_only=True)
class VerifyReport:
    """The result; damage raises an error instead. `passed` is False only where a comparison broke a promise. attachments: how many were unpacked;
    skipped_records, skipped_sections: what a later release put into the head, and into tiles (kind and how often), and this one does not need."""

    path: str
    tiles: int
    symbols: int
    passed: bool
    comparison: Comparison | None
    seconds: float
    attachments: int = 0
    skipped_records: tuple[int, ...] = ()
    skipped_sections: tuple[tuple[int, int], ...] = ()


def verify(
    path: choices.Compressed,
    *,
    against: choices.Path | None = None,
    reconstruct: choices.Reconstruct = "log",
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    progress: choices.Progress | None = None,
) -> VerifyReport:
    """Try a whole file: every checksum, every symbol, the model. With its original, also decode it and compare.

    Args:
        path: of the compressed file; or its bytes, or a file object in binary mode.
        against: path of the original raster or product, or its address in a bucket.
        reconstruct: how pixels are decoded that are compared: 'log' (the least error in dB), or 'power' as `decompress` does and as the claims of
            a file were measured.
        threads: how many tiles are tried at once; default one a core.
        memory: bytes that the process may take, at least 256 MiB (default: 1 GiB), whatever the size of the scene.
        progress: called with the number of tiles that are done and of all.

    Raises:
        InvalidArgument: where the path cannot be opened, for an original of another size, and another word for `reconstruct`.
        FormatError: one of its kinds, where the file is damaged or no sarcodec file.
        ModelError: where its model is not here, or does not give its known answer on this machine.
    """
    began = time.perf_counter()
    bytes_of_memory = checked_memory(memory)
    with FileReader(path) as file, ExitStack() as stack:
        reader = None if against is None else open_original(stack.enter_context(fetched(against)), as_is=True)
        if reader:
            stack.callback(reader.close)
        shares = decoding_shares(bytes_of_memory, threads, reader.blocks if reader else None, reads=True)
        stack.enter_context(block_cache(shares.blocks))
        pool = stack.enter_context(workers(shares.threads))
        decoder = SceneDecoder(file, shares.tiles, Reconstruction(reconstruct))
        tiles = file.header.entry_count
        total, symbols = tiles * (1 if against is None else 2), 0
        skipped: Counter[int] = Counter()
        for done, (count, kinds) in enumerate(pool.map(lambda p: _tried(decoder, p), decoder.each())):
            symbols += count
            skipped.update(kinds)
            if progress:
                progress(done + 1, total)
        for record in file.header.attachments:
            file.attachment(record.name)
        comparison = None if reader is None else _compare(decoder, pool, reader, progress)
    passed = comparison is None or comparison.passed
    return VerifyReport(
        path=file.name,
        tiles=tiles,
        symbols=symbols,
        passed=passed,
        comparison=comparison,
        seconds=time.perf_counter() - began,
        attachments=len(file.header.attachments),
        skipped_records=file.header.skipped,
        skipped_sections=tuple(sorted(skipped.items())),
    )


def _tried(decoder: SceneDecoder, place: Place) -> tuple[int, list[int]]:
    """How many symbols a tile and plane has, all checked; and kinds of sections that were skipped."""
    symbols, file = decoder.symbols(*place).size, decoder.file
    return symbols, unknown_kinds(file.base_payload(*place)) + unknown_kinds(file.payload(*place))


@dataclass(frozen=True)
class _Part:
    """One tile and plane. sums: pixels, squared error, original and decoded power, sum and sum of squares of levels, of valid pixels."""

    sums: NDArray[np.float64]
    worst: float = 0.0
    invalid_same: bool = True
    stay: bool = True
    promised: bool = True


def _compare(decoder: SceneDecoder, pool: Workers, reader: Original, progress: choices.Progress | None) -> Comparison:
    mine, theirs = decoder.info, reader.info
    if (mine.rows, mine.cols, mine.count, mine.dtype) != (theirs.rows, theirs.cols, theirs.count, theirs.dtype):
        raise InvalidArgument(
            f"{reader.paths[0]} has {theirs.count} bands of {theirs.rows} x {theirs.cols} {theirs.dtype}, the file holds "
            f"{mine.count} of {mine.rows} x {mine.cols} {mine.dtype}: not its original"
        )
    differences = description_differences(theirs, mine)
    planes = range(mine.count + (mine.mask_planes if mine.mask_planes == theirs.mask_planes else 0))
    parts, before = [], decoder.header.entry_count
    places = decoder.walk(decoder.grid.whole, planes, pool.threads)
    for done, part in enumerate(pool.map(lambda p: _tile(decoder, reader, p), places)):
        parts.append(part)
        if progress:
            progress(before + done + 1, before + len(planes) * decoder.grid.count)
    return _summary(parts, differences, decoder)


def _summary(parts: list[_Part], differences: tuple[str, ...], decoder: SceneDecoder) -> Comparison:
    sums = sum((part.sums for part in parts), np.zeros(6))
    count = max(sums[0], 1)
    rmse, spread = float(np.sqrt(sums[1] / count)), float(np.sqrt(max(sums[5] / count - (sums[4] / count) ** 2, 0)))
    plausible = all(part.promised for part in parts)
    if decoder.header.learned:
        plausible &= _plausible(rmse, spread, step_db(max(e.step for e in decoder.file.entries())))
    bias = 10 * np.log10(sums[3] / sums[2]) if sums[2] > 0 and np.isfinite(sums[2:4]).all() else 0.0
    return Comparison(
        valid_pixels=int(sums[0]),
        rmse_db=rmse,
        bias_power_db=float(bias),
        max_abs_error_db=max((part.worst for part in parts), default=0.0),
        error_plausible=plausible,
        invalid_identical=all(part.invalid_same for part in parts),
        valid_stay_valid=all(part.stay for part in parts),
        description_identical=not differences,
        description_differences=differences,
    )


def description_differences(original: SceneInfo, held: SceneInfo) -> tuple[str, ...]:
    """What an original says of itself and a file does not, or otherwise: a word for each. Numbers are compared by their digits (NaN is NaN)."""
    return tuple(
        field.name.replace("_", " ")
        for field in fields(SceneInfo)
        if repr(getattr(original, field.name)) != repr(getattr(held, field.name))
    )


def _plausible(rmse_db: float, spread_db: float, step_db: float) -> bool:
    """Decoding is about 0.3 steps off, up to 2 where nothing is like speckle, and never much worse than a constant; two images
    that have nothing to do with each other are off by 1.4 times their spread (standard deviation of the levels)."""
    return rmse_db <= min(2.5 * step_db + 0.05, 1.2 * spread_db + 0.25 * step_db + 0.5)


def _tile(decoder: SceneDecoder, reader: Original, place: Place) -> _Part:
    tile, plane = place
    window = decoder.grid.window(tile)
    if plane >= decoder.info.count:
        mask = plane - decoder.info.count
        same = bool((reader.read_mask(mask, window) == decoder.tile_mask(tile, mask)).all())
        return _Part(np.zeros(6), promised=same)
    original, decoded = reader.read(plane, window), decoder.tile_pixels(tile, plane)
    promised, measure = decoder.keeps(original, decoded, plane), decoder.measures[plane]
    if measure is None:
        return _Part(np.zeros(6), promised=promised)
    return replace(_radar(original, decoded, measure), promised=promised)


def _radar(original: NDArray[Any], decoded: NDArray[Any], measure: Measure) -> _Part:
    """Figures of a tile whose pixels have levels."""
    level, valid = normalise(original, measure)
    bits = np.dtype(f"u{original.dtype.itemsize}")
    same = bool((original.view(bits)[~valid] == decoded.view(bits)[~valid]).all())
    stay = bool(valid_mask(decoded, measure)[valid].all())
    a, b = level[valid].astype(np.float64), normalise(decoded, measure)[0][valid].astype(np.float64)
    with np.errstate(
        over="ignore"
    ):  # dB of 3,080 and more, which bounded files may hold, are no powers that a float can
        powers = [(10 ** (x / 10)).sum() for x in (a, b)]
    sums = np.array([a.size, np.square(a - b).sum(), *powers, a.sum(), np.square(a).sum()])
    return _Part(sums, float(np.abs(a - b).max(initial=0)), same, stay)
