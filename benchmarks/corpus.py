"""Rasters of other projects through compress and decompress: what comes back, what is refused, what is a fault.

    python benchmarks/corpus.py FOLDER... [--mode lossless|quality|bound] [--only PATTERN] [--csv OUT.csv] [--markdown OUT.md]

Every file of the folders that GDAL opens goes through the command line in fresh processes, each within a time limit; of a file of several
images also the first, by its name. What comes back is compared by tests/survival.py, where the documented differences are listed with a
reason each. A row a file: back; back, noted (what the notes say); refused (exit 2 or 3, one line that says why); FAULT. Exit code 1 if
there is a fault. The rasters are not part of the project.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rasterio.errors import RasterioError
from rd_val import ROOT

sys.path.insert(0, str(ROOT / "tests"))
from facets import describe, quiet_open
from promised_pixels import Promise, pixel_faults, promises
from survival import allowance, differences

MODES = {"lossless": ["--lossless"], "quality": ["--quality", "60"], "bound": ["--max-error-db", "0.5"]}
SIDE_FILES = (".msk", ".ovr", ".aux.xml", ".prj", ".wld", ".tfw", ".pgw", ".rpb", ".txt", ".xml", ".json")
RESULTS = ("back", "back, noted", "refused", "FAULT")
REFUSALS = (2, 3)
NOTE = "sarcodec: note: "


@dataclass(frozen=True)
class Row:
    """What became of one raster. documented: facets that differ and may, with a reason in ALLOWED."""

    project: str
    raster: str
    about: str
    result: str
    detail: str
    documented: str
    bytes_before: int
    bytes_packed: int
    seconds: float


@dataclass(frozen=True)
class Found:
    """A raster to send through: what GDAL opens, and how it is called in the table."""

    source: str
    path: Path
    project: str
    name: str
    about: str


def rasters(folder: Path) -> Iterator[Found]:
    """Every file of `folder` that GDAL opens, and the first image of those that have several."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.lower().endswith(SIDE_FILES):
            continue
        project, name = folder.name.replace("+", "/"), str(path.relative_to(folder))
        try:
            with quiet_open(path) as dataset:
                yield Found(str(path), path, project, name, _about(dataset))
                images = dataset.subdatasets
        except RasterioError:
            continue
        if images:
            try:
                with quiet_open(images[0]) as dataset:
                    yield Found(images[0], path, project, f"{name} [first image]", _about(dataset))
            except RasterioError:
                continue


def _about(dataset) -> str:
    types = ", ".join(sorted(set(dataset.dtypes))) or "no bands"
    return f"{dataset.driver}, {dataset.count} x {dataset.height} x {dataset.width}, {types}"


@dataclass(frozen=True)
class Ran:
    """One command: exit code (None: it took too long), stdout and stderr."""

    code: int | None
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return [line for line in self.stderr.splitlines() if line.strip()]

    @property
    def notes(self) -> list[str]:
        return [line.removeprefix(NOTE) for line in self.lines if line.startswith(NOTE)]

    def fault(self, verb: str) -> str | None:
        """What is wrong with how a command that was to do its work ended."""
        if self.code is None:
            return f"{verb} took too long"
        if "Traceback" in self.stderr:
            return f"{verb} ended in a traceback: {self.lines[-1]}"
        if self.code:
            return f"{verb} ended with {self.code}: {' / '.join(self.lines)}"
        foreign = [line for line in self.lines if not line.startswith(NOTE)]
        return f"{verb} let through: {foreign[0]}" if foreign else None


def sarcodec(limit_s: float, *words: object) -> Ran:
    """Run the command line in a fresh process."""
    command = [sys.executable, "-m", "sarcodec", *map(str, words)]
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Ran(None, "", "")
    return Ran(done.returncode, done.stdout, done.stderr)


