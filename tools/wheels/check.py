"""Checks distributions that were built: python tools/wheels/check.py dist/*.whl dist/*.tar.gz

A wheel holds the package's files, one library and nothing else, says that any Python 3 will do and which system, and is below 15 MB. An sdist holds what a wheel is
built of. Says what is wrong; status 1 if anything is. Standard library only.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 15 * 10**6
LIBRARY = re.compile(r"sarcodec/native/libsarcodec\.(so|dll)")
TAG = re.compile(r"-py3-none-(?!any)[a-z0-9_]+\.whl$")
BESIDE = ("CHANGELOG.md", "LICENSE", "MANIFEST.in", "NOTICE", "README.md", "pyproject.toml", "setup.py")


def tracked(folder: str) -> set[str]:
    """Files of the repository under a folder."""
    listed = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, check=True, capture_output=True, text=True)
    return {name for name in listed.stdout.split("\0") if name}


def wheel_faults(path: Path) -> Iterator[str]:
    """What a wheel has or lacks."""
    if not TAG.search(path.name):
        yield f"its tags are {path.stem.split('-', 2)[-1]}, expected py3-none and a system"
    with zipfile.ZipFile(path) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        damaged = archive.testzip()
    if damaged:
        yield f"{damaged} in it is damaged"
    libraries = {name for name in names if LIBRARY.fullmatch(name)}
    if len(libraries) != 1:
        yield f"it has {len(libraries)} libraries, expected one"
    wanted = {name.removeprefix("src/") for name in tracked("src")}
    yield from _differences(names - libraries, wanted)


def sdist_faults(path: Path) -> Iterator[str]:
    """What an sdist has or lacks, beside what setuptools makes."""
    with tarfile.open(path) as archive:
        names = {member.name.split("/", 1)[1] for member in archive if member.isfile()}
    made = {name for name in names if ".egg-info/" in name or name in ("PKG-INFO", "setup.cfg")}
    yield from _differences(names - made, tracked("src") | tracked("native") | {*BESIDE, "CITATION.cff"})


def _differences(names: set[str], wanted: set[str]) -> Iterator[str]:
    for name in sorted(wanted - names):
        yield f"it lacks {name}"
    for name in sorted(names - wanted):
        yield f"it has {name}, which is no part of it"


def main() -> int:
    """Check each file that is named."""
    paths, faulty = [Path(name) for name in sys.argv[1:]], False
    if not paths:
        sys.exit("found no file to check, expected dist/*.whl dist/*.tar.gz")
    for path in paths:
        faults = list(wheel_faults(path) if path.suffix == ".whl" else sdist_faults(path))
        if path.stat().st_size > LARGEST_BYTES:
            faults.append(f"it has {path.stat().st_size:,} bytes, expected at most {LARGEST_BYTES:,}")
        print(f"{path.name}: {path.stat().st_size:,} bytes, {'; '.join(faults) or 'as it should be'}")
        faulty = faulty or bool(faults)
    return int(faulty)


if __name__ == "__main__":
    sys.exit(main())
