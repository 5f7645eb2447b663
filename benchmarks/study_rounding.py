"""What it is worth to choose latents by rate and distortion in research files, and what it costs to write them.

    python benchmarks/study_rounding.py MODEL [MODEL ...] --data DATA [--weights 0.06,0.075,0.09] [--steps 0.5,1,2] [--split val]

Bands of `iw` at the development places of the model's recipe (`dev_groups`, places of the train split that are never
trained on), or all of another split, which is for figures and not for choosing a weight: every band is written at every
step with plain rounding (weight 0) and with each weight, and read back in this process (`sarcodec compare` takes another).
BD-rate over RMSE in dB against plain rounding, mean over places with a 95 % bootstrap interval; bytes and RMSE at each
step over those of plain rounding; processor seconds of writing over those of plain rounding, model and files included.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from sarcodec.raster.geotiff import read_array
from sarcodec.signal.radiometry import AMPLITUDE, normalise
from sarcodec_lab.figures.curves import RateDistortion, bd_rate
from sarcodec_lab.networks.autoencoders import published
from sarcodec_lab.study.comparing.cases import Case, find_cases
from sarcodec_lab.study.comparing.places import shared_window, spread
from sarcodec_lab.study.files.coder import decode_scene, encode_scene


def written(model, case: Case, step: float, weight: float, work: Path) -> tuple[RateDistortion, float]:
    """The point of one file, and the seconds of processor that writing it took."""
    begun = time.process_time()
    report = encode_scene(case.scene, model, step, work / "band.sara", overwrite=True, rate_weight=weight)
    seconds = time.process_time() - begun
    decode_scene(work / "band.sara", model, work / "band.tif", overwrite=True)
    levels = [normalise(dn, AMPLITUDE) for dn in (case.dn, read_array(work / "band.tif")[0][0])]
    error = (levels[1][0] - levels[0][0])[levels[0][1] & levels[1][1]]
    return RateDistortion(report.bits_per_pixel, float(np.mean(error.astype(np.float64) ** 2))), seconds


def row(name: str, weight: float, cases: list[Case], plain: list, found: list) -> str:
    """A line of the table."""
    curves = [[[point for point, _ in band] for band in side] for side in (plain, found)]
    windows = [shared_window(before, after) for before, after in zip(*curves)]
    rates = [
        (case.place, bd_rate(before, after, window))
        for case, before, after, window in zip(cases, *curves, windows)
        if window
    ]
    rate = spread(rates)
    ratio = lambda get, k: np.mean([get(b[k]) / get(a[k]) for a, b in zip(*curves)])
    bits = "; ".join(f"{ratio(lambda p: p.bits_per_pixel, k):.3f}" for k in range(len(found[0])))
    errors = "; ".join(f"{ratio(lambda p: p.rmse_db, k):.3f}" for k in range(len(found[0])))
    seconds = [sum(took for band in side for _, took in band) for side in (plain, found)]
    said = f"{rate.mean:+.2f} [{rate.low:+.2f}, {rate.high:+.2f}]" if rate else ""
    return f"| {name} | {weight:g} | {said} | {bits} | {errors} | {seconds[1] / seconds[0]:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", default="0.075")
    parser.add_argument("--steps", default="0.5,1,2")
    parser.add_argument("--split", default="train", help="train: its development places alone (default)")
    parser.add_argument("--images", default="", help="names to keep (default: all of the development places)")
    options = parser.parse_args()
    weights, steps = ([float(word) for word in text.split(",")] for text in (options.weights, options.steps))
    images = [name for name in options.images.split(",") if name]
    print(
        "| model | weight | BD-rate against plain rounding, % | bytes, step by step | RMSE | seconds |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        all_cases = find_cases(options.data, options.split, ["iw"], work / "scenes", images)
        for source in options.models:
            model = published.load(source)
            wanted = model.card["recipe"]["dev_groups"]
            cases = [case for case in all_cases if options.split != "train" or case.place in wanted]
            if not cases:
                parser.error(f"found no image of {', '.join(wanted)} in {options.data}, expected at least one")
            run = lambda weight: [[written(model, case, step, weight, work) for step in steps] for case in cases]
            plain = run(0.0)
            for weight in weights:
                print(row(model.id, weight, cases, plain, run(weight)), flush=True)


if __name__ == "__main__":
    main()
