"""Runs the command line as a user does: one fresh process a command."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """This process's environment, with the checkout's package in front, and BLAS at one thread."""
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "sarcodec", *map(str, words)]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


def invoke(*words: object) -> Done:
    """Run one command to its end in a fresh process."""
    done = subprocess.run(command(*words), capture_output=True, text=True, env=environment(), timeout=120)
    return Done(done.returncode, done.stdout, done.stderr)
