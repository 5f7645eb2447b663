"""The domain of one radar band: amplitude, power or dB, from what is declared and from how its values lie.

In: a SceneInfo and the sample of a band; out: a domain and a sentence. UnsupportedScene where there are two readings.
"""

from __future__ import annotations

from sarcodec.errors import UnsupportedScene
from sarcodec.format.measure import DOMAINS
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.band_sample import BandSample
from sarcodec.raster.declared import AMPLITUDE, DB, POWER, SIGMA, declarations
from sarcodec.raster.distribution import Distribution

_NAMES = {"amplitude": "amplitude", "power": "linear power", "db": "dB"}
_POWER_MEDIAN = 5.0  # sigma nought is far below 1 nearly everywhere; amplitudes are in DN
_DB_CEILING = 100.0  # nothing in dB is above: the levels of uint16 DN end at 96
_DN_CEILING = 65535.0
_DN_MEDIAN, _DN_TAIL = 1000.0, 10.0  # of amplitudes; intensities have higher ones, or a longer tail
_WHOLE_DB = (-100.0, 60.0)
_CLEAR_SHARE = 0.01
_DECLARE = "declare what they are (for dB x 100: gdal_edit.py -scale 0.01 -units dB)"


def decide(info: SceneInfo, sample: BandSample) -> tuple[str, str]:
    """(domain, why) of a band by itself."""
    band, figures = sample.number - 1, sample.figures
    found = declarations(info, band)
    possible, where = frozenset(DOMAINS), ", ".join(dict.fromkeys(d.where for d in found))
    for declaration in found:
        possible &= declaration.domains
    if not possible:
        raise _refusal(
            sample, f"declarations contradict each other ({where})", sorted({x for d in found for x in d.domains})
        )
    if not figures.count:
        domain = _usual(possible, sample)
        return domain, "no valid pixel to judge by" + (f"; {where}" if where else "")
    if sample.pixels.dtype.kind == "f":
        domain, why = _floats(sample, possible, where)
    else:
        own = any(declaration.own for declaration in found if declaration.domains == possible)
        domain, why = _whole_numbers(sample, possible, where, own)
    if domain != "db" and sample.scale < 0:
        raise _refusal(sample, f"the scale is {sample.scale:g}, which only dB can have", ["db"])
    return domain, why


def obeyed(info: SceneInfo, sample: BandSample, domain: str) -> str:
    """The domain that the user asked for; UnsupportedScene where values or the scale make it impossible."""
    d, number = sample.figures, sample.number
    if domain != "db" and sample.scale < 0:
        raise UnsupportedScene(
            f"band {number} has scale {sample.scale:g}, expected one above 0 for {domain}; choose --domain db"
        )
    if domain != "db" and _surely_below_zero(d):
        raise UnsupportedScene(
            f"band {number} has {d}; expected {_NAMES[domain]}, which is above 0. Choose --domain db, or name it by --exact-bands {number}"
        )
    if domain == "db" and d.count and sample.pixels.dtype.kind != "f" and not _db_possible(sample):
        raise UnsupportedScene(
            f"band {number} has {sample.pixels.dtype} {d}; expected dB between {_WHOLE_DB[0]:g} and {_WHOLE_DB[1]:g}. If it is scaled dB, "
            f"{_DECLARE}; otherwise choose --domain amplitude"
        )
    return domain


def _surely_below_zero(d: Distribution) -> bool:
    """Whether amplitude or power is out of the question: enough different values, and they are dB, or nearly all below 0."""
    return d.count >= 256 and d.distinct >= 64 and (d.negative > 0.9 or (d.negative > 0.5 and _looks_db(d)))


def _usual(possible: frozenset[str], sample: BandSample) -> str:
    order = ("power", "amplitude", "db") if sample.pixels.dtype.kind == "f" else ("amplitude", "power", "db")
    if sample.scale < 0:
        return "db"
    return next(domain for domain in order if domain in possible)


def _looks_db(d: Distribution) -> bool:
    """Many values below 0, none beyond physics: no amplitude and no power does that."""
    return d.negative >= 0.05 and -200 < d.q001 < -5 and d.q999 < _DB_CEILING and d.median < 30


def _looks_linear(d: Distribution) -> bool:
    """Above 0 but for what taking off the noise, or resampling, puts below."""
    return d.negative <= _CLEAR_SHARE or (d.q001 > -1 and d.negative < 0.5 and d.median > 0)


def _db_possible(sample: BandSample) -> bool:
    d = sample.figures
    if (sample.scale, sample.offset) == (1.0, 0.0):
        return _WHOLE_DB[0] <= d.q05 and d.q95 <= _WHOLE_DB[1]
    return d.q001 > -200 and d.q999 < 200


