"""What a process loads that opens a compressed file and reads it: modules, their lines, other packages, memory.

python benchmarks/reader_imports.py tests/golden/v1-uint16-border.sarc

For an older commit: PYTHONPATH=ITS/src, and a file of its own (files name their model by digest).
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import sarcodec


def main() -> None:
    with sarcodec.open(sys.argv[1], threads=1) as scene:
        scene.read()
    own = sorted(name for name in sys.modules if name.split(".")[0] == "sarcodec")
    files = {name: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
    lines = sum(Path(files[name]).read_text(encoding="utf-8").count("\n") for name in own)
    others = {name.split(".")[0] for name, file in files.items() if "site-packages" in file} - {"sarcodec"}
    print(f"{len(own)} modules of sarcodec, {lines:,} lines; {len(files)} modules in all")
    print("rooms:", *sorted({name.split(".")[1] for name in own if "." in name}))
    print("other packages:", *sorted(name for name in others if not name.startswith("_")))
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB at most")


if __name__ == "__main__":
    main()
