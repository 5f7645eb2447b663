"""The task `judge`: an output decoded in another process than the one that made it. In: a Job; out: a Verdict. Run as a program it is that other process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Any

from sarcodec.archiving.judging import found_of
from sarcodec.archiving.tasks import DIED, Job, Verdict, errors_said, place
from sarcodec.errors import FormatError


def judge(job: Job, made_by: str) -> Verdict:
    """Decode an output and hold it to its promise, in another process than the one that made it."""
    if made_by == place():
        return _judge_in_child(job)
    found: dict[str, Any] = {}
    began = time.perf_counter()
    with errors_said() as failure:
        found = found_of(job)
    if isinstance(found.get("error"), str):
        failure.say(FormatError.exit_code, found.pop("error"))
    return Verdict(seconds=time.perf_counter() - began, place=place(), **found, **failure.fields)


def _judge_in_child(job: Job) -> Verdict:
    """For executors whose tasks all run in one process. Names that are no text go through JSON as Python keeps them."""
    command = [sys.executable, "-m", "sarcodec.archiving.judge"]
    done = subprocess.run(command, input=json.dumps(asdict(job)).encode(), capture_output=True, check=False)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        return Verdict(code=DIED, error=f"the process that judged it ended with status {done.returncode}", again=True)
    return Verdict(**{**said, "files": tuple(said["files"])})


if __name__ == "__main__":
    print(json.dumps(asdict(judge(Job(**json.load(sys.stdin)), ""))))
