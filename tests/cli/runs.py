"""The command in a process of its own, and what it says where it refuses."""

import os
import subprocess

from cli.shell import command, environment

FAST = ["--effort", "0", "--threads", "1"]


VERBS = {"compress": ("in.tif", FAST), "decompress": ("in.sarc", ["--threads", "1"])}


def run(*words, stdin=None, cwd=None, stdout=subprocess.PIPE):
    return subprocess.run(
        command(*map(os.fsdecode, map(_path, words))), input=stdin, stdout=stdout, stderr=subprocess.PIPE, env=environment(), cwd=cwd, timeout=120,
        **({} if stdin is not None else {"stdin": subprocess.DEVNULL}),
    )  # fmt: skip


def _path(word):
    return word if isinstance(word, (str, bytes, os.PathLike)) else str(word)


def refused(code, about, *words, **how):
    done = run(*words, **how)
    stderr = done.stderr.decode()
    assert done.returncode == code, stderr
    assert stderr.startswith("sarcodec: ") and stderr.count("\n") == 1 and about in stderr, stderr
