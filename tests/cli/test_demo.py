"""The demo on a scene of one's own: it prints the figures and draws the picture."""

import subprocess
import sys

import pytest

from cli.shell import ROOT, environment


def test_demo_walks_and_draws(scene, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib (extra plot) is not installed")
    command = [sys.executable, ROOT / "examples" / "demo.py", "--input", scene, "--out", tmp_path / "demo"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120)
    assert done.returncode == 0, done.stderr
    for word in ("times smaller", "bits per pixel", "band 2: RMSE", "bias", "bit by bit"):
        assert word in done.stdout
    assert (tmp_path / "demo" / "original-decoded-error.png").read_bytes().startswith(b"\x89PNG")
