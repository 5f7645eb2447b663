"""What CBAM's gates are worth, in files: the runs of an ablation published, written, read back and held against each other.

    python benchmarks/study_gates.py --data DATA --runs runs [--start half,open] [--gates none,both]

Runs are those of `study_runs.py --part ablation,ablation-open`: 'half' has the gates of the study, 'open' gates that begin open. Each run
is published (float16, all latent channels with the step that it was trained with) under WORK/published, its files of the bands of val/iw are written at half,
once and twice its steps, a fresh process reads them back. Bits are those of the file on disk; PSNR is the study's. Runs of one seed saw the same
crops, so differences are taken within a seed and a place; intervals are 95 %, over seeds and places (`study/comparing/impact.py`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from study_runs import SEEDS

from sarcodec_lab.study.comparing.cases import Case, find_cases
from sarcodec_lab.study.comparing.comparison import compare_one
from sarcodec_lab.study.comparing.contenders import Ladder, Network
from sarcodec_lab.study.comparing.impact import at_bits, difference, shown, worth
from sarcodec_lab.study.comparing.records import Record
from sarcodec_lab.train.autoencoders.ablation import GATES
from sarcodec_lab.train.autoencoders.run import publish_run

STEPS = (0.5, 1.0, 2.0)
OWN = STEPS.index(1.0)
FIGURES = ("bits_per_pixel", "psnr_study", "rmse_db")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def measured(run: Path, data: Path, work: Path, cases: Sequence[Case]) -> list[Record]:
    """Records of every case at every step."""
    model = work / "published" / run.name
    if not (model / "card.json").exists():
        publish_run(run, run.name, data, work / "published", "float16", fitting_crops=0, report=say)
    return compare_one(cases, Network(str(model), Ladder(STEPS, (0,))), work, say, beside=False)


def by_place(records: Sequence[Record]) -> np.ndarray:
    """(figures, places, steps): means over the bands of a place."""
    places = list(dict.fromkeys(record.place for record in records))
    return np.array(
        [
            [
                [
                    np.mean([_figure(r, name) for r in records if (r.place, r.setting.value) == (place, step)])
                    for step in STEPS
                ]
                for place in places
            ]
            for name in FIGURES
        ]
    )


def _figure(record: Record, name: str) -> float:
    return record.bits_per_pixel if name == "bits_per_pixel" else getattr(record.measures, name)


def mean_and_spread(figures: np.ndarray, digits: int) -> str:
    """Of (seeds, places): mean, and standard deviation over seeds."""
    seeds = figures.mean(1)
    return f"{seeds.mean():.{digits}f} ± {seeds.std(ddof=1):.{digits}f}"


def report(start: str, options: argparse.Namespace, cases: Sequence[Case]) -> None:
    """One ablation's table, and the answer in a sentence."""
    found, parameters, answer = {}, {}, ""
    for gates in options.gates.split(","):
        runs = [options.runs / f"{start}-{gates}-s{seed}" for seed in SEEDS]
        seeds = [by_place(measured(run, options.data, options.work, cases)) for run in runs]
        found[gates] = np.stack(seeds, 1)  # (figures, seeds, places, steps)
        card = json.loads((options.work / "published" / runs[0].name / "card.json").read_text())
        parameters[gates] = card["parameters"]
    anchor_bits, anchor_psnr, _ = found["none"][..., OWN]
    print(f"\n{start}: {len(SEEDS)} seeds, {anchor_bits.shape[1]} places\n")
    print("| gates | parameters | bit/pixel | PSNR dB, study | RMSE dB | PSNR at equal bits, less none |")
    print("|---|---|---|---|---|---|")
    for gates, (bits, psnr, rmse) in found.items():
        gained = difference(at_bits(bits, psnr, anchor_bits), anchor_psnr)
        cells = [mean_and_spread(bits[..., OWN], 4), mean_and_spread(psnr[..., OWN], 2)]
        cells += [mean_and_spread(rmse[..., OWN], 3), "" if gates == "none" else shown(gained)]
        print(f"| {gates} | {parameters[gates]:,} | " + " | ".join(cells) + " |")
        if gates == "both":
            answer = worth(gained, "Both gates against none at equal bits")
    print("\n" + answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--work", type=Path, help="published models, files and figures; default RUNS/gates")
    parser.add_argument("--start", default="half,open")
    parser.add_argument("--gates", default=",".join(GATES), help="which, none among them")
    options = parser.parse_args()
    if "none" not in options.gates.split(","):
        parser.error(f"--gates is {options.gates}; expected none among them, which the others are held against")
    options.work = options.work or options.runs / "gates"
    cases = find_cases(options.data, "val", ("iw",), options.work / "scenes")
    for start in options.start.split(","):
        report(start, options, cases)


if __name__ == "__main__":
    main()
