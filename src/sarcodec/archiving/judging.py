"""Whether an output is what was promised: its pixels beside the source's, its claims beside what was asked for. In: a Job; out: fields of a Verdict."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import Any

import numpy as np

from sarcodec.api.information import FileInfo, info
from sarcodec.api.request import Request
from sarcodec.api.verification import Comparison, verify
from sarcodec.archiving.items import item_of
from sarcodec.archiving.sources import state_now
from sarcodec.archiving.tasks import Job
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.errors import InvalidArgument
from sarcodec.format.claims import Asked, Claims
from sarcodec.format.reader import FileReader
from sarcodec.products.reading import Original, open_original
from sarcodec.signal.radiometry import normalise
from sarcodec.storage.fetched import fetched
from sarcodec.storage.objects import found, is_object
from sarcodec.storage.refusals import shown

SLACK, SLACK_DB = 1.05, 0.02
"""The claims measure the pixels that a tile decides alone, before they are rounded; the judge all of them, after."""
_KEPT = {"max_error_db": ("bounded", "lossless", "exact"), "lossless": ("lossless", "exact")}


def found_of(job: Job) -> dict[str, Any]:
    """What the table keeps; and 'error' where the output breaks a promise. Raises what `verify` does."""
    before = state_now(job.source)
    if before is None:
        raise InvalidArgument(f"{shown(job.source)} is not there; check the name and the folder")
    there = found(job.target) if is_object(job.target) else None
    with fetched(job.source) as copy, fetched(job.target) as output:  # each whole, in one request
        judged, broken = _compared(replace(job, source=os.fspath(copy), target=os.fspath(output)))
    if state_now(job.source) != before:
        broken = "the source was changed while it was compared"
    said: dict[str, Any] = {"bytes_in": before[0], "modified_ns": before[1], "tag": there.tag if there else None}
    return {**judged, **said, **({"error": broken} if broken else {})}


def _compared(job: Job) -> tuple[dict[str, Any], str]:
    """What was found, and the first promise that is broken. The source is a file of this machine."""
    report = verify(job.target, against=job.source, reconstruct="power", **job.limits)
    compared, about = report.comparison, info(job.target)
    assert compared is not None  # as a source was named
    claimed = claimed_rmse_db(about.claims)
    broken = _broken(job, compared, about, claimed)
    with FileReader(job.target) as file, open_original(job.source, as_is=True) as scene:
        head, files = file.head_digest.hex(), tuple(map(os.fsdecode, scene.paths))
        broken = broken or _attachments_broken(file, scene)
    judged = {
        "bytes_out": about.bytes,
        "head": head,
        "promised": in_words(about),
        "promised_rmse_db": claimed,
        "rmse_db": compared.rmse_db,
        "bias_power_db": compared.bias_power_db,
        "max_error_db": compared.max_abs_error_db,
        "software": about.claims.software if about.claims else None,
        "model": about.model,
        "files": files,
        "item": item_of(job.target, job.name),
    }
    return judged, broken


def _broken(job: Job, compared: Comparison, about: FileInfo, claimed: float | None) -> str:
    """The first promise that is broken, in words; '' where all are kept."""
    if not compared.invalid_identical or not compared.valid_stay_valid:
        return "invalid pixels did not come back bit for bit, or valid ones became invalid"
    if compared.description_differences:
        return f"it says otherwise than its source: {', '.join(compared.description_differences)}"
    if not compared.error_plausible:
        return f"its pixels are not those of its source ({compared.rmse_db:.3g} dB RMSE, {compared.max_abs_error_db:.3g} dB at most)"
    return _beside_request(job, about) or _beside_claims(job, compared, claimed)


def _attachments_broken(file: FileReader, scene: Original) -> str:
    """Whether what a product has beside its pixels is in the file byte for byte."""
    held = {record.name for record in file.header.attachments}
    for name, data in getattr(scene, "attachments", ()):
        if name not in held or file.attachment(name) != data:
            return f"{name} of the product is not in it, or not byte for byte"
    return ""


def _beside_request(job: Job, about: FileInfo) -> str:
    """An output of other options is not what this archive was asked for."""
    request = asked_of(job.options)
    if about.mode not in _KEPT.get(request.target, (about.mode,)):
        return f"it is {about.mode}, and {_words(request)} was asked for"
    if (
        about.max_error_db is not None
        and request.target == "max_error_db"
        and about.max_error_db > float(request.value)
    ):
        return f"it is within {about.max_error_db:g} dB, and {_words(request)} was asked for"
    if request.target == "size" and about.bytes > float(request.value):
        return f"it has {about.bytes} bytes, and {_words(request)} was asked for"
    made = about.claims.asked if about.claims else None
    if made is not None and (made.target, made.value) != (request.target, request.value):
        return f"it was made with {_words(made)}, and {_words(request)} was asked for"
    return ""


def _beside_claims(job: Job, compared: Comparison, claimed: float | None) -> str:
    if claimed is None:
        return ""
    most = SLACK * claimed + SLACK_DB
    if compared.rmse_db > most:
        most = math.hypot(most, rounding_db(job))
    if compared.rmse_db <= most:
        return ""
    return f"its error is {compared.rmse_db:.4g} dB RMSE, and it claims {claimed:.4g} dB"


def asked_of(options: Any) -> Asked:
    """The target among the keywords of `compress`. Raises InvalidArgument for those that have no meaning together."""
    usual: dict[str, Any] = dict.fromkeys(Request.__dataclass_fields__)
    usual |= {"lossless": False, "domain": "auto", "effort": 1, "independent_bands": False}
    given = {name: value for name, value in options.items() if name in usual}
    aim = Request(**(usual | given)).aim
    return Asked(aim.kind, aim.quality_class or aim.value)


def _words(asked: Asked) -> str:
    value = asked.value if isinstance(asked.value, str) else f"{asked.value:g}"
    return (
        "lossless" if asked.target == "lossless" else f"{asked.target.replace('_', ' ').replace(' db', ' dB')} {value}"
    )


def in_words(about: FileInfo) -> str:
    """What the file promises."""
    if about.mode == "bounded":
        return f"no pixel off by more than {about.max_error_db:g} dB"
    if about.mode in ("lossless", "exact"):
        return "every pixel bit for bit"
    return _words(about.claims.asked) if about.claims else f"quality {about.quality:.4g}"


def claimed_rmse_db(claims: Claims | None) -> float | None:
    """Over all bands, as the judge measures; None where nothing was claimed."""
    bands = [] if claims is None else [b for b in claims.bands if b.rmse_db is not None]
    shares = [1 - (band.invalid_share or 0) for band in bands]
    if not sum(shares):
        return None
    return math.sqrt(sum(share * (band.rmse_db or 0) ** 2 for share, band in zip(shares, bands)) / sum(shares))


def rounding_db(job: Job) -> float:
    """What rounding to whole numbers adds to the error, which claims do not count: much where pixels are small numbers. 0 for floats."""
    total, count = 0.0, 0
    with FileReader(job.target) as file, open_original(job.source, as_is=True) as scene:
        if not np.issubdtype(np.dtype(scene.info.dtype), np.integer):
            return 0.0
        decoder = SceneDecoder(file)
        for band, measure in enumerate(decoder.measures):
            for window in map(decoder.grid.window, range(decoder.grid.count if measure else 0)):
                assert measure is not None  # else no window
                pixels = scene.read(band, window)
                level, valid = normalise(pixels, measure)
                next_level, next_valid = normalise(pixels + 1, measure)
                both = valid & next_valid
                total += float(np.square(next_level[both] - level[both], dtype=np.float64).sum()) / 12
                count += int(both.sum())
    if not count:
        return 0.0
    return math.sqrt(total / count)
