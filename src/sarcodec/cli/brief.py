"""Reports in two or three lines for people. In: what a verb found; out: lines. Knows no file and no option."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sarcodec.api.comparison import BandComparison, Comparison
    from sarcodec.api.compression import CompressReport
    from sarcodec.api.decompression import DecompressReport
    from sarcodec.api.information import FileInfo
    from sarcodec.api.verification import VerifyReport
    from sarcodec.doors.light_product import LightReport
    from sarcodec.format.claims import Claims
    from sarcodec.models.published import ModelCard

_MOST_NAMES = 8
_STREAM = {"in": "standard input", "out": "standard output"}


def size(count: int) -> str:
    """Bytes, in the units that --target-size takes."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}" if count < 100 * factor else f"{count / factor:.0f} {unit}"
    return f"{count} byte{'s' * (count != 1)}"


def compressed(report: CompressReport, source: str, pixel_bytes: int | None, asked: str) -> Iterator[str]:
    """pixel_bytes: of all pixels of the scene, where that is known; asked: the target in words."""
    rate = f"{report.bits_per_pixel:.3g} bits a pixel and band"
    yield f"{_named(source, 'in')}: " + (
        f"{size(pixel_bytes)} of pixels in {size(report.bytes)}, {pixel_bytes / report.bytes:.3g} times smaller ({rate})"
        if pixel_bytes
        else f"{size(report.bytes)}, {rate}"
    )
    yield _promise(report, asked) + _exact_bands(report)
    yield f"written: {_named(report.path, 'out')}"


def light(report: LightReport, source: str, asked: str) -> Iterator[str]:
    """A light product; asked: the target of compressing in words."""
    if report.compressed is not None:
        yield from itertools.islice(compressed(report.compressed, source, None, asked), 2)
    else:
        yield f"{_named(source, 'in')}: taken as it was"
    yield f"written: {_named(report.path, 'out')}, {size(report.bytes)}; its TIFFs are VRTs, which need GDAL_VRT_ENABLE_PYTHON=TRUSTED_MODULES and GDAL_VRT_PYTHON_TRUSTED_MODULES=sarcodec.vrt"


def _promise(report: CompressReport, asked: str) -> str:
    if report.mode == "exact":
        return "kept: every pixel bit for bit; no band is radar"
    if report.mode == "lossless":
        return "kept: every pixel bit for bit"
    if report.mode == "bounded":
        return f"kept: no valid pixel is off by more than {report.max_error_db:g} dB"
    quality = f"quality {report.quality:.4g} (step {report.step_db:.3g} dB), model {report.model}"
    measured = _measured(report)
    if report.quality_class:
        return f"measured: every band is of the class {report.quality_class}; {quality}"
    if report.rmse_db is not None:
        return f"measured: {asked}, {report.rmse_db:.3g} dB reached; {quality}"
    if not measured:
        return f"kept: {asked}; {quality}" if asked else f"{quality}; for its error: sarcodec evaluate"
    return (f"kept: {asked}; " if asked else "") + f"measured: {measured}; {quality}"


def _measured(report: CompressReport) -> str:
    """The largest error, and the largest bias, of the bands that were measured while they were coded; empty at effort 0."""
    bands = report.claims.bands if report.claims and report.claims.measured else ()
    errors = [band.rmse_db for band in bands if band.rmse_db is not None]
    biases = [abs(band.bias_power_db) for band in bands if band.bias_power_db is not None]
    if not errors or not biases:
        return ""
    within = f"within {max(errors):.3g} dB RMSE and {max(biases):.3f} dB of mean power"
    return within if len(errors) == 1 else f"each band {within}"


def _exact_bands(report: CompressReport) -> str:
    exact = [str(kind.band) for kind in report.band_kinds if kind.kind == "exact"]
    return f"; band {', '.join(exact)} bit for bit" if exact and report.mode != "exact" else ""


def decompressed(report: DecompressReport, source: str) -> Iterator[str]:
    """What came out of the file."""
    yield f"{_named(source, 'in')}: {_bands(report.bands)} of {report.cols} x {report.rows} pixels (WIDTH x HEIGHT)"
    yield f"written: {_named(report.path, 'out')}" + (
        f", and {_several(report.attachments, 'attachment')}" if report.attachments else ""
    )


def described(info: FileInfo) -> Iterator[str]:
    """The head of a file."""
    yield f"{_named(info.path, 'in')}: {size(info.bytes)}, {info.bits_per_pixel:.3g} bits a pixel and band"
    if info.product:
        p = info.product
        yield f"product: {p.name} ({p.mission}, mode {p.mode}, {p.product_type}, {' and '.join(p.polarisations)})"
    yield f"{_bands(info.bands)} of {info.cols} x {info.rows} pixels (WIDTH x HEIGHT), {info.dtype}"
    yield _kept(info)
    names = info.band_names or ()
    for kind, name in zip(info.band_kinds, (*names, *([None] * info.bands)), strict=False):
        yield f"band {kind.band}{_in_brackets(name)}: {kind.kind}, {kind.domain or 'no radar'}; {kind.why}"
    yield _place(info)
    if info.claims:
        yield from _claimed(info.claims)
    if info.attachments:
        some = ", ".join(f"{a.name} ({size(a.bytes)})" for a in info.attachments[:_MOST_NAMES])
        more = len(info.attachments) - _MOST_NAMES
        yield f"{_several(len(info.attachments), 'attachment')}: {some}" + (f" and {more} more" if more > 0 else "")
    skipped = [f"record {kind}" for kind in info.skipped_records] + [f"key {key!r}" for key in info.skipped_keys]
    if skipped:
        yield f"skipped, as a later release wrote it and this one does not need it: {', '.join(skipped)}"


