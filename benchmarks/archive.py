"""The scheduling part of `sarcodec archive` over very many names, with a codec that compresses nothing: memory, scenes a second, time to start again.

    python benchmarks/archive.py --names 1000000 --folder /tmp/archive-names

Each stage runs in a process of its own, so that its peak of memory is its own. The outputs are whole compressed files of a few hundred bytes (one that was
compressed before, again and again), so that a start looks at real heads. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from pathlib import Path

A_FOLDER = 1000  # names


def names(count: int, folder: Path) -> Path:
    """A list of names; the scenes themselves are never opened."""
    path = folder / "names.txt"
    with open(path, "w") as file:
        for number in range(count):
            file.write(f"/scenes/{number // A_FOLDER:05}/S1A_IW_GRDH_1SDV_20240531T054321_{number:08}.tif\n")
    return path


class Here(Executor):
    """Does a task as it is submitted: what is measured is the scheduling alone."""

    def submit(self, function, /, *args, **kwargs):
        """A future that is done."""
        future: Future = Future()
        future.set_result(function(*args))
        return future


def listing(folder: Path, count: int) -> int:
    """Names into the temporary database, looked at for two of one output, and walked."""
    from sarcodec.archiving.names import Listing

    return sum(1 for _ in Listing(folder / "names.txt"))


def scheduled(folder: Path, count: int) -> int:
    """Every scene is made and judged by a codec that does nothing, and gets its row. Outputs are not written."""
    return run(folder, written=False)


def written(folder: Path, count: int) -> int:
    """The same with an output for each scene."""
    return run(folder, written=True)


def resumed(folder: Path, count: int) -> int:
    """A start where all is done: each output is opened and its head compared with the table."""
    return run(folder, written=True)


def run(folder: Path, written: bool) -> int:
    """What `sarcodec.archive` does around the codec."""
    from sarcodec.archiving.names import Listing
    from sarcodec.archiving.places import FolderPlace, head_of
    from sarcodec.archiving.running import Plan, Run
    from sarcodec.archiving.table import Table
    from sarcodec.archiving.tally import Tally
    from sarcodec.archiving.tasks import Answer, Codec, Verdict
    from sarcodec.archiving.verb import steps

    sample = (folder / "sample.sarc").read_bytes()
    head, size = head_of(str(folder / "sample.sarc"))
    made: set[str] = set()

    def make(job):
        if written:
            target = Path(job.target)
            if str(target.parent) not in made:
                made.clear()
                made.add(str(target.parent))
                target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(sample)
        return Answer(place="elsewhere")

    verdict = Verdict(
        bytes_in=1 << 30, modified_ns=1, bytes_out=size, head=head, promised="quality 60", rmse_db=0.3, software="none"
    )
    out = folder / ("out" if written else "none")
    out.mkdir(exist_ok=True)
    scenes = Listing(folder / "names.txt")
    tally, plan = Tally(scenes.count), Plan(FolderPlace(out), {}, 8)
    with Table(out / "archive.sqlite") as table:
        Run(plan, Here(), Codec(make, lambda job, by: verdict), table, tally).go(steps(scenes, plan, table))
    return tally.done


STAGES = {"names": listing, "scheduled": scheduled, "with outputs": written, "started again": resumed}


def measured(stage: str, folder: Path, count: int) -> None:
    """One stage, in this process; its figures as JSON."""
    began = time.perf_counter()
    done = STAGES[stage](folder, count)
    seconds = time.perf_counter() - began
    if done != count:
        raise SystemExit(f"{stage}: {done} of {count}")
    print(json.dumps({"seconds": seconds, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def main() -> None:
    """All stages in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--written", type=int, help="names of the stages that write outputs (default: all)")
    parser.add_argument("--folder", type=Path, required=True, help="empty, or not there yet; removed at the end")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        measured(options.stage, options.folder, options.names)
        return
    options.folder.mkdir(parents=True)
    try:
        _all(options)
    finally:
        shutil.rmtree(options.folder)


def _all(options: argparse.Namespace) -> None:
    import numpy as np

    import sarcodec

    pixels = np.rint(300 * np.sqrt(np.random.default_rng(1).gamma(4, 0.25, (32, 32)))).astype(np.uint16)
    (options.folder / "sample.sarc").write_bytes(sarcodec.encode(pixels, domain="amplitude", quality=20))
    print("| stage | scenes | s | scenes/s | peak MiB |\n|---|---|---|---|---|")
    for stage, before in itertools.zip_longest(STAGES, [None, "names", "scheduled", "with outputs"]):
        count = options.names if before in (None, "names") else options.written or options.names
        if stage in ("names", "with outputs"):
            names(count, options.folder)
        command = [sys.executable, __file__, "--stage", stage, "--folder", str(options.folder), "--names", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        figures = json.loads(done.stdout)
        rate = count / figures["seconds"]
        print(
            f"| {stage} | {count:,} | {figures['seconds']:.1f} | {rate:,.0f} | {figures['peak_mib']:.0f} |", flush=True
        )


if __name__ == "__main__":
    main()
