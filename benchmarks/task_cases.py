"""The images of the three tasks and what is counted on them. Out: cases, each with images of DN and a function of
their levels.

Real images come from DATA; the simulator gives native-like ones, whose ships and changes are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from peer_file import level_db
from rd_val import find_bands, read_band

from sarcodec.format.tiling import Window
from sarcodec.simulate.scene import DN_PER_UNIT, SceneSimulator
from sarcodec.simulate.speckle import observe, reflectivity_of
from sarcodec_lab.figures.bootstrap import Figure, ratio
from sarcodec_lab.figures.tasks import (
    area_under_curve,
    change_score,
    detect_ships,
    dilate,
    multilook_db,
    otsu_threshold,
    water_mask,
)

BLOCK_PX = 64
CHIP_PX = 64
SHIP_EXCESS_DB = 6.0  # of a ship's true reflectivity over the sea: what is less is not called one
NEAR_PX, FAR_PX = 2, 8  # a detection this near to a ship is the ship; beyond the impulse response it is a false alarm
CHANGE_DB, DISCS, RADII_PX = 3.0, 40, (3, 12)
SCORES_DB = np.linspace(0, 20, 401)
WATER = ("mekong", "usa", "agua")


@dataclass(frozen=True, eq=False)
class Case:
    """One place: DN images, and `measure(levels)` -> sums of every unit (units, k) by figure."""

    task: str
    name: str
    images: tuple[np.ndarray, ...]
    figures: tuple[Figure, ...]
    measure: Callable[[list[np.ndarray]], dict[str, np.ndarray]]


def water_cases(data: Path) -> list[Case]:
    """Real bands with rivers, floods and a lake, and a simulated one. Threshold: Otsu's of the original."""
    images = [(band.name, read_band(band.path, band.number)) for band in find_bands(data) if _has(band.name, WATER)]
    images.append(("simulated-river", _simulated(512, "river", 21)[1][0]))
    return [_water_case(name, _whole_blocks(dn)) for name, dn in images]


def _water_case(name: str, dn: np.ndarray) -> Case:
    level = level_db(dn)
    threshold = otsu_threshold(multilook_db(level))
    truth = water_mask(level, threshold)

    def measure(levels: list[np.ndarray]) -> dict[str, np.ndarray]:
        mask = water_mask(levels[0], threshold)
        return {"IoU": np.stack([_by_block(mask & truth), _by_block(mask | truth)], axis=1)}

    return Case("water", name, (dn,), (Figure("IoU", ratio),), measure)


SHIP_FIGURES = (Figure("ships found", ratio), Figure("false alarms, pixels a Mpx", ratio, sign=-1))


def ship_cases(data: Path) -> list[Case]:
    """A simulated sea and one with small, weak ships, all known; mosaics of chips, whose ships the original shows."""
    truth, pixels = _simulated(768, "ships", 23)
    ships = truth[0] > 10 ** (SHIP_EXCESS_DB / 10) * np.median(truth[0])
    weak, others, seen = _weak_ships(576, 24)
    cases = [
        _ship_case("ships, simulated", "simulated-ships", pixels[0], ships),
        _ship_case("ships, weak", "simulated-weak", seen, weak, others),
    ]
    for path in sorted(data.glob("*/chips/grdh-*.npz")):
        mosaic = _mosaic(path)
        if mosaic is not None:
            shown = detect_ships(level_db(mosaic)) & _middles(mosaic.shape)
            # The original's other detections (a second ship, its wake) are no false alarms.
            cases.append(_ship_case("ships, chips", path.stem, mosaic, shown, detect_ships(level_db(mosaic))))
    return cases


def _ship_case(task: str, name: str, dn: np.ndarray, ships: np.ndarray, others: np.ndarray | None = None) -> Case:
    """`others`: targets that are neither to be found nor false alarms."""
    from scipy.ndimage import find_objects, label

    numbers, _ = label(ships, np.ones((3, 3)))
    near = [_around(place, ships.shape) for place in find_objects(numbers)]
    calm = ~dilate(ships if others is None else ships | others, FAR_PX)

    def measure(levels: list[np.ndarray]) -> dict[str, np.ndarray]:
        found = detect_ships(levels[0])
        hits = np.array([(found[place].any(), 1) for place in near], np.float64).reshape(-1, 2)
        alarms = np.stack([_by_block(found & calm), _by_block(calm) / 1e6], axis=1)
        return dict(zip((figure.name for figure in SHIP_FIGURES), (hits, alarms), strict=True))

    return Case(task, name, (dn,), SHIP_FIGURES, measure)


