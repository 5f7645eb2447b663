"""Archives whose processes are killed, whose disk is full, whose target cannot be written, or onto which two runs go at once: what is there in the end.

    python benchmarks/killed_archive.py --folder /tmp/killed                 all, as root (file systems are mounted), about ten minutes on two cores
    python benchmarks/killed_archive.py --folder /tmp/killed --only kills --scenes 60 --kills 8

Small scenes, of which one in the middle is none. After each: the table equals the disk (every output has a row with its size and checksum and the other way round), every output is decoded
and compared with its scene, nothing was compressed twice, no scene is lost or changed, and nothing is left behind, among the temporary files either. Ends with an error where one of these does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import sarcodec
from sarcodec.archiving.places import head_of
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import write_array

SIDE_PX, WORKERS = 64, 2
REFUSED = 3  # exit code of what is no scene


@dataclass
class Trial:
    """Scenes and the archive of them. written: outputs that were seen, and when they were written; kills: of workers, of runs."""

    folder: Path
    count: int
    out: Path
    words: tuple[str, ...] = ()
    written: dict[str, int] = field(default_factory=dict)
    worker_kills: int = 0
    run_kills: int = 0
    starts: int = 0
    hashes: dict[str, str] = field(default_factory=dict)

    def start(self, *more: str) -> subprocess.Popen:
        """A run of the command line, whose temporary files are in a folder of their own."""
        self.starts += 1
        (self.folder / "tmp").mkdir(exist_ok=True)
        words = ["archive", str(self.folder / "in"), str(self.out), "--effort", "0", "--quiet", *self.words, *more]
        environment = {**os.environ, "TMPDIR": str(self.folder / "tmp"), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "sarcodec", *words]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def to_the_end(self) -> int:
        """Started until it ends by itself with nothing failed; gives how often."""
        for number in range(1, 6):
            process = self.start()
            _, said = process.communicate(timeout=1800)
            if process.returncode == 0:
                return number
        raise SystemExit(f"it does not end: {said}")

    def note(self) -> None:
        """Which outputs are there."""
        for name in outputs(self.out):
            with contextlib.suppress(FileNotFoundError):
                self.written.setdefault(name, (self.out / name).stat().st_mtime_ns)


def make_scenes(folder: Path, count: int) -> dict[str, str]:
    """In three folders; the one in the middle is none. Gives their checksums."""
    for number in range(count):
        path = folder / ("a", "a/deep", "b")[number % 3] / f"scene-{number:04}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number == count // 2:
            path.write_bytes(b"this is no scene")
            continue
        speckle = np.random.default_rng(number).gamma(4, 0.25, (1, SIDE_PX, SIDE_PX))
        pixels = np.rint(300 * np.sqrt(speckle)).clip(1).astype(np.uint16)
        write_array(path, pixels, SceneInfo(SIDE_PX, SIDE_PX, 1, "uint16"), overwrite=True)
    return checksums(folder)


def checksums(folder: Path) -> dict[str, str]:
    """Of all files below."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def outputs(out: Path) -> set[str]:
    """Names of whole outputs."""
    found = set()
    for place, folders, files in os.walk(out):
        folders[:] = [name for name in folders if not name.startswith(".sarcodec-")]
        found |= {(Path(place) / name).relative_to(out).as_posix() for name in files if name.endswith(".sarc")}
    return found


def workers_of(pid: int) -> list[int]:
    """Processes that a run has started, but for Python's own helper."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in task.read_text().split():
                if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


def require_sound(trial: Trial) -> None:
    """What is claimed at the top of this file."""
    base = sqlite3.connect(trial.out / "archive.sqlite")
    base.row_factory = sqlite3.Row
    rows = {row["output"]: dict(row) for row in base.execute("SELECT * FROM scenes")}
    base.close()
    there, done = outputs(trial.out), {name for name, row in rows.items() if row["state"] == "done"}
    wrong = []
    if done != there:
        wrong.append(f"table and disk differ: {sorted(done ^ there)[:5]}")
    if len(there) != trial.count - 1 or len(rows) != trial.count:
        wrong.append(f"{len(there)} outputs and {len(rows)} rows of {trial.count} scenes")
    for name in sorted(there & done):
        if head_of(str(trial.out / name)) != (rows[name]["head"], rows[name]["bytes_out"]):
            wrong.append(f"{name} is another file than the table's")
        if not sarcodec.verify(trial.out / name, against=rows[name]["source"], threads=1).passed:
            wrong.append(f"{name} is not its scene")
    if [row["exit_code"] for row in rows.values() if row["state"] != "done"] != [REFUSED]:
        wrong.append("more is not done than the one that is no scene")
    twice = [name for name, when in trial.written.items() if (trial.out / name).stat().st_mtime_ns != when]
    if twice:
        wrong.append(f"compressed twice: {twice}")
    if checksums(trial.folder / "in") != trial.hashes:
        wrong.append("scenes were changed")
    if left := leftovers(trial.out) + leftovers(trial.folder / "tmp"):
        wrong.append(f"left behind: {left}")
    if wrong:
        raise SystemExit("; ".join(wrong))


def leftovers(folder: Path) -> list[str]:
    """Temporary files of ours, and of SQLite's."""
    endings = ("-wal", "-shm", "-journal", ".part")
    names = [name for _, folders, files in os.walk(folder) for name in (*folders, *files)]
    return [name for name in names if name.startswith(".sarcodec") or name.endswith(endings)]


