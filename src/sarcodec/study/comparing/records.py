"""What one file of a comparison is known by: a frozen Record, and the JSON under which it outlives a cut comparison."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sarcodec.storage import Output
from sarcodec.study.comparing.contenders import Setting
from sarcodec.study.comparing.measures import Measures

_VERSION = 1  # raised when what is measured changes: older records are then made anew


@dataclass(frozen=True)
class AtEqualBytes:
    """JPEG 2000 with at most the bytes of a file. `gain`: factor on the level that it was given."""

    psnr_db: float
    gain: float
    bytes: int
    bits_per_pixel: float
    measures: Measures


@dataclass(frozen=True)
class Record:
    """One file of one band. `key` is the Case's; `equal` is None for JPEG 2000 itself, and where it was not asked
    for. Seconds are None where they were
    not taken: the file was there already, or no process was started for it."""

    contender: str
    digest_hex: str
    key: str
    image: str
    band: int
    family: str
    place: str
    setting: Setting
    pixels: int
    bytes: int
    bits_per_pixel: float
    encode_seconds: float | None
    decode_seconds: float | None
    measures: Measures
    equal: AtEqualBytes | None


def save_record(path: Path, record: Record) -> None:
    """Write it under its name when it is whole."""
    with Output(path, overwrite=True) as output:
        output.write(json.dumps({"version": _VERSION, **asdict(record)}, indent=1))


def load_record(path: Path) -> Record | None:
    """The record of that name; None where there is none, or it is of another version or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found.pop("version") != _VERSION:
            return None
        equal = found["equal"]
        if equal:
            equal = AtEqualBytes(**{**equal, "measures": Measures(**equal["measures"])})
        parts = {"setting": Setting(**found["setting"]), "measures": Measures(**found["measures"]), "equal": equal}
        return Record(**{**found, **parts})
    except (OSError, ValueError, KeyError, TypeError):
        return None
