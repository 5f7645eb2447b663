"""Targets of known energy on real ground: what comes back of them, and of the ground around, beside JPEG 2000 and JPEG XL at equal bytes.

    python benchmarks/targets.py [--data FOLDER] [--rates 0.1,0.3,0.8] [--bands iw_berlin_b1,...] [--out FILE.json]

The ground is cut to 512 x 512 pixels. Targets have the shape of an impulse response, 2 pixels wide at half power, and are added coherently to the
ground, whose phase is drawn; alone, in pairs 3 to 6 pixels apart, and as single pixels. sarcodec's files are written by one process and read
back by another; the others get their finest setting of at most 1 % more bytes. Energy: power of 5 x 5 pixels less the ground's, which is
the mean of the 15 x 15 around without the inner 7 x 7; peak: the brightest of 3 x 3. Judged are targets 10 dB above that mean. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from peer_file import level_db
from rasterio.errors import NotGeoreferencedWarning
from rd_val import ROOT, find_bands, read_band
from tasks import give_back

SIDE_PX = 512
IN_A_ROW = 5
HALF_POWER_PX = 2.0
SINGLE_DN = 60000  # 65,535 may count as fill, and then comes back exactly
STANDS_OUT_DB = 10.0
KINDS = (
    ("alone", 1000),
    ("alone", 3000),
    ("alone", 10000),
    ("alone", 30000),
    ("alone", 65535),
    ("pairs", 3000),
    ("single", SINGLE_DN),
)
CODECS = ("sarcodec", "j2k", "jxl")
BANDS = "iw_s1f11-mekong-333434-s1hand_b1,iw_berlin_b1,ew_mexico-512_b1"


@dataclass(frozen=True)
class Row:
    """Targets of one kind on one band at one rate, by one codec; errors in dB; around: RMSE in dB of the ground 8 to 16 pixels away, of
    the same ground without targets, and of it beside single targets."""

    band: str
    kind: str
    peak_dn: int
    rate: float
    codec: str
    bits_per_pixel: float
    targets: int
    energy: float
    energy_size: float
    energy_within: float
    peak: float
    peak_size: float
    peak_within: float
    around: float
    around_without: float


def with_targets(ground: np.ndarray, kind: str, peak: float, seed: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """DN with targets on it, and where the brightest pixel of each is."""
    rng = np.random.default_rng(seed)
    field = ground * np.exp(2j * np.pi * rng.random(ground.shape))
    pitch = np.array(ground.shape) / IN_A_ROW
    middles = [
        (np.array((i, j)) + 0.5) * pitch + rng.uniform(-12, 12, 2) for i in range(IN_A_ROW) for j in range(IN_A_ROW)
    ]
    if kind == "single":
        places = [(int(row), int(col)) for row, col in middles]
        out = ground.copy()
        out[tuple(np.transpose(places))] = peak
        return out, places
    for middle in list(middles):
        if kind == "pairs":
            angle, apart = rng.uniform(0, np.pi), rng.uniform(3, 6)
            middles.append(middle + apart * np.array((np.sin(angle), np.cos(angle))))
    for row, col in middles:
        down, right = (_response(np.arange(n) - at) for n, at in zip(ground.shape, (row, col), strict=True))
        field += peak * np.exp(2j * np.pi * rng.random()) * down[:, None] * right
    out = np.rint(np.abs(field)).clip(1, 65535).astype(np.uint16)
    return out, [_brightest(out, round(row), round(col)) for row, col in middles]


def _response(apart: np.ndarray) -> np.ndarray:
    """Amplitude of the impulse response along one axis."""
    return np.exp(-2 * np.log(2) * np.square(apart / HALF_POWER_PX))


def _brightest(dn: np.ndarray, row: int, col: int) -> tuple[int, int]:
    near = dn[row - 1 : row + 2, col - 1 : col + 2]
    down, right = np.unravel_index(int(near.argmax()), near.shape)
    return row - 1 + int(down), col - 1 + int(right)


def _square(image: np.ndarray, place: tuple[int, int], reach: int) -> np.ndarray:
    row, col = place
    return image[row - reach : row + reach + 1, col - reach : col + reach + 1]


def ground_power(power: np.ndarray, place: tuple[int, int]) -> float:
    """Mean power of the 15 x 15 around without the inner 7 x 7."""
    return float((_square(power, place, 7).sum() - _square(power, place, 3).sum()) / (15**2 - 7**2))


def judged(power: np.ndarray, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Places that stand out."""
    return [p for p in places if power[p] > ground_power(power, p) * 10 ** (STANDS_OUT_DB / 10)]


