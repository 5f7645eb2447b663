"""Mean power and speckle of what comes back, beside other codecs at equal bytes, as Markdown.

    python benchmarks/fidelity.py [--data FOLDER] [--rates 0.1,0.3,1] [--model ID] [--only TEXT] [--alone] [--no-peers] [--out FILE.json]

Every image of FOLDER/val/{iw,slc,ew} and two simulated scenes, all their bands in one file (--alone: each in a file of its own), is compressed once a rate and
decompressed as least error (log), unbiased power (power) and with its speckle restored (restore); peers get the setting
whose file is nearest in size. Fresh process for every command but the search for that setting; rate is bytes on disk;
quality is measured after reading back. Brightness bins (eight, of equal numbers of places) and homogeneous windows are
chosen in the other polarisation; scenes of one band have no bins, and all their windows count. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rasterio
from peer_file import PEERS, level_db
from processes import decompress_command, measure, peer_command, rate_command, simulate_command
from rasterio.errors import NotGeoreferencedWarning

from sarcodec.quality.metrics import compare_levels

ROOT = Path(__file__).resolve().parents[1]
FAMILIES = ("iw", "slc", "ew")
MODES = {
    "log": ("--reconstruct", "log"),
    "power": ("--reconstruct", "power"),
    "restore": ("--reconstruct", "power", "--speckle", "restore"),
}
# From coarse to fine, and whether settings are whole numbers.
SETTINGS = {"j2k": (18.0, 70.0, False), "jxl": (24.0, 0.05, False), "avif": (1.0, 99.0, True)}
SIMULATED_PX = 768
BINS = 8
GUIDE_PX = (1, 8)
ENL_RANGE = (0.97, 1.03)
BIAS_DB, BIN_DB = 0.02, 0.05
SUMMARY = (
    "bit/pixel",
    "bias dB, largest",
    "within 0.02",
    "worst bin of pixels, mean, largest",
    "worst bin of 8 x 8, mean, largest",
    "within 0.05",
    "RMSE dB",
    "8 x 8 RMSE dB",
    "ENL ratio, mean",
    "least to most",
    "within 3 %",
)
DETAILS = (
    "scene, band",
    "rate",
    *(f"bias {mode}" for mode in MODES),
    *(f"worst bin of 8 x 8 {mode}" for mode in ("log", "power")),
    *(f"RMSE {mode}" for mode in MODES),
    *(f"ENL ratio {mode}" for mode in MODES),
)


@dataclass(frozen=True)
class Figures:
    """One band of one scene, decoded one way. bins_db: the largest bias of a bin by GUIDE_PX, None without another band."""

    scene: str
    band: int
    codec: str
    rate: float
    bits_per_pixel: float
    bias_db: float
    bins_db: tuple[float, ...] | None
    rmse_db: float
    multilook_rmse_db: float
    enl_ratio: float


def write_plain(path: Path, bands: np.ndarray) -> None:
    """A uint16 GeoTIFF without nodata, georeferencing or tags: what the peers see."""
    count, rows, cols = bands.shape
    with rasterio.open(path, "w", driver="GTiff", width=cols, height=rows, count=count, dtype="uint16") as target:
        target.write(bands)


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as source:
        return source.read()


def scenes(data: Path, folder: Path) -> dict[str, np.ndarray]:
    """Name -> amplitudes (bands, rows, cols) uint16; zeros, which are not valid amplitudes, are set to 1 as for the peers."""
    found = {f"{f}/{path.stem}": path for f in FAMILIES for path in sorted((data / "val" / f).glob("*.tif"))}
    for seed in (1, 2):
        path = folder / f"simulated-{seed}.tif"
        measure(simulate_command(path, SIMULATED_PX, seed))
        found[f"simulated/{seed}"] = path
    return {name: np.maximum(read(path), 1).astype(np.uint16) for name, path in found.items()}


def mean_blocks(power: np.ndarray, side: int) -> np.ndarray:
    """Means of whole side x side blocks."""
    rows, cols = (n // side for n in power.shape)
    return power[: rows * side, : cols * side].reshape(rows, side, cols, side).mean((1, 3))


def worst_bin_db(original: np.ndarray, decoded: np.ndarray, guide: np.ndarray, side: int) -> float:
    """Largest size of the bias over bins of places whose mean power in the guide is alike."""
    before, after, by = (mean_blocks(p, side).ravel() for p in (original, decoded, guide))
    number = np.searchsorted(np.quantile(by, np.arange(1, BINS) / BINS), by, side="right")
    sums = [np.bincount(number, p, BINS) for p in (before, after)]
    seen = sums[0] > 0
    return float(np.abs(10 * np.log10(sums[1][seen] / sums[0][seen])).max())


def measure_bands(
    scene: str, codec: str, rate: float, size: int, before: np.ndarray, after: np.ndarray
) -> list[Figures]:
    """Figures of all bands of amplitudes (bands, rows, cols) that came back in a file of `size` bytes."""
    figures, power = [], np.square([before, after], dtype=np.float64)
    for band in range(len(before)):
        other = (band + 1) % len(before)
        guide = None if other == band else level_db(before[other])
        found = compare_levels(level_db(before[band]), level_db(after[band]), np.ones(before[band].shape, bool), guide)
        bins = None if guide is None else tuple(worst_bin_db(*power[:, band], power[0, other], n) for n in GUIDE_PX)
        bits = 8 * size / before.size
        figures.append(
            Figures(
                scene,
                band + 1,
                codec,
                rate,
                bits,
                found.bias_power_db,
                bins,
                found.rmse_db,
                found.multilook_rmse_db,
                found.enl_ratio,
            )
        )
    return figures


def setting_for(codec: str, bands: np.ndarray, size: int) -> float:
    """The setting whose file of all bands is nearest to `size` bytes, by bisection."""
    coarse, fine, whole = SETTINGS[codec]
    length = lambda setting: sum(len(PEERS[codec].encode(level_db(b), setting, 1)) + 8 for b in bands)
    tried = {}
    for _ in range(8):
        middle = round((coarse + fine) / 2) if whole else (coarse + fine) / 2
        if middle in tried:
            break
        tried[middle] = length(middle)
        coarse, fine = (middle, fine) if tried[middle] < size else (coarse, middle)
    return min(tried, key=lambda setting: abs(tried[setting] - size))


def coded(bands: np.ndarray, rate: float, model: str | None, folder: Path) -> tuple[int, dict[str, np.ndarray]]:
    """Bytes of a file of bands, and what comes back in each mode."""
    scene, packed, decoded = (folder / n for n in ("scene.tif", "packed", "decoded.tif"))
    write_plain(scene, bands)
    measure(rate_command(scene, packed, rate, model))
    found = {}
    for mode, options in MODES.items():
        measure(decompress_command(packed, decoded, *options, "--overwrite"))
        found[mode] = read(decoded)
    return packed.stat().st_size, found


def measure_scene(
    name: str, bands: np.ndarray, rate: float, options: argparse.Namespace, folder: Path
) -> list[Figures]:
    """sarcodec in all modes, then the peers at its size."""
    files = [bands[n : n + 1] for n in range(len(bands))] if options.alone else [bands]
    sizes, found = zip(*(coded(some, rate, options.model, folder) for some in files), strict=True)
    size, figures = sum(sizes), []
    for mode in MODES:
        figures += measure_bands(name, mode, rate, size, bands, np.concatenate([f[mode] for f in found]))
    scene, packed, decoded = (folder / n for n in ("scene.tif", "packed", "decoded.tif"))
    write_plain(scene, bands)
    for codec in () if options.no_peers else PEERS:
        setting = setting_for(codec, bands, size)
        measure(peer_command("encode", scene, packed, codec, ["--setting", f"{setting!r}"]))
        measure(peer_command("decode", packed, decoded, codec, []))
        figures += measure_bands(name, codec, rate, packed.stat().st_size, bands, read(decoded))
    print(f"{name} at {8 * size / bands.size:.3f} bit/pixel", file=sys.stderr, flush=True)
    return figures


def as_markdown(figures: list[Figures]) -> str:
    """A summary a rate, a line a codec; then every band of sarcodec."""
    lines = []
    for rate in sorted({f.rate for f in figures}):
        lines += ["", f"{rate:g} bit/pixel, {len({(f.scene, f.band) for f in figures})} bands", ""]
        lines += ["| | " + " | ".join(SUMMARY) + " |", "|---" * (1 + len(SUMMARY)) + "|"]
        for codec in dict.fromkeys(f.codec for f in figures):
            lines.append(_summary(codec, [f for f in figures if (f.codec, f.rate) == (codec, rate)]))
    lines += ["", "<details><summary>All bands</summary>", ""]
    lines += ["| " + " | ".join(DETAILS) + " |", "|---" * len(DETAILS) + "|"]
    for key in dict.fromkeys((f.scene, f.band, f.rate) for f in figures):
        lines.append(_band_line(key, {f.codec: f for f in figures if (f.scene, f.band, f.rate) == key}))
    return "\n".join([*lines[1:], "", "</details>"])


def _summary(codec: str, rows: list[Figures]) -> str:
    binned = np.array([f.bins_db for f in rows if f.bins_db])
    bias, enl = np.abs([f.bias_db for f in rows]), np.array([f.enl_ratio for f in rows])
    mean = lambda name: np.mean([getattr(f, name) for f in rows])
    inside = np.count_nonzero((enl >= ENL_RANGE[0]) & (enl <= ENL_RANGE[1]))
    cells = [
        f"{mean('bits_per_pixel'):.3f}",
        f"{bias.max():.3f}",
        f"{np.count_nonzero(bias <= BIAS_DB)} of {len(rows)}",
        *(f"{values.mean():.3f}, {values.max():.3f}" for values in binned.T),
        " and ".join(str(np.count_nonzero(values <= BIN_DB)) for values in binned.T) + f" of {len(binned)}",
        f"{mean('rmse_db'):.3f}",
        f"{mean('multilook_rmse_db'):.3f}",
        f"{enl.mean():.3f}",
        f"{enl.min():.3f} to {enl.max():.3f}",
        f"{inside} of {len(rows)}",
    ]
    return "| " + " | ".join([f"sarcodec {codec}" if codec in MODES else codec, *cells]) + " |"


def _band_line(key: tuple[str, int, float], found: dict[str, Figures]) -> str:
    scene, band, rate = key
    cells = [f"{found[m].bias_db:+.3f}" for m in MODES]
    cells += [f"{found[m].bins_db[-1]:.3f}" if found[m].bins_db else "-" for m in ("log", "power")]
    cells += [f"{found[m].rmse_db:.3f}" for m in MODES] + [f"{found[m].enl_ratio:.3f}" for m in MODES]
    return f"| {scene} {band} | {rate:g} | " + " | ".join(cells) + " |"


def main() -> int:
    """Measure, print Markdown, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="holds val/iw, val/slc, val/ew (SARCODEC_DATA)")
    parser.add_argument("--rates", default="0.1,0.3,1", help="bits a pixel and band, with commas between")
    parser.add_argument("--model", help="passed through to compress")
    parser.add_argument("--only", default="", metavar="TEXT", help="only scenes whose name contains this")
    parser.add_argument(
        "--alone", action="store_true", help="every band in a file of its own; the other one still judges it"
    )
    parser.add_argument("--no-peers", action="store_true", help="sarcodec alone")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    options = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = {n: bands for n, bands in scenes(options.data, folder).items() if options.only in n}
        rates = [float(r) for r in options.rates.split(",")]
        figures = []
        for scene, bands in chosen.items():
            for rate in rates:
                figures += measure_scene(scene, bands, rate, options, folder)
                if options.out:
                    options.out.write_text(json.dumps([asdict(f) for f in figures], indent=1) + "\n")
    print(as_markdown(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
