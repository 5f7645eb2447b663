"""Notebooks of the documentation, executed: python tools/notebooks.py [NAME ...] writes outputs into docs/notebooks/NAME.ipynb.

Each runs in an empty folder, with this Python and the command `sarcodec` of this checkout. Outputs are kept small: pictures within LARGEST_PICTURE bytes, no times, no paths.
Needs the extras tools and plot.
"""

from __future__ import annotations

import base64
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "notebooks"
LARGEST_PICTURE = 150_000
PICTURES = ("image/jpeg", "image/png")
_SECONDS = 300
_OF_A_MACHINE = re.compile(r"/(?:root|home|tmp|work|Users)/|\b\d+(?:\.\d+)? s\b")


def execute(notebook: Any, folder: Path) -> Any:
    """Run all cells in a folder. Raises CellExecutionError."""
    bin_folder = folder / ".bin"
    bin_folder.mkdir()
    program = bin_folder / "sarcodec"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sarcodec "$@"\n')
    program.chmod(0o755)
    before = dict(os.environ)
    os.environ["PATH"] = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    try:
        client = NotebookClient(notebook, timeout=_SECONDS, resources={"metadata": {"path": str(folder)}})
        return client.execute()
    finally:
        os.environ.clear()
        os.environ.update(before)


def cleaned(notebook: Any) -> Any:
    """Without what changes from run to run."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata = {name: notebook.metadata[name] for name in ("kernelspec", "language_info")}
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def faults(notebook: Any) -> list[str]:
    """What may not be committed: cells that did not run, errors, large pictures, words of a machine."""
    found = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        if not cell.execution_count:
            found.append(f"cell {number} was not executed")
        for output in cell.outputs:
            data = output.get("data", {})
            words = output.get("text", "") + data.get("text/plain", "")
            if output.output_type == "error" or output.get("name") == "stderr":
                found.append(f"cell {number} ends in an error or complains: {words[:200]}")
            if max(len(base64.b64decode(data.get(kind, ""))) for kind in PICTURES) > LARGEST_PICTURE:
                found.append(f"cell {number} has a picture of more than {LARGEST_PICTURE:,} bytes")
            if _OF_A_MACHINE.search(words):
                found.append(f"cell {number} speaks of a machine: {_OF_A_MACHINE.search(words)[0]}")
    return found


def main() -> int:
    """Execute and write those that are named, or all."""
    wrong = 0
    for path in [FOLDER / f"{name}.ipynb" for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory() as folder:
            notebook = cleaned(execute(notebook, Path(folder)))
        nbformat.write(notebook, path)
        said = faults(notebook)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes; {'; '.join(said) or 'as it should be'}")
        wrong += bool(said)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