def _claimed(claims: Claims) -> Iterator[str]:
    """What was asked for, and what was measured of each band."""
    asked, effort = claims.asked, "" if claims.asked.effort is None else f", effort {claims.asked.effort}"
    value = (
        "" if asked.target == "lossless" else f" {asked.value if isinstance(asked.value, str) else f'{asked.value:g}'}"
    )
    yield f"claims of {claims.software}: {asked.target.replace('_', ' ').replace(' db', ' dB')}{value} was asked for{effort}"
    for number, band in enumerate(claims.bands, start=1):
        said = [
            text.format(value)
            for text, value in (
                ("{:.3g} dB RMSE", band.rmse_db),
                ("bias of power {:+.3f} dB", band.bias_power_db),
                ("{:g} dB at most", band.max_error_db),
                ("looks restored to {:.2f} of the original's", band.enl_ratio_restored),
                ("{:.3%} invalid", band.invalid_share),
            )
            if value is not None
        ]
        if said:
            yield f"  band {number}: {', '.join(said)}"


def _kept(info: FileInfo) -> str:
    if info.quality is not None and info.step_db is not None:
        return f"quality {info.quality:.4g} (step {info.step_db:.3g} dB), model {info.model}"
    return (
        f"no valid pixel is off by more than {info.max_error_db:g} dB"
        if info.max_error_db
        else "every pixel bit for bit"
    )


def _place(info: FileInfo) -> str:
    known = ["a transform"] if info.transform is not None else []
    known += [f"{info.ground_control_points} ground control points"] if info.ground_control_points else []
    return "on the ground: " + (" and ".join(known) or "not said")


def verified(report: VerifyReport, against: str | None, differences: tuple[str, ...]) -> Iterator[str]:
    """Sound, which else is an error; and beside its original."""
    yield f"{_named(report.path, 'in')}: sound; every checksum and symbol of {report.tiles} tiles was read"
    if report.skipped_records or report.skipped_sections:
        kinds = [f"records of kind {kind}" for kind in report.skipped_records]
        kinds += [f"{_several(count, 'section')} of kind {kind}" for kind, count in report.skipped_sections]
        yield f"skipped, as a later release wrote them and this one does not need them: {', '.join(kinds)}"
    found = report.comparison
    if found is None or against is None:
        return
    error = f"{found.rmse_db:.3g} dB RMSE, {found.max_abs_error_db:.3g} dB at most"
    wrong = {
        "pixels are not of this image": not found.error_plausible,
        "invalid pixels changed": not found.invalid_identical,
        "valid pixels were lost": not found.valid_stay_valid,
        f"the description differs ({', '.join(differences)})": bool(differences),
    }
    failed = "; ".join(text for text, is_so in wrong.items() if is_so)
    yield f"beside {_named(against, 'in')}: {error}; {failed or 'masks and description are the same'}"


def compared(found: Comparison) -> Iterator[str]:
    """Figures and verdicts of every band."""
    yield f"original: {found.original}"
    yield f"decoded: {found.decoded}"
    for band in found.bands:
        yield from _compared_band(band)
    mask = "every invalid pixel came back bit by bit" if found.invalid_identical else "invalid pixels changed"
    yield f"mask: {mask}; valid lost: {found.valid_lost}"


def _compared_band(band: BandComparison) -> Iterator[str]:
    if band.errors is None:
        came = f"{band.invalid_changed} pixels changed" if band.invalid_changed else "every pixel came back bit by bit"
        yield f"band {band.band}: {came}; {band.why}"
        return
    e = band.errors
    yield f"band {band.band}: {e.rmse_db:.3g} dB RMSE, bias of power {e.bias_power_db:+.3f} dB, {e.max_abs_error_db:.3g} dB at most"
    for verdict in band.classes:
        failed = [f"{c.name} {_figure(c.value)}, expected {c.bound}" for c in verdict.checks if not c.passed]
        yield f"  class {verdict.quality_class}: " + ("failed: " + "; ".join(failed) if failed else "passed")


def _figure(value: float | None) -> str:
    return "changed" if value is None else f"{value:.3g}"


def simulated(report: Mapping[str, Any]) -> Iterator[str]:
    """What was simulated, and where it is."""
    size_px = f"{report['cols']} x {report['rows']} pixels (WIDTH x HEIGHT)"
    yield f"simulated: {', '.join(report['bands'])} of {size_px}, preset {report['preset']}, seed {report['seed']}"
    yield f"written: {_named(report['path'], 'out')}"


def listed(card: ModelCard) -> str:
    """One model."""
    return f"{card.id}{' (default)' if card.default else ''}: {card.description} ({size(card.bytes)})"


def _bands(count: int) -> str:
    return _several(count, "band")


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _in_brackets(name: str | None) -> str:
    return f" ({name})" if name else ""


def _named(path: str, way: str) -> str:
    return _STREAM[way] if path == "-" else path
