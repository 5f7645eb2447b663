"""Lines of Python by room at one commit, and where they went by another: tables for docs/results/layout.md.

python tools/site/lines.py 1090ddf HEAD
"""

from __future__ import annotations

import argparse
import subprocess
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
FOLDERS = ("src/sarcodec", "lab/src/sarcodec_lab")
SIMILAR = "40%"  # a file of which so much is left counts as moved


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before")
    parser.add_argument("after")
    wanted = parser.parse_args()
    for commit in (wanted.before, wanted.after):
        print(f"{commit}\n\n{_counted(files_at(commit))}\n")
    print(_moved(wanted.before, wanted.after))


def files_at(commit: str) -> dict[str, int]:
    """Lines of every Python file of the packages at a commit."""
    names = _git("ls-tree", "-r", "--name-only", commit, *FOLDERS).splitlines()
    return {name: _git("show", f"{commit}:{name}").count("\n") for name in names if name.endswith(".py")}


def room_of(name: str) -> str:
    """`src/sarcodec/format/reader.py` is of `format`, `lab/src/sarcodec_lab/train/loop.py` of `lab: train`; what is in no room is `top`."""
    parts = PurePosixPath(name).parts
    inside = parts[parts.index("sarcodec_lab" if parts[0] == "lab" else "sarcodec") + 1 :]
    room = inside[0] if len(inside) > 1 else "errors" if inside[0] == "errors.py" else "top"
    return f"lab: {room}" if parts[0] == "lab" else room


def _counted(files: Mapping[str, int]) -> str:
    lines, modules = Counter(), Counter()
    for name, count in files.items():
        lines[room_of(name)] += count
        modules[room_of(name)] += 1
    rows = [
        f"| `{room}` | {modules[room]} | {lines[room]:,} |" for room in sorted(lines, key=lambda r: ("lab" in r, r))
    ]
    total = f"| all | {sum(modules.values())} | {sum(lines.values()):,} |"
    return "\n".join(["| room | modules | lines |", "|---|---|---|", *rows, total])


def _moved(before: str, after: str) -> str:
    """One row an old room: its lines, those of them that are still there by new room, and those that are not."""
    old, kept, gone = files_at(before), defaultdict(Counter), Counter()
    changes = _git(
        "diff",
        f"--find-renames={SIMILAR}",
        "-l0",
        "--diff-filter=MRD",
        "--numstat",
        "-z",
        before,
        after,
        "--",
        *FOLDERS,
    )
    for name, new, lost in _changes(changes):
        if name in old:
            gone[room_of(name)] += lost
            kept[room_of(name)][room_of(new)] += old.pop(name) - lost
    for name, count in old.items():  # what no change names is as it was
        kept[room_of(name)][room_of(name)] += count
    rows = []
    for room in sorted(kept.keys() | gone.keys()):
        where = ", ".join(f"`{new}` {count:,}" for new, count in kept[room].most_common() if count)
        rows.append(f"| `{room}` | {sum(kept[room].values()) + gone[room]:,} | {where} | {gone[room]:,} |")
    return "\n".join(["| room before | lines | still there, and where | gone |", "|---|---|---|---|", *rows])


def _changes(text: str) -> list[tuple[str, str, int]]:
    """(name before, name after, lines lost) of `git diff --numstat -z`, where a file that moved has its two names apart."""
    fields, found = iter(text.split("\0")), []
    for field in fields:
        if not field:
            continue
        _, lost, name = field.split("\t")
        before, after = (name, name) if name else (next(fields), next(fields))
        if before.endswith(".py"):
            found.append((before, after, int(lost)))
    return found


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True, cwd=ROOT).stdout


if __name__ == "__main__":
    main()