def judge(found: Found, mode: str, limit_s: float) -> Row:
    """Send one raster through."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        packed, back = Path(name) / "scene.sarc", Path(name) / "back.tif"
        result, detail, documented = _walk(found, packed, back, mode, limit_s)
        size = packed.stat().st_size if packed.exists() else 0
    path = found.path
    for said in (f"{path.parent}/", f"{packed.parent}/"):  # where they lie on this machine
        detail = detail.replace(said, "")
    return Row(
        found.project,
        found.name,
        found.about,
        result,
        detail,
        documented,
        path.stat().st_size,
        size,
        round(time.perf_counter() - began, 1),
    )


def _walk(found: Found, packed: Path, back: Path, mode: str, limit_s: float) -> tuple[str, str, str]:
    """Result, detail and documented differences."""
    listing = _listing(found)
    first = sarcodec(limit_s, "compress", found.source, packed, *MODES[mode], "--threads", 1)
    if first.code in REFUSALS and "Traceback" not in first.stderr:
        return _refusal(first, packed)
    fault = first.fault("compress")
    if fault is None:
        second = sarcodec(limit_s, "decompress", packed, back, "--threads", 1)
        fault = second.fault("decompress")
    if fault is None and _listing(found) != listing:
        fault = "the folder of the raster is not as it was"
    if fault is not None:
        return "FAULT", fault, ""
    notes = list(dict.fromkeys(first.notes + second.notes))
    return _compared(found.source, packed, back, notes)


def _listing(found: Found) -> list[str]:
    return sorted(entry.name for entry in found.path.parent.iterdir())


def _refusal(run: Ran, packed: Path) -> tuple[str, str, str]:
    if packed.exists():
        return "FAULT", "refused, but the output is there", ""
    if len(run.lines) != 1 or not run.lines[0].startswith("sarcodec: "):
        return "FAULT", f"refused in {len(run.lines)} lines: {' / '.join(run.lines)}", ""
    return "refused", run.lines[0].removeprefix("sarcodec: "), ""


def _compared(source: str, packed: Path, back: Path, notes: list[str]) -> tuple[str, str, str]:
    try:
        before, after = describe(source), describe(back)
        wrong = pixel_faults(source, back, promised(packed, before))
    except (RasterioError, OSError) as error:
        return "FAULT", f"taken, but it cannot be read: {error}", ""
    said, documented = "\n".join(notes), []
    for difference in differences(before, after):
        entry = allowance(difference, said)
        if entry is None:
            wrong.append(str(difference))
        else:
            documented.append(difference.facet)
    if wrong:
        return "FAULT", "; ".join(wrong), "; ".join(documented)
    return ("back, noted", " ".join(notes), "; ".join(documented)) if notes else ("back", "", "; ".join(documented))


def promised(packed: Path, before: dict[str, object]) -> list[Promise]:
    """What a compressed file promises of each band, by its own words."""
    found = json.loads(sarcodec(60, "info", packed, "--json").stdout)
    kinds = found.get("band_kinds") or [{"kind": found["mode"], "domain": found["domain"]}] * found["bands"]
    return promises([(kind["kind"], kind["domain"]) for kind in kinds], found["max_error_db"], before)


def table(rows: list[Row], mode: str) -> str:
    """Markdown: the count, then a line for the rasters of a project of which the same became."""
    lines = [
        f"{len(rows)} rasters, {mode}: {_counted(rows)}.",
        "",
        "| project | what became of them | rasters |",
        "|---|---|---|",
    ]
    alike: dict[tuple[str, str, str], list[str]] = {}
    for row in sorted(rows, key=lambda row: (row.project, RESULTS.index(row.result))):
        alike.setdefault((row.project, row.result, row.detail), []).append(row.raster)
    for (project, result, detail), names in alike.items():
        said = re.sub(r"\s+", " ", detail).replace("|", "\\|")
        lines.append(f"| {project} | {result}{': ' + said if said else ''} | {', '.join(_without_common(names))} |")
    return "\n".join(lines) + "\n"


def _counted(rows: list[Row]) -> str:
    count = Counter(row.result for row in rows)
    return ", ".join(f"{count[name]} {name}" for name in RESULTS)


def _without_common(names: list[str]) -> list[str]:
    """Names after the folders that all of them share; the first keeps them."""
    shared = os.path.commonpath([str(Path(name).parent) for name in names])
    return [names[0], *(name.removeprefix(shared).lstrip("/") for name in names[1:])]


def read_rows(path: Path) -> list[Row]:
    """Rows of an earlier run's --csv."""
    with open(path, newline="", encoding="utf-8") as file:
        numbers = {"bytes_before": int, "bytes_packed": int, "seconds": float}
        return [Row(**{k: numbers.get(k, str)(v) for k, v in row.items()}) for row in csv.DictReader(file)]


def write_rows(path: Path, rows: list[Row]) -> None:
    """What `read_rows` reads."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=asdict(rows[0]))
        writer.writeheader()
        writer.writerows(map(asdict, rows))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="one a project")
    parser.add_argument("--mode", choices=MODES, default="lossless")
    parser.add_argument("--only", default="", metavar="PATTERN", help="regular expression that names must hold")
    parser.add_argument("--limit", type=float, default=120, metavar="SECONDS", help="of one command")
    parser.add_argument(
        "--rows", nargs="*", default=[], type=Path, metavar="CSV", help="rows of earlier runs, to be in the table too"
    )
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    rows = [row for path in options.rows for row in read_rows(path)]
    for folder in options.folders:
        for found in rasters(folder.resolve()):
            if re.search(options.only, found.name):
                rows.append(judge(found, options.mode, options.limit))
                if options.csv:  # whole after every raster: a run of hours may be cut
                    write_rows(options.csv, rows)
                print(
                    f"{rows[-1].result}: {found.project} {found.name} ({rows[-1].seconds} s) {rows[-1].detail[:300]}",
                    flush=True,
                )
    if not rows:
        sys.exit("found no raster; name folders that hold some")
    text = table(rows, options.mode)
    print(text.splitlines()[0])
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    if options.csv:
        write_rows(options.csv, rows)
    return int(any(row.result == "FAULT" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