def errors(before: np.ndarray, after: np.ndarray, places: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Of energy and of peak, in dB, of every target; before and after are powers. An energy below 1 % counts as 1 %."""
    energies, peaks = [], []
    for place in places:
        ground = ground_power(before, place) * 25
        wanted, given = _square(before, place, 2).sum() - ground, _square(after, place, 2).sum() - ground
        energies.append(10 * np.log10(max(given / wanted, 0.01)))
        peaks.append(10 * np.log10(_square(after, place, 1).max() / _square(before, place, 1).max()))
    return np.array(energies), np.array(peaks)


def around_rmse(before: np.ndarray, after: np.ndarray, places: list[tuple[int, int]]) -> float:
    """RMSE in dB of levels 8 to 16 pixels from the places."""
    apart = np.hypot(*np.mgrid[-16:17, -16:17])
    ring, whole = (apart >= 8) & (apart <= 16), np.array(before.shape) - 17
    inside = [p for p in places if min(p) >= 17 and (np.array(p) < whole).all()]
    squares = [np.square(_square(after - before, p, 16)[ring]).mean() for p in inside]
    return float(np.sqrt(np.mean(squares)))


def measure(band: str, ground: np.ndarray, rates: list[float]) -> list[Row]:
    """All kinds on one band."""
    scenes = [(kind, peak, *with_targets(ground, kind, peak, seed)) for seed, (kind, peak) in enumerate(KINDS)]
    returned = give_back((ground, *(dn for _, _, dn, _ in scenes)), rates, CODECS[1:])
    rows = []
    for (kind, peak, dn, places), found in zip(scenes, returned[1:], strict=True):
        level, power = level_db(dn), np.square(dn.astype(np.float64))
        places = judged(power, places)
        for rate in rates:
            for codec in CODECS:
                bits, after = found[codec, rate]
                energy, top = errors(power, 10 ** (after.astype(np.float64) / 10), places)
                without = around_rmse(level_db(ground), returned[0][codec, rate][1], places)
                rows.append(
                    Row(
                        band, kind, peak, rate, codec, bits, len(places),
                        float(energy.mean()), float(np.abs(energy).mean()), float((np.abs(energy) <= 0.5).mean()),
                        float(top.mean()), float(np.abs(top).mean()), float((np.abs(top) <= 1).mean()),
                        around_rmse(level, after, places), without,
                    )
                )  # fmt: skip
        print(f"{band}: {kind} {peak}", file=sys.stderr, flush=True)
    return rows


def as_markdown(rows: list[Row]) -> str:
    """One line a kind, band and rate; of every codec the size of both errors, sarcodec's shares within bounds, and the ground around."""
    head = ["band", "targets", "bit/pixel"]
    for codec in CODECS:
        head += [f"{codec} energy", "peak", "around, without"]
    head += ["sarcodec within 0.5", "within 1.0"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for key in dict.fromkeys((r.band, r.kind, r.peak_dn, r.rate) for r in rows):
        some = {r.codec: r for r in rows if (r.band, r.kind, r.peak_dn, r.rate) == key}
        cells = [key[0], f"{some['sarcodec'].targets} {key[1]}, DN {key[2]}", f"{key[3]:g}"]
        for codec in CODECS:
            r = some[codec]
            cells += [f"{r.energy_size:.2f}", f"{r.peak_size:.2f}", f"{r.around:.2f}, {r.around_without:.2f}"]
        own = some["sarcodec"]
        cells += [f"{100 * own.energy_within:.0f} %", f"{100 * own.peak_within:.0f} %"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="holds val/iw, val/slc, val/ew (SARCODEC_DATA)")
    parser.add_argument("--rates", type=lambda text: [float(rate) for rate in text.split(",")], default=[0.1, 0.3, 0.8])
    parser.add_argument("--bands", default=BANDS, help="names as in rd_val.py, without .npy")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    chosen = arguments.bands.split(",")
    rows = []
    for band in find_bands(arguments.data):
        name = band.name.removesuffix(".npy")
        if name in chosen:
            ground = np.ascontiguousarray(read_band(band.path, band.number)[:SIDE_PX, :SIDE_PX])
            rows += measure(name, np.maximum(ground, 1), arguments.rates)
    print(as_markdown(rows))
    if arguments.out:
        arguments.out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
