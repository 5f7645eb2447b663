"""Commands that fail: one line on stderr, the documented exit code, nothing on stdout, and nothing half-written."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio

import sarcodec.errors
from cli.shell import ROOT, command, environment, invoke
from sarcodec.__main__ import EXIT_CODES
from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec_lab.cli import train


def assert_fails(code: int, *words: object) -> str:
    """The one line on stderr."""
    done = invoke(*words)
    assert done.code == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("sarcodec: ") and done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["squeeze"],
        ["compress", "in.tif"],
        ["compress", "in.tif", "out.sarc", "--quality", "60", "--target-bpp", "1"],
        ["compress", "in.tif", "out.sarc", "--domain", "decibel"],
        ["compress", "in.tif", "out.sarc", "--threads", "0"],
        ["compress", "in.tif", "out.sarc", "--target-size", "many"],
        ["decompress", "in.sarc", "out.tif", "--indexes", "0"],
        ["decompress", "in.sarc", "out.tif", "--window", "1", "2", "3"],
        ["models"],
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_help(words):
    assert "--help" in assert_fails(2, *words)


def test_arguments_without_meaning_end_with_2(scene, packed, tmp_path):
    target = tmp_path / "out"
    assert_fails(2, "compress", scene, target, "--quality", "101")
    assert_fails(2, "decompress", packed, target, "--window", 0, 0, 10_000, 10)
    assert_fails(2, "decompress", packed, target, "--window", -1, 0, 10, 10)
    assert_fails(2, "decompress", packed, target, "--indexes", 3)
    assert_fails(2, "decompress", tmp_path / "absent.sarc", target)
    assert_fails(2, "simulate", target, "--size", 1, 2, 3)
    assert_fails(2, "compress", scene, tmp_path / "no folder" / "out.sarc")
    assert list(tmp_path.iterdir()) == []


def test_scenes_that_cannot_be_taken_end_with_3(tmp_path):
    source, target = tmp_path / "in.tif", tmp_path / "out.sarc"
    assert str(source) in assert_fails(2, "compress", source, target)
    kind = {"driver": "GTiff", "height": 8, "width": 8, "count": 1, "dtype": "complex64"}
    with rasterio.open(source, "w", transform=rasterio.Affine(10, 0, 0, 0, -10, 0), **kind) as file:
        file.write(np.ones((1, 8, 8), np.complex64))
    assert "complex" in assert_fails(3, "compress", source, target)
    source.write_bytes(b"not a raster")
    assert_fails(3, "compress", source, target)
    assert list(tmp_path.iterdir()) == [source]


def test_unknown_model_ends_with_4(scene, tmp_path):
    assert "nobody" in assert_fails(4, "compress", scene, tmp_path / "out.sarc", "--model", "nobody")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["foreign", "flipped", "cut", "empty"])
def test_damaged_files_end_with_5_and_leave_no_pixels(packed, tmp_path, damage):
    data = bytearray(packed.read_bytes())
    data[len(data) // 2] ^= 1
    broken = tmp_path / "broken.sarc"
    broken.write_bytes(
        {"foreign": b"II*\0" + bytes(900), "flipped": bytes(data), "cut": bytes(data[:-9]), "empty": b""}[damage]
    )
    assert_fails(5, "decompress", broken, tmp_path / "out.tif")
    assert_fails(5, "verify", broken)
    assert list(tmp_path.iterdir()) == [broken]


def test_output_that_is_there_is_kept_until_overwriting_is_asked_for(scene, packed, tmp_path):
    target = tmp_path / "there"
    target.write_text("mine")
    assert_fails(6, "compress", scene, target)
    assert_fails(6, "decompress", packed, target)
    assert_fails(6, "simulate", target, "--size", 64)
    assert target.read_text() == "mine"
    assert invoke("compress", scene, target, "--overwrite").code == 0
    assert target.read_bytes() == packed.read_bytes()
    assert list(tmp_path.iterdir()) == [target]


def test_target_out_of_reach_ends_with_7(scene, tmp_path):
    assert_fails(7, "compress", scene, tmp_path / "out.sarc", "--target-size", 30)
    assert list(tmp_path.iterdir()) == []


def test_evaluate_ends_with_1_when_a_valid_pixel_is_lost(scene, tmp_path):
    decoded = tmp_path / "decoded.tif"
    shutil.copy(scene, decoded)
    with rasterio.open(decoded, "r+") as file:
        pixels = file.read(1)
        pixels[tuple(np.argwhere(pixels > 0)[0])] = 0
        file.write(pixels, 1)
    done = invoke("evaluate", scene, decoded)
    assert (done.code, done.stderr) == (1, "")
    assert "valid lost: 1" in done.stdout


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_commands_leave_nothing(tmp_path, number, code):
    process = subprocess.Popen(
        command("simulate", tmp_path / "out.tif", "--size", 6000),
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # tests run in the background inherit it ignored
    )
    _wait_for_file(tmp_path)
    process.send_signal(number)
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []


def _wait_for_file(folder: Path) -> None:
    deadline = time.monotonic() + 30
    while not list(folder.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_reader_of_stdout_that_went_away_is_no_failure_to_talk_about(packed):
    process = subprocess.Popen(
        command("info", packed), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 141


@pytest.mark.parametrize("verb", ["run", "run_freeze"])
def test_training_without_torch_names_the_extra(monkeypatch, verb):
    monkeypatch.setattr(train.importlib.util, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(InvalidArgument, match=r"torch.*sarcodec-lab\[train\]"):
        getattr(train, verb)(None)


def test_every_exit_code_is_documented():
    errors = [kind for kind in vars(sarcodec.errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in errors if issubclass(kind, SarcodecError)} | {0, 130, 143}
    readme = (ROOT / "README.md").read_text()
    for code in codes:
        assert f"\n  {code} " in EXIT_CODES or f"; {code}:" in EXIT_CODES
        assert f"| {code} |" in readme
