"""OpenLayers as the viewer brings it: python tools/openlayers.py fetches it by npm; with --check what is here is held to its digests.

Two files of the package `ol`, byte for byte. Needs npm to fetch. Standard library only.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "10.11.0"
FILES = {  # in the package: (here, SHA-256)
    "package/dist/ol.js": ("ol.js", "a4e607e98b56846d543e2131161720845c7a80170d5f00aa2bc8b6c4e0f9194a"),
    "package/ol.css": ("ol.css", "abc8afd72cc10bd29cc143f443bae4a6804bd3cb3fb262e6b6a6bc6c924ea34f"),
}
PAGE = Path(__file__).resolve().parents[1] / "src" / "sarcodec" / "viewer" / "page"


def faults() -> list[str]:
    """Files that are not those of the package."""
    found = {name: hashlib.sha256((PAGE / name).read_bytes()).hexdigest() for name, _ in FILES.values()}
    return [name for name, digest in FILES.values() if found[name] != digest]


def fetch() -> None:
    """Write both files. Raises what npm and the network do."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"ol@{VERSION}"], cwd=folder, check=True)
        with tarfile.open(Path(folder, f"ol-{VERSION}.tgz")) as archive:
            for inside, (name, _) in FILES.items():
                member = archive.extractfile(inside)
                assert member is not None, inside
                (PAGE / name).write_bytes(member.read())


def main() -> int:
    """Fetch unless --check; then compare."""
    if sys.argv[1:] != ["--check"]:
        fetch()
    for name in (wrong := faults()):
        print(f"{name} is not that of OpenLayers {VERSION}; run python tools/openlayers.py, or change its digest there")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