def _whole_numbers(sample: BandSample, possible: frozenset[str], where: str, own: bool) -> tuple[str, str]:
    """own: `possible` is declared at the band itself. What the file says of a scale that its whole numbers do not have is the
    product's that it was made from."""
    d, scaled = sample.figures, (sample.scale, sample.offset) != (1.0, 0.0)
    if possible == DB and _db_possible(sample):
        return "db", f"{where}, scale {sample.scale:g} and offset {sample.offset:g}" if scaled else where
    if possible == DB and (own or scaled or not _like_dn(sample)):
        raise UnsupportedScene(
            f"band {sample.number} is dB by declaration ({where}), but its {sample.pixels.dtype} pixels have {d}; if they are scaled dB, "
            f"{_DECLARE}; otherwise choose --domain amplitude"
        )
    if _looks_db(d) and scaled:
        if "db" not in possible:
            raise _contradiction(sample, possible, where)
        return "db", f"scale {sample.scale:g} and offset {sample.offset:g} give {d}, as dB has"
    if d.negative > _CLEAR_SHARE:
        raise UnsupportedScene(
            f"{d.negative:.0%} of the {sample.pixels.dtype} pixels of band {sample.number} are negative ({d}); expected amplitude (DN) above 0. "
            f"If this is scaled dB, {_DECLARE} or convert it to float32 dB; if negatives are invalid, choose --domain amplitude"
        )
    if possible == POWER and own:
        return "power", where
    if possible == SIGMA and scaled and _looks_linear(d) and d.median <= _POWER_MEDIAN:
        return "power", f"{where}, and scale {sample.scale:g} gives {d}"
    if possible == DB:
        return "amplitude", f"whole numbers; {where} is not of {d}"
    if not where:
        return "amplitude", "whole numbers without a declaration count as amplitude"
    return "amplitude", f"whole numbers; {where}"


def _like_dn(sample: BandSample) -> bool:
    """Whether whole numbers that cannot be dB as they stand are no scaled dB either: in the range of DN, or with spread that grows
    as their mean does."""
    d = sample.figures
    usual = sample.pixels.dtype.itemsize > 1 and d.negative == 0 and d.median < _DN_MEDIAN
    return usual or (d.growth is not None and d.growth > 0.5)


def _floats(sample: BandSample, possible: frozenset[str], where: str) -> tuple[str, str]:
    d = sample.figures
    if possible == DB:
        # DN that are multiplied by speckle: dB of DN are lower, and no whole numbers.
        speckled = d.growth is not None and d.growth > 0.5 and (d.whole or d.median > 60)
        positive = d.negative <= _CLEAR_SHARE or d.q001 > -1
        if (positive and (d.q999 > _DB_CEILING or d.median < 2 or speckled)) or d.q999 > 200 or d.q001 < -300:
            raise _contradiction(sample, possible, where)
        return "db", f"{where} and {d}"
    looks_db = _looks_db(d)
    if looks_db and "db" in possible:
        return "db", f"{d}, as dB has" + (f"; {where}" if where else "")
    if looks_db or not _looks_linear(d):
        if possible == frozenset(DOMAINS) or not looks_db:
            raise _refusal(sample, "neither dB, which lies between -60 and 30, nor above 0", sorted(possible))
        raise _contradiction(sample, possible, where)
    if len(possible) == 1:
        return next(iter(possible)), f"{where} and {d}"
    if d.whole and d.distinct > 2 and d.high <= _DN_CEILING and "amplitude" in possible and d.median <= _POWER_MEDIAN:
        return "amplitude", f"whole numbers in float, {d}, as dark DN are"
    if d.median <= _POWER_MEDIAN:
        return "power", f"{d}, as linear power has" + (f"; {where}" if where else "")
    if possible == SIGMA:
        raise _contradiction(sample, possible, where)
    return _large_floats(sample, possible, where)


def _large_floats(sample: BandSample, possible: frozenset[str], where: str) -> tuple[str, str]:
    """Values above 0 and far above 1: amplitudes in DN, their squares, or dB of DN."""
    d = sample.figures
    if d.squares and d.distinct >= 16 and d.high > 255:
        return "power", f"whole squares, {d}, as intensities of DN are"
    if d.q999 <= _DB_CEILING and not (d.whole and d.high > _DB_CEILING):
        raise _refusal(sample, "they may be amplitudes or dB", sorted(possible))
    if d.whole and d.high <= _DN_CEILING:
        return "amplitude", f"whole numbers in float, {d}, as DN are"
    if d.median > _DN_MEDIAN or d.q999 > _DN_TAIL * d.median:
        raise _refusal(sample, "they may be amplitudes or intensities", sorted(possible - DB))
    return "amplitude", f"{d}, as amplitudes in DN have" + (f"; {where}" if where else "")


def _contradiction(sample: BandSample, possible: frozenset[str], where: str) -> UnsupportedScene:
    said = " or ".join(_NAMES[domain] for domain in sorted(possible))
    seen = ["db"] if _looks_db(sample.figures) else sorted(AMPLITUDE | POWER if "db" in possible else {"db"})
    return _refusal(
        sample, f"they are declared as {said} ({where}), which these are hardly", sorted({*possible, *seen})
    )


def _refusal(sample: BandSample, reason: str, readings: list[str]) -> UnsupportedScene:
    """Both readings, with the figures and the options that settle it."""
    options = ", ".join(f"--domain {domain} if they are {_NAMES[domain]}" for domain in readings)
    return UnsupportedScene(
        f"what the {sample.pixels.dtype} pixels of band {sample.number} mean is not clear: {sample.figures}; {reason}. Choose {options}, or "
        f"--exact-bands {sample.number} if the band is no radar"
    )
