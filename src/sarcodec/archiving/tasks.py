"""What a worker is asked to do with one scene, and what it answers: plain values, so that any executor can carry them. Nothing is raised but what ends the process.

`make` compresses; `judge` of the module of that name says whether it keeps what was promised.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sarcodec.errors import InvalidArgument, SarcodecError, Unreachable
from sarcodec.storage.objects import is_object
from sarcodec.storage.refusals import shown, writing

DEFECT = 70
"""Exit code in the table for an error that no sarcodec should make."""
DIED = 137
"""Exit code in the table for a scene whose worker process died, of which it said nothing."""


@dataclass(frozen=True)
class Job:
    """A scene: absolute names of source and output, keywords of `sarcodec.compress`. overwrite: an earlier output of the same archive may be replaced;
    name: of the output within the archive."""

    source: str
    target: str
    options: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False
    name: str = ""

    @property
    def limits(self) -> dict[str, Any]:
        """threads and memory, of the keywords."""
        return {name: self.options[name] for name in ("threads", "memory") if name in self.options}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """code: 0, or an exit code, with an error in words. again: another try may help. place: the process that worked."""

    code: int = 0
    error: str = ""
    again: bool = False
    seconds: float = 0.0
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict(Answer):
    """What was found of an output beside its source; as a row of the table has it. files: those of the source; item: of STAC, as JSON."""

    bytes_in: int | None = None
    modified_ns: int | None = None
    bytes_out: int | None = None
    head: str | None = None
    promised: str | None = None
    promised_rmse_db: float | None = None
    rmse_db: float | None = None
    bias_power_db: float | None = None
    max_error_db: float | None = None
    software: str | None = None
    model: str | None = None
    tag: str | None = None
    files: tuple[str, ...] = ()
    item: str | None = None


@dataclass(frozen=True)
class Codec:
    """The two tasks. Another pair of functions stands in for them where scheduling alone is measured."""

    make: Callable[[Job], Answer]
    judge: Callable[[Job, str], Verdict]


def place() -> str:
    """This process among those of all machines."""
    return f"{platform.node()}:{os.getpid()}"


class _Failure:
    """What an error became: fields of an Answer."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}

    def say(self, code: int, error: str, again: bool = False) -> None:
        self.fields = {"code": code, "error": " ".join(shown(error).split()), "again": again}


@contextmanager
def errors_said() -> Iterator[_Failure]:
    """Puts an error into fields of an Answer."""
    failure = _Failure()
    try:
        yield failure
    except SarcodecError as error:
        of_system = error.exit_code == SarcodecError.exit_code or isinstance(error, Unreachable)
        failure.say(error.exit_code, str(error), of_system)
    except (MemoryError, OSError) as error:
        failure.say(SarcodecError.exit_code, f"the system refused: {error or 'not enough memory'}", True)
    except Exception as error:
        failure.say(DEFECT, f"{type(error).__name__}: {error}")


def make_folders(target: Path) -> None:
    """Those around an output. Raises InvalidArgument where a file has the name of one, SarcodecError where the disk refuses."""
    try:
        with writing(shown(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
    except SarcodecError as error:
        file = next((folder for folder in target.parents if os.path.lexists(folder) and not folder.is_dir()), None)
        if file is None:
            raise
        raise InvalidArgument(
            f"{shown(file)} is a file, and {shown(target)} needs a folder of that name; move it away, or rename the folder of the scene"
        ) from error


def make(job: Job) -> Answer:
    """Compress a scene. The folders around its output are made."""
    import sarcodec

    began = time.perf_counter()
    with errors_said() as failure:
        if not is_object(job.target):
            make_folders(Path(job.target))
        sarcodec.compress(job.source, job.target, overwrite=job.overwrite, **job.options)
    return Answer(seconds=time.perf_counter() - began, place=place(), **failure.fields)
