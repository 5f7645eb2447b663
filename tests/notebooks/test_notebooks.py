"""Notebooks of the documentation: each runs from the repository alone, and gives the words that are committed; what is committed is small and speaks of no machine."""

import shutil
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (extra tools)")
pytest.importorskip("nbclient", reason="nbclient is not installed (extra tools)")

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import notebooks  # noqa: E402

sys.path.pop(0)
NAMES = sorted(path.stem for path in notebooks.FOLDER.glob("*.ipynb"))


def read(name):
    return nbformat.read(notebooks.FOLDER / f"{name}.ipynb", as_version=4)


def words(notebook):
    """Texts of all outputs, cell by cell."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        "".join(output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.outputs)
        for cell in code
    ]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_committed(name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebooks.faults(notebook) == []
    assert (notebooks.FOLDER / f"{name}.ipynb").stat().st_size < 250_000
    page = (ROOT / "docs" / "notebooks" / f"{name}.md").read_text(encoding="utf-8")
    assert f"<!-- notebook: {name} -->" in page


@pytest.mark.tools
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_says_the_same(name, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra plot)")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed (extra tools)")
    if name == "archive-in-a-bucket":
        pytest.importorskip("obstore", reason="obstore is not installed (extra remote)")
        pytest.importorskip("flask", reason="moto[server] is not installed (extra tools)")
    wanted = words(read(name))
    found = notebooks.execute(read(name), tmp_path)
    assert notebooks.faults(notebooks.cleaned(found)) == []
    assert words(found) == wanted
    shutil.rmtree(tmp_path, ignore_errors=True)
