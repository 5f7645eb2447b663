"""Checksums of the golden files, which never change: a file that has one keeps it."""

import hashlib
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIST = HERE / "frozen.json"


def checksums() -> dict[str, str]:
    """SHA-256 of each golden file of a frozen version, by name, as they are now."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(HERE.glob("v1-*.sarc"))}


def frozen() -> dict[str, str]:
    """What they were when they were made."""
    return json.loads(LIST.read_text())


def freeze() -> None:
    """Adds those that have none. Raises SystemExit where one that has one is another file now."""
    now, before = checksums(), frozen() if LIST.exists() else {}
    changed = [name for name, digest in before.items() if now.get(name) != digest]
    if changed:
        raise SystemExit(f"{', '.join(changed)}: changed or gone; golden files of a frozen version are never replaced")
    LIST.write_text(json.dumps(now, indent=1) + "\n")
