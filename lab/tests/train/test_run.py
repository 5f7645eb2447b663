import json
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from sarcodec.errors import InvalidArgument, OutputExists
from sarcodec_lab.train.images import check_against, training_images
from sarcodec_lab.train.interruption import Interruption
from sarcodec_lab.train.recipe import Recipe
from sarcodec_lab.train.run import train

QUICK = Path(__file__).parents[2] / "recipes" / "quick.toml"


def _state(folder) -> dict:
    return json.loads((folder / "state.json").read_text())


def test_a_run_without_any_data(run, recipe, lines):
    assert run.name == "quick" and _state(run)["step"] == recipe.steps
    assert {p.name for p in run.iterdir()} == {"best.safetensors", "last.safetensors", "state.json", "tensorboard"}
    assert "simulated 8 bands; 1 development patches" in lines[0]
    assert [line.split(":")[0] for line in lines[1:]][::2] == ["dev at 4", "dev at 8"]


def test_curves_and_pictures_are_kept(run):
    board = EventAccumulator(str(run / "tensorboard"))
    board.Reload()
    assert [e.step for e in board.Scalars("dev/score")] == [4, 8]
    assert {"train/bpp", "train/log_cost", "dev/bpp_s368", "dev/rmse_db_s464"} <= set(board.Tags()["scalars"])
    pictures = board.Images("dev/original_and_decoded")
    assert [(p.step, p.width, p.height) for p in pictures] == [(4, 512, 256), (8, 512, 256)]


def test_a_run_is_not_written_over(run):
    with pytest.raises(OutputExists, match="--resume"):
        train(QUICK, None, run.parent, report=lambda line: None)


def test_a_finished_run_resumes_to_its_end_at_once(run):
    before = load_file(run / "last.safetensors")
    assert train(QUICK, None, run.parent, resume=True, report=lambda line: None) == run
    after = load_file(run / "last.safetensors")
    assert all((before[k] == after[k]).all() for k in before) and _state(run)["step"] == 8


@pytest.mark.parametrize("number, ends", [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_keeps_a_checkpoint_and_says_how_to_go_on(tmp_path, number, ends):
    path, lines = tmp_path / "cut.toml", []
    path.write_text(QUICK.read_text().replace('"quick"', '"cut"').replace("dev_every = 4", "dev_every = 2"))
    before = signal.getsignal(number)

    def report(line):
        lines.append(line)
        if line.startswith("dev at 2"):
            os.kill(os.getpid(), number)

    with pytest.raises(ends) as caught:
        train(path, None, tmp_path, report=report)
    assert number == signal.SIGINT or caught.value.code == 143
    assert signal.getsignal(number) == before
    assert _state(tmp_path / "cut")["step"] == 2
    assert lines[-1] == f"stopped at step 2; go on with: sarcodec train {path} --runs {tmp_path} --resume"
    if number == signal.SIGINT:
        train(path, None, tmp_path, resume=True, report=lines.append)
        assert _state(tmp_path / "cut")["step"] == 8


@pytest.fixture
def python_s_own_interrupt():
    """Python's handler of SIGINT, which a process that was started in the background does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("python_s_own_interrupt")
def test_a_second_signal_ends_at_once():
    with pytest.raises(KeyboardInterrupt), Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.came()
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the second signal was swallowed")


def test_other_threads_leave_signals_alone():
    came = []

    def work():
        with Interruption() as interruption:
            came.append(interruption.came())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert came == [False]


def test_unknown_groups_and_families_name_the_known(recipe, images):
    with pytest.raises(InvalidArgument, match="atlantis.*simulated_city_0"):
        check_against(replace(recipe, dev_groups=("atlantis",)), images)
    with pytest.raises(InvalidArgument, match="gamma.*simulated"):
        check_against(replace(recipe, families=(("gamma", 1.0), ("simulated", 1.0))), images)
    check_against(recipe, images)


def test_without_data_simulated_scenes_stand_in(tmp_path):
    path, lines = tmp_path / "real.toml", []
    text = QUICK.read_text().replace('"quick"', '"real"').replace("steps = 8", "steps = 1")
    path.write_text(text.replace("simulated = 1.0", "iw = 0.8\nnative = 0.2"))
    folder = train(path, None, tmp_path, report=lines.append)
    assert "simulated scenes alone" in lines[0] and _state(folder)["recipe"]["families"] == [["simulated", 1.0]]


def test_data_is_read_only_where_a_family_needs_it(tmp_path):
    recipe = Recipe("x", families=(("simulated", 1.0),), simulated_scenes=1, simulated_px=128)
    assert len(training_images(recipe, tmp_path / "nowhere", tmp_path, print)) == 2
    with pytest.raises(InvalidArgument, match="nowhere"):
        training_images(Recipe("x"), tmp_path / "nowhere", tmp_path, print)


def test_without_tensorboard_a_line_says_so(tmp_path, monkeypatch):
    path, lines = tmp_path / "plain.toml", []
    path.write_text(QUICK.read_text().replace('"quick"', '"plain"').replace("steps = 8", "steps = 1"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    folder = train(path, None, tmp_path, report=lines.append)
    assert any("tensorboard is not installed" in line for line in lines) and not (folder / "tensorboard").exists()