def killed(trial: Trial, kills: int, victims: Callable[[int], list[int]], seed: int) -> None:
    """Random moments, one in three the run itself, else one of its workers."""
    draw, process = random.Random(seed), trial.start()
    for number in range(kills):
        wanted = len(outputs(trial.out)) + draw.randint(1, max(1, trial.count // (kills + 5)))
        end = time.monotonic() + 120
        while len(outputs(trial.out)) < wanted and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))
        trial.note()
        if process.poll() is not None:
            raise SystemExit(f"the run ended after {number} kills: {process.communicate()[1]}")
        alive = victims(process.pid)
        whole = draw.random() < 1 / 3 or not alive
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid if whole else draw.choice(alive), signal.SIGKILL)
        trial.run_kills, trial.worker_kills = trial.run_kills + whole, trial.worker_kills + (not whole)
        if whole:
            process.communicate()
            process = trial.start()
    process.communicate(timeout=1800)


def kills(trial: Trial, options: argparse.Namespace) -> str:
    """Processes of the run's own."""
    trial.words = ("--workers", str(WORKERS))
    killed(trial, options.kills, workers_of, 7)
    return _killed_words(trial)


def dask(trial: Trial, options: argparse.Namespace) -> str:
    """Workers of a Dask cluster, which starts others in the place of those that are killed."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster:
        trial.words = ("--scheduler", cluster.scheduler_address)

        def alive(pid: int) -> list[int]:
            with cluster.get_client() as client:
                return list(client.run(os.getpid).values())

        killed(trial, options.kills, alive, 8)
        said = _killed_words(trial)
        require_sound(trial)
    return said


def _killed_words(trial: Trial) -> str:
    more = trial.to_the_end()
    kinds = f"{trial.worker_kills} kills of workers, {trial.run_kills} of the run"
    return f"{kinds}; {trial.starts} starts, {more} of them after the last kill"


def full(trial: Trial, options: argparse.Namespace) -> str:
    """A disk that takes about a third of the outputs, then more."""
    with mounted(trial.out.parent, f"size={150 + 3 * trial.count // 2}k"):
        process = trial.start("--workers", str(WORKERS))
        _, said = process.communicate(timeout=1800)
        before = len(outputs(trial.out))
        trial.note()
        if process.returncode != 1 or "full" not in said or not 0 < before < trial.count - 1:
            raise SystemExit(f"exit code {process.returncode}, {before} outputs: {said}")
        subprocess.run(["mount", "-o", "remount,size=200m", trial.out.parent], check=True)
        trial.to_the_end()
        require_sound(trial)
    return f"exit code 1 with {before} outputs on it; all after a start with room"


def read_only(trial: Trial, options: argparse.Namespace) -> str:
    """Nothing can be written; then it can."""
    with mounted(trial.out.parent, "size=200m,ro"):
        process = trial.start()
        _, said = process.communicate(timeout=600)
        if process.returncode != 2 or "Read-only" not in said or len(said.splitlines()) != 1:
            raise SystemExit(f"exit code {process.returncode}: {said}")
        subprocess.run(["mount", "-o", "remount,rw", trial.out.parent], check=True)
        trial.to_the_end()
        require_sound(trial)
    return "exit code 2 and one sentence; all after a start on a target that can be written"


def two_at_once(trial: Trial, options: argparse.Namespace) -> str:
    """A second run, and a third as a shard, while the first is at work."""
    process, refused = trial.start("--workers", str(WORKERS)), 0
    while not outputs(trial.out) and process.poll() is None:
        time.sleep(0.01)
    for more in ((), ("--shard", "1/2")):
        other = trial.start(*more)
        _, said = other.communicate(timeout=600)
        refused += other.returncode == 2 and "another archive is writing" in said
    trial.note()
    process.communicate(timeout=1800)
    if refused != 2 or process.returncode:
        raise SystemExit(f"{refused} of 2 refused, exit code {process.returncode}")
    return "the second and third run end with exit code 2; the first goes on to its end"


@contextlib.contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    """A file system in memory."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


WAYS = {"kills": kills, "dask": dask, "full": full, "read-only": read_only, "two-at-once": two_at_once}


def main() -> None:
    """All ways in turn; a row of a table each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="empty, or not there yet; removed at the end")
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only", choices=WAYS, action="append")
    options = parser.parse_args()
    print("| what happens | scenes | what was seen | s |\n|---|---|---|---|")
    for name in options.only or WAYS:
        folder = options.folder / name
        count, began = options.scenes, time.monotonic()
        (folder / "in").mkdir(parents=True)
        out = folder / "disk" / "out" if name in ("full", "read-only") else folder / "out"
        trial = Trial(folder, count, out)
        trial.hashes = make_scenes(folder / "in", count)
        said = WAYS[name](trial, options)
        if name not in ("full", "read-only"):  # whose disks are gone
            require_sound(trial)
        print(f"| {name} | {count} | {said} | {time.monotonic() - began:.0f} |", flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
