"""lab/notebooks/study.ipynb, executed on small simulated scenes; and what of it is committed may say nothing of a machine."""

import base64
import os
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (extra `train`)")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed (extra `train`)")
pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra `plot`)")
pytest.importorskip("imagecodecs", reason="imagecodecs is not installed (extra `bench`)")

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "notebooks" / "study.ipynb"
LARGEST_PNG, LARGEST = 150_000, 600_000
LONGEST_CELL = 25  # lines: what is longer belongs into a module, with a test
SECTIONS = (
    "1. Data",
    "2. The networks",
    "3. What a linear transform gives",
    "4. Placed starts",
    "5. Training",
    "6. The table",
    "7. In files",
    "8. Pictures",
    "9. What CBAM is worth",
)


@pytest.fixture(scope="module")
def runs(recipe_path, tmp_path_factory) -> Path:
    """Runs of the ablation that are there: no gate and both of the study's, two seeds; of open gates none at its end."""
    from sarcodec_lab.train.autoencoders.run import read_autoencoder, train_autoencoder

    folder = tmp_path_factory.mktemp("runs")
    for gates in ("none", "both"):
        for seed in (1, 2):
            changes = (f"name=half-{gates}-s{seed}", f"seed={seed}", "batches=2")
            train_autoencoder(read_autoencoder(recipe_path, changes), None, folder, report=lambda line: None)
    (folder / "open-none-s1").mkdir()
    return folder


@pytest.fixture(scope="module")
def executed(runs):
    """The notebook after it ran in its folder, without data."""
    settings = {
        "SARCODEC_DATA": "",
        "SARCODEC_NOTEBOOK_RUNS": str(runs),
        "SARCODEC_NOTEBOOK_BATCHES": "2",
        "SARCODEC_NOTEBOOK_DETAIL_BATCHES": "2",
        "SARCODEC_NOTEBOOK_PLACES": "1",
        "SARCODEC_NOTEBOOK_CROPS": "2",
        "SARCODEC_NOTEBOOK_SCENE_PX": "256",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONPATH": os.pathsep.join([*(str(ROOT.parent / part) for part in ("src", "lab/src")), *_inherited()]),
    }
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    return client.execute(env={**os.environ, **settings})


def _inherited() -> list[str]:
    return [path for path in [os.environ.get("PYTHONPATH")] if path]


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook) -> list:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def texts(notebook) -> str:
    """All printed lines and tables."""
    return "\n".join(o.get("text") or o.get("data", {}).get("text/markdown", "") for o in outputs(notebook))


def pictures(notebook) -> list[bytes]:
    return [base64.b64decode(o.data["image/png"]) for o in outputs(notebook) if "image/png" in o.get("data", {})]


def check_clean(notebook) -> None:
    """Every cell ran, in order; no errors and warnings, no absolute paths, no large pictures."""
    assert [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))
    assert not [o for o in outputs(notebook) if o.output_type == "error" or o.get("name") == "stderr"]
    assert not re.search(r"(?<![\w.])/(work|home|root|tmp|usr|Users|opt|mnt|var)/", texts(notebook))
    assert all(len(picture) < LARGEST_PNG for picture in pictures(notebook))


def row(text: str, begin: str) -> list[str]:
    """Cells of the last row of a table that begins so."""
    line = [line for line in text.splitlines() if line.startswith(f"| {begin}")][-1]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_cell_runs_and_draws(executed):
    check_clean(executed)
    assert len(pictures(executed)) == 1 + 1 + 1 + 3 + 1  # levels, a tile, curves, three scenes, gates


def test_the_table_is_filled(executed):
    text = texts(executed)
    assert "measured on 2 bands of 1 places: simulated_mixed_9001" in text
    assert row(text, "attention |")[1] == "24,009,025"
    networks = (
        "`attention`, placed with trained details",
        "`baseline`, placed, 3,300 batches",
        "`resnet-lite`, placed",
    )
    for begin in ("linear: DCT, 8 x 8", *networks, "`baseline`, trained on here (2 batches)"):
        cells = row(text, begin)
        assert 17 < float(cells[1].split()[0]) < 25 and 0.2 < float(cells[2].split()[0]) < 0.8
    assert row(text, "the study's aim")[1:5] == ["21.7", "0.75", "0.7 to 1.3", "0.8"]
    assert re.search(
        r"^`attention`, placed with trained details: meets the aim for .*; misses .*SSIM", text, re.MULTILINE
    )


def test_both_trainings_were_judged(executed, runs):
    text = texts(executed)
    assert "dev at 2: loss" in text and "best weights: baseline-placed, 2 batches" in text
    assert (runs / "details" / "curve.csv").read_text().startswith("batch,loss,mse,ssim\n0,")


def test_files_stand_beside_others_of_no_more_bytes(executed):
    text = texts(executed)
    for model in ("baseline-lapped", "baseline-literal"):
        own, jpeg2000, codec = text[text.index(f"| **{model}**") :].splitlines()[:3]
        size = [int(line.split("|")[3].replace(",", "")) for line in (own, jpeg2000, codec)]
        assert "JPEG 2000" in jpeg2000 and "lapped32" in codec and 0 < max(size[1:]) <= size[0]


def test_gates_that_are_there_are_read(executed):
    text = texts(executed)
    assert row(text, "both |")[2:4] == ["2", "2"]
    assert re.search(r"Both gates against none at equal bits \(ablation, 2 batches\): .* over 2 seeds", text)
    assert "ablation-open: no finished runs of two gates in GATES_RUNS" in text


def test_what_is_committed_says_nothing_of_a_machine():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    check_clean(notebook)
    assert NOTEBOOK.stat().st_size < LARGEST
    titles = [line for cell in notebook.cells for line in cell.source.splitlines() if line.startswith("## ")]
    assert titles == ["## Parameters", *(f"## {section}" for section in SECTIONS)]
    assert all(len(cell.source.splitlines()) <= LONGEST_CELL for cell in code_cells(notebook))
