"""The door itself: help, version, and what it must not load."""

import subprocess
import sys

import pytest

from cli.shell import environment, invoke

VERBS = ("compress", "decompress", "info", "verify", "evaluate", "simulate", "models", "train", "freeze")


def test_help_names_every_verb_and_the_exit_codes():
    done = invoke("--help")
    assert (done.code, done.stderr) == (0, "")
    assert all(f"\n    {verb}" in done.stdout for verb in VERBS)
    assert "exit codes:" in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb):
    done = invoke(verb, "--help")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: sarcodec {verb}")


def test_version_is_one_line():
    done = invoke("--version")
    assert done.code == 0 and done.stdout.startswith("sarcodec ") and done.stdout.count("\n") == 1


def test_the_door_loads_no_numpy_before_it_has_set_the_threads():
    code = "import sys, sarcodec.__main__; print(*{'numpy', 'torch', 'rasterio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "\n")
