"""The head's judgement of a page: which quality classes the scene keeps to, in a sentence, as cards and as a table."""

from __future__ import annotations

from sarcodec.quality.classes import CLASSES, Check, Verdict
from sarcodec.quality.contents import BandPage
from sarcodec.quality.words import counted, in_db, listed, number, safe, signed

_MEANING = {"archive": "may stand in for the original", "analysis": "good for measuring and mapping"}
_FIGURES = {  # by the name of the check: in words, and the unit of its bound
    "bias dB": ("Bias of the mean power", " dB"),
    "8 x 8 error dB": ("Error after averaging 8 x 8 pixels", " dB"),
    "ENL ratio": ("Speckle kept (ratio of looks, ENL)", ""),
    "mask": ("Invalid pixels and the mask", ""),
}


def sentence(bands: tuple[BandPage, ...]) -> str:
    """The verdict for a newcomer, as HTML: the strictest class that every band keeps to, and what the next one lacks."""
    kept = [name for name in CLASSES if not _failing(name, bands)]
    if not kept:
        return f"<b>The scene keeps to neither quality class.</b> {_lack('analysis', bands)}"
    if kept[0] == "archive":
        return "<b>Every band keeps to the class archive,</b> the strictest: the decoded scene may stand in for the original."
    return f"<b>Every band keeps to the class {kept[0]}: {_MEANING[kept[0]]}.</b> {_lack('archive', bands)}"


def _lack(name: str, bands: tuple[BandPage, ...]) -> str:
    lacks = [
        safe(f"{_lower(_what(check)[0])} of {band.name}")
        for band, verdict in _failing(name, bands)
        for check in verdict.checks
        if not check.passed
    ]
    shown = lacks[:3] + ([f"{len(lacks) - 3} more"] if len(lacks) > 3 else [])
    return f"For {name} these are beyond the bound: {listed(shown)}."


def _failing(name: str, bands: tuple[BandPage, ...]) -> list[tuple[BandPage, Verdict]]:
    pairs = [(band, verdict) for band in bands for verdict in band.verdicts]
    return [(band, verdict) for band, verdict in pairs if verdict.quality_class == name and not verdict.passed]


def cards(bands: tuple[BandPage, ...]) -> str:
    """PASS or FAIL of each class, beside what the class means."""
    return f"<div class=cards>{''.join(_card(name, bands) for name in CLASSES)}</div>"


def _card(name: str, bands: tuple[BandPage, ...]) -> str:
    failing = len(_failing(name, bands))
    word = _word(not failing)
    why = (
        "every band keeps to every bound"
        if not failing
        else f"{failing} of {counted(len(bands), 'band')} beyond a bound"
    )
    return (
        f"<div class='card {word}'><b>Class {safe(name)}: {_MEANING[name]}</b><span>{word.upper()}</span>"
        f"<small>{why}</small></div>"
    )


def table(bands: tuple[BandPage, ...]) -> str:
    """Every bound of every class, and what was found."""
    head = "".join(f"<th>{safe(name)}</th>" for name in CLASSES)
    body = "".join(map(_rows, bands))
    return f"<div class=scroll><table><tr><th>Figure</th><th>Found</th>{head}</tr>{body}</table></div>"


def _rows(band: BandPage) -> str:
    rows = [f"<tr><th colspan={2 + len(CLASSES)}>{safe(band.name)}</th></tr>"]
    for checks in zip(*(verdict.checks for verdict in band.verdicts), strict=True):
        cells = "".join(map(_cell, checks))
        rows.append(f"<tr><td>{safe(_what(checks[0])[0])}</td><td class=n>{_found(checks[0], band)}</td>{cells}</tr>")
    return "".join(rows)


def _cell(check: Check) -> str:
    return f"<td class={_word(check.passed)}>{_word(check.passed)}: {safe(check.bound)}{_what(check)[1]}</td>"


def _lower(words: str) -> str:
    return words[0].lower() + words[1:]


def _what(check: Check) -> tuple[str, str]:
    return _FIGURES.get(check.name, (check.name, ""))


def _found(check: Check, band: BandPage) -> str:
    if check.name == "mask":
        return "exact" if check.passed else "changed"
    if check.value is None:
        return "not measured" if band.errors is None else "too few pixels"
    return in_db(signed(check.value)) if check.name.startswith("bias") else number(check.value) + _what(check)[1]


def _word(passed: bool) -> str:
    return "pass" if passed else "fail"
