"""Runs a comparison: every contender writes a file of every band at every setting, a fresh process reads them back, and
what came back is measured beside JPEG 2000 at equal bytes.

In: cases, contenders, a folder for work; out: Records. Files and records that are there already are taken as they are:
their names hold the digest of the model, the checksum of the pixels and the setting.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from sarcodec.errors import SarcodecError
from sarcodec.raster.geotiff import read_array
from sarcodec.storage import Output
from sarcodec.study.comparing.cases import Case
from sarcodec.study.comparing.contenders import Contender, Setting, child_environment
from sarcodec.study.comparing.equal_bytes import LADDER_PSNR_DB, Stream, at_most, at_setting
from sarcodec.study.comparing.measures import measure
from sarcodec.study.comparing.records import AtEqualBytes, Record, load_record, save_record

JPEG_2000_NAME = "JPEG 2000"

Say = Callable[[str], None]


class Workplace:
    """Names of all that one contender leaves behind."""

    def __init__(self, work: Path, name: str, digest_hex: str) -> None:
        self.folder = work / f"{re.sub('[^A-Za-z0-9._-]', '-', name)}-{digest_hex[:16]}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, case: Case, setting: Setting, suffix: str) -> Path:
        """suffix: bin (the file), tif (what came back), json or alone.json (the record)."""
        return self.folder / f"{case.key}-{setting.key}.{suffix}"


def compare(cases: Sequence[Case], contenders: Sequence[Contender], work: Path, say: Say) -> tuple[Record, ...]:
    """Records of all contenders, then those of JPEG 2000's own curve."""
    records = [record for one in contenders for record in compare_one(cases, one, work, say)]
    return (*records, *_jpeg2000(cases, work, say))


def compare_one(cases: Sequence[Case], contender: Contender, work: Path, say: Say, beside: bool = True) -> list[Record]:
    """Records of one contender, case by case and setting by setting; beside: with JPEG 2000 at equal bytes."""
    start, place = time.perf_counter(), Workplace(work, contender.name, contender.digest_hex)
    units = [(case, setting) for case in cases for setting in (*contender.ladder, *contender.trials)]
    kept = "json" if beside else "alone.json"
    known = {unit: load_record(place.path(*unit, kept)) for unit in units}
    missing = [unit for unit in units if known[unit] is None]
    forth = {unit: _encode(contender, place, *unit) for unit in missing}
    wrote = time.perf_counter()
    back = _decode(contender, [(place.path(*unit, "bin"), place.path(*unit, "tif")) for unit in missing])
    read = time.perf_counter()
    for unit in missing:
        seconds = forth[unit], back.get(place.path(*unit, "tif"))
        known[unit] = _measure(contender, place, *unit, seconds, beside)
        save_record(place.path(*unit, kept), known[unit])
    say(
        f"{contender.name}: {len(units)} files, {len(missing)} of them new; written in {wrote - start:.1f} s, "
        f"read back in {read - wrote:.1f} s, measured in {time.perf_counter() - read:.1f} s"
    )
    return [known[unit] for unit in units]


def decoded_dn(record: Record, work: Path) -> np.ndarray:
    """The amplitudes that came back out of the file of a record of a contender."""
    folder = Workplace(work, record.contender, record.digest_hex).folder
    return read_array(folder / f"{record.key}-{record.setting.key}.tif")[0][0]


def _encode(contender: Contender, place: Workplace, case: Case, setting: Setting) -> float | None:
    """Seconds that it took; None if the file was there."""
    target = place.path(case, setting, "bin")
    if target.exists():
        return None
    start = time.perf_counter()
    with Output(target) as output:
        contender.encode(case.scene, setting, output.part)
        seconds = time.perf_counter() - start
        output.publish()
    return seconds


def _decode(contender: Contender, pairs: Sequence[tuple[Path, Path]]) -> dict[Path, float]:
    """Reads FILE into OUT.tif in one fresh process, which has not seen an original; seconds of each that was read."""
    wanted = [pair for pair in pairs if not pair[1].exists()]
    if not wanted:
        return {}
    lines = "".join(f"{os.path.abspath(source)}\t{os.path.abspath(target)}\n" for source, target in wanted)
    done = subprocess.run(
        contender.decode_command(),
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        env=child_environment(),
    )
    missing = [target for _, target in wanted if not target.exists()]
    if done.returncode or missing:
        raise SarcodecError(
            f"the process that reads the files of {contender.name} ended with status {done.returncode} and left "
            f"{len(missing)} of {len(wanted)} unread: {done.stderr.strip()[-1000:]}"
        )
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {target: answer["seconds"] for (_, target), answer in zip(wanted, answers, strict=True)}


def _measure(
    contender: Contender, place: Workplace, case: Case, setting: Setting, seconds: tuple, beside: bool
) -> Record:
    size = place.path(case, setting, "bin").stat().st_size
    returned = read_array(place.path(case, setting, "tif"))[0][0]
    equal = _at_equal_bytes(case, size) if beside else None
    figures = measure(case.dn, returned, case.guide_dn)
    return _record(contender.name, contender.digest_hex, case, setting, size, seconds, figures, equal)


def _at_equal_bytes(case: Case, size: int) -> AtEqualBytes:
    stream = at_most(case.dn, size)
    figures = measure(case.dn, stream.decoded_dn, case.guide_dn)
    return AtEqualBytes(stream.psnr_db, stream.gain, stream.bytes, _bits(stream.bytes, case), figures)


def _record(name, digest_hex, case: Case, setting: Setting, size: int, seconds, figures, equal) -> Record:
    return Record(
        contender=name,
        digest_hex=digest_hex,
        key=case.key,
        image=case.image,
        band=case.band,
        family=case.family,
        place=case.place,
        setting=setting,
        pixels=case.dn.size,
        bytes=size,
        bits_per_pixel=_bits(size, case),
        encode_seconds=seconds[0],
        decode_seconds=seconds[1],
        measures=figures,
        equal=equal,
    )


def _bits(size: int, case: Case) -> float:
    return 8 * size / case.dn.size


def _jpeg2000(cases: Sequence[Case], work: Path, say: Say) -> list[Record]:
    """Its own curve."""
    start, place, records = time.perf_counter(), Workplace(work, JPEG_2000_NAME, "0" * 16), []
    for case in cases:
        for psnr_db in LADDER_PSNR_DB:
            path = place.path(case, Setting(psnr_db), "json")
            record = load_record(path)
            if record is None:
                record = _own_record(case, at_setting(case.dn, psnr_db))
                save_record(path, record)
            records.append(record)
    say(f"{JPEG_2000_NAME}: {len(records)} streams in {time.perf_counter() - start:.1f} s")
    return records


def _own_record(case: Case, stream: Stream) -> Record:
    figures = measure(case.dn, stream.decoded_dn, case.guide_dn)
    return _record(JPEG_2000_NAME, "0" * 16, case, Setting(stream.psnr_db), stream.bytes, (None, None), figures, None)
