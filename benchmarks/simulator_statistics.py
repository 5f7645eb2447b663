"""Compare the simulator's speckle with untouched Sentinel-1 GRDH and SLC chips: `python
benchmarks/simulator_statistics.py [--json]`.

In: ship chips (`train/chips` and `val/chips` below --data, $SARCODEC_DATA or ../shared/data). Out: a table, or JSON, on
stdout.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

from sarcodec.simulate import statistics
from sarcodec.simulate.speckle import GRDH, SINGLE_LOOK, Sensor, speckle_intensity

DEFAULT_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def patches_of(paths: list[Path]) -> list[np.ndarray]:
    """Homogeneous corners of all the chips in some npz files."""
    chips = []
    for path in paths:
        with np.load(path, allow_pickle=False) as archive:
            chips += [archive[name] for name in archive.files]
    return statistics.homogeneous(statistics.chip_corners(chips))


def simulated(sensor: Sensor, size: int = 2048, seed: int = 1) -> np.ndarray:
    """Speckle of homogeneous ground."""
    return speckle_intensity(size, size, np.random.Generator(np.random.Philox(seed)), sensor)


def report_row(source: str, patches: list[np.ndarray], reference: np.ndarray) -> dict:
    """One line of the report: how many patches, their median statistics, and how far their histogram is from the
    simulator's."""
    distance = statistics.cdf_distance(statistics.normalised_log(patches), reference)
    return {
        "source": source,
        "patches": len(patches),
        **statistics.median_statistics(patches).rounded(),
        "cdf_distance": round(distance, 4),
    }


def compare(data: Path) -> list[dict]:
    """Rows of the report: the simulator whole and in patches, then every chip file, then all of a kind."""
    rows = []
    for kind, sensor in (("grdh", GRDH), ("slc", SINGLE_LOOK)):
        whole = simulated(sensor)
        patches = statistics.homogeneous(statistics.patches(whole))
        reference = statistics.normalised_log(patches)
        rows.append(
            {
                "source": f"simulator {sensor.name}, whole image",
                "patches": 1,
                **statistics.measure(whole).rounded(),
                "cdf_distance": 0.0,
            }
        )
        rows.append(report_row(f"simulator {sensor.name}, patches", patches, reference))
        paths = sorted(data.glob(f"*/chips/{kind}-*.npz"))
        rows += [report_row(path.stem, patches_of([path]), reference) for path in paths]
        for band in ("vv", "vh"):
            chosen = [path for path in paths if path.stem.endswith(band)]
            if chosen:
                rows.append(report_row(f"all {kind} {band}", patches_of(chosen), reference))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SARCODEC_DATA", DEFAULT_DATA)))
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"no folder {arguments.data}: only the simulator is measured; set --data", file=sys.stderr)
    rows = compare(arguments.data)
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(
        "| source | patches | looks | lag 1 across | lag 1 along | largest CDF difference |\n|---|---|---|---|---|---|"
    )
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
