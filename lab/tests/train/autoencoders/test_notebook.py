"""lab/notebooks/train_attention.ipynb, executed at toy size; and what of it is committed may say nothing of a machine."""

import base64
import os
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (extra `train`)")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed (extra `train`)")
pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra `plot`)")

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "notebooks" / "train_attention.ipynb"
LARGEST_PNG = 150_000
TINY = """
variant = "attention"
base_width = 4
latent_channels = 8
range = "centred"
objective = "rate-distortion"
batches = 4
batch = 2
crops = [[32, 1.0]]
learning_rate = 3e-3
train_subset = 1.0
judge_every = 2
dev_groups = ["simulated_mixed_0", "simulated_mixed_1"]
simulated_scenes = 5
simulated_px = 256
families = { simulated = 1.0 }
"""
CSV = """model,image,band,family,place,setting,overlap_px,bits_per_pixel,psnr_study,rmse_db
attention,a,1,iw,p,0.5,32,0.4,21.0,2.5
attention,a,1,iw,p,1,32,0.2,20.0,3.0
resnet-lite,a,1,iw,p,1,0,0.3,20.0,3.0
attention,b,1,iw,q,0.5,32,0.4,23.0,2.5
attention,b,1,iw,q,1,32,0.2,22.0,3.0
resnet-lite,b,1,iw,q,1,0,0.3,22.4,3.0
"""


def write_recipes(folder: Path) -> None:
    """attention.toml of 4 batches, and ablation/tiny-GATES.toml of 2."""
    (folder / "ablation").mkdir()
    (folder / "attention.toml").write_text(TINY)
    for gates, (channel, spatial) in {"none": "ff", "channel": "tf", "spatial": "ft", "both": "tt"}.items():
        words = {"t": "true", "f": "false"}
        text = f"{TINY.replace('batches = 4', 'batches = 2')}channel_gate = {words[channel]}\nspatial_gate = {words[spatial]}\n"
        (folder / "ablation" / f"tiny-{gates}.toml").write_text(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Recipes and a CSV; the runs go there."""
    folder = tmp_path_factory.mktemp("notebook")
    write_recipes(folder)
    (folder / "compare.csv").write_text(CSV)
    return folder


@pytest.fixture(scope="module")
def executed(folder):
    """The notebook after it ran in that folder."""
    settings = {
        "SARCODEC_NOTEBOOK_RECIPE": "attention.toml",
        "SARCODEC_NOTEBOOK_RUNS": "runs",
        "SARCODEC_NOTEBOOK_ABLATIONS": "ablation",
        "SARCODEC_NOTEBOOK_SEEDS": "1,2",
        "SARCODEC_NOTEBOOK_MODEL": "none",
        "SARCODEC_NOTEBOOK_CSV": "compare.csv",
        "SARCODEC_NOTEBOOK_QUICK_BATCHES": "2",
        "SARCODEC_DATA": "",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")])),
    }
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    return client.execute(env={**os.environ, **settings})


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook) -> str:
    """All printed lines and tables."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "\n".join(o.get("text") or o.get("data", {}).get("text/markdown", "") for o in outputs)


def pictures(notebook) -> list[bytes]:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [base64.b64decode(o.data["image/png"]) for o in outputs if "image/png" in o.get("data", {})]


def check_clean(notebook) -> None:
    """No errors and warnings, no absolute paths, no large pictures."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert not re.search(r"(?<![\w.])/(work|home|root|tmp|usr|Users|opt|mnt|var)/", texts(notebook))
    assert all(len(picture) < LARGEST_PNG for picture in pictures(notebook))


def test_every_cell_runs(executed):
    assert [cell.execution_count for cell in code_cells(executed)] == list(range(1, len(code_cells(executed)) + 1))
    check_clean(executed)


def test_pictures_are_there(executed):
    assert len(pictures(executed)) == 1 + 4 + 1  # curves, four simulated places, gates


def test_tables_and_sentences_are_there(executed):
    text = texts(executed)
    assert "16 (8 in the encoder, 8 in the decoder)" in text
    assert "after 2 batches: PSNR" in text
    assert re.search(r"\| simulated_mixed_0 \| 1 \| \d", text)
    assert "| resnet-lite | 1 | 0 | 2 | 0.3000 | 21.20 |" in text
    assert "PSNR of attention over resnet-lite at equal bits: +0.30 dB (95 % interval" in text
    for gates in ("none", "channel", "spatial", "both"):
        assert re.search(rf"^\| {gates} \| [\d,]+ \| 2 \| ", text, re.MULTILINE)
    assert re.search(r"Is CBAM worth \+0\.5 dB\?\*\* .* over 2 seeds and 2 places: .*\.$", text, re.MULTILINE)


def test_runs_are_where_the_command_line_would_leave_them(executed, folder):
    names = {path.name for path in (folder / "runs").iterdir()}
    assert {"attention", "attention-quick", "tiny-none-s1", "tiny-none-s2", "tiny-both-s2"} <= names


def test_what_is_committed_says_nothing_of_a_machine():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    check_clean(notebook)