def _weak_ships(size: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where ships are, where the simulator's own lie, and DN (rows, cols).

    Ships are 2 to 5 by 1 or 2 pixels, 6 to 16 dB above the sea, one in every 48 x 48 pixels.
    """
    rng = np.random.default_rng(seed)
    ground = np.array(_simulated(size, "sea", seed)[0][0])
    ships, sea = np.zeros(ground.shape, bool), np.median(ground)
    others = ground > 10 ** (SHIP_EXCESS_DB / 10) * sea
    for top in range(0, size, 48):
        for left in range(0, size, 48):
            row, col = (int(n) for n in rng.integers(14, 30, 2) + (top, left))
            extent = rng.permutation((rng.integers(2, 6), rng.integers(1, 3)))
            place = np.s_[row : row + extent[0], col : col + extent[1]]
            ships[place], ground[place] = True, sea * 10 ** (rng.uniform(6, 16) / 10)
    amplitude = DN_PER_UNIT * np.sqrt(observe(ground, rng))
    return ships, others, np.rint(amplitude).clip(1, 65535).astype(np.uint16)


def _around(place: tuple[slice, slice], shape: tuple[int, int]) -> tuple[slice, slice]:
    """A ship's box, grown by `NEAR_PX` on every side."""
    return tuple(
        slice(max(0, part.start - NEAR_PX), min(size, part.stop + NEAR_PX))
        for part, size in zip(place, shape, strict=True)
    )


def _mosaic(path: Path) -> np.ndarray | None:
    """Chips of at least 53 pixels side by side, cut or mirrored to 64 x 64: a codec's head would outweigh a single
    one."""
    chips = [chip for chip in np.load(path).values() if min(chip.shape) >= 53]
    if len(chips) < 8:
        return None
    cells, across = [_cell(chip) for chip in chips], 8
    cells += cells[: -len(cells) % min(across, len(cells))]
    rows = [np.hstack(cells[n : n + across]) for n in range(0, len(cells), across)]
    return np.ascontiguousarray(np.vstack([row for row in rows if row.shape == rows[0].shape]))


def _cell(chip: np.ndarray) -> np.ndarray:
    """The middle 64 x 64 pixels; what is missing is mirrored."""
    more = [max(0, CHIP_PX - size) for size in chip.shape]
    chip = np.pad(np.maximum(chip, 1), [(n // 2, n - n // 2) for n in more], mode="symmetric")
    row, col = ((size - CHIP_PX) // 2 for size in chip.shape)
    return chip[row : row + CHIP_PX, col : col + CHIP_PX]


def _middles(shape: tuple[int, int]) -> np.ndarray:
    """True in the inner half of every chip of a mosaic."""
    row, col = (np.abs(np.arange(size) % CHIP_PX - CHIP_PX / 2 + 0.5) < CHIP_PX / 4 for size in shape)
    return row[:, None] & col[None, :]


def change_cases(data: Path) -> list[Case]:
    """Two dates of the first band of every iw image: its reflectivity under fresh native speckle, the second with
    discs 3 dB up or down."""
    bands = [band for band in find_bands(data) if band.family == "iw" and band.number == 1]
    return [_change_case(band.name, read_band(band.path, band.number), seed) for seed, band in enumerate(bands)]


def _change_case(name: str, dn: np.ndarray, seed: int) -> Case:
    rng = np.random.default_rng(1000 + seed)
    ground = reflectivity_of(np.square(_whole_blocks(dn).astype(np.float32)))
    factor_db = _discs(ground.shape, rng)
    dates = [observe(ground * factor, rng) for factor in (np.float32(1), 10 ** (factor_db / 10))]
    images = tuple(np.rint(np.sqrt(date)).clip(1, 65535).astype(np.uint16) for date in dates)
    changed = factor_db != 0

    def measure(levels: list[np.ndarray]) -> dict[str, np.ndarray]:
        score = np.digitize(change_score(*levels), SCORES_DB) - 1
        sides = [_histograms(score, side) for side in (~changed, changed)]
        return {"area under the curve": np.concatenate(sides, axis=1)}

    return Case("change", name, images, (Figure("area under the curve", _area),), measure)


def _area(sums: np.ndarray) -> np.ndarray:
    return area_under_curve(*np.split(sums, 2, axis=-1))


def _histograms(score: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Counts a score of every block, where `side` is true: (blocks, scores)."""
    row, col = (np.arange(size) // BLOCK_PX for size in score.shape)
    block = row[:, None] * (col[-1] + 1) + col[None, :]
    blocks = int(block[-1, -1]) + 1
    counts = np.bincount((block * SCORES_DB.size + score)[side], minlength=blocks * SCORES_DB.size)
    return counts.reshape(blocks, SCORES_DB.size).astype(np.float64)


def _discs(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Change in dB (rows, cols) float32: discs at random places, each up or down."""
    row, col = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    change = np.zeros(shape, np.float32)
    for _ in range(DISCS):
        place, radius = rng.uniform(0, shape), rng.uniform(*RADII_PX)
        change[np.hypot(row - place[0], col - place[1]) < radius] = rng.choice((-CHANGE_DB, CHANGE_DB))
    return change


def _simulated(size: int, preset: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True reflectivity and DN (bands, rows, cols)."""
    scene, window = SceneSimulator(size, size, seed=seed, preset=preset), Window(0, 0, size, size)
    return scene.reflectivity(window), scene.pixels(window)


def _by_block(values: np.ndarray) -> np.ndarray:
    """Sums over blocks of 64 x 64 pixels, (blocks,) float64."""
    rows, cols = (size // BLOCK_PX for size in values.shape)
    whole = values[: rows * BLOCK_PX, : cols * BLOCK_PX].reshape(rows, BLOCK_PX, cols, BLOCK_PX)
    return whole.sum(axis=(1, 3), dtype=np.float64).ravel()


def _whole_blocks(dn: np.ndarray) -> np.ndarray:
    """Whole blocks from the corner, so that every pixel belongs to one."""
    rows, cols = (size // BLOCK_PX * BLOCK_PX for size in dn.shape)
    return np.ascontiguousarray(dn[:rows, :cols])


def _has(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name for word in words)
