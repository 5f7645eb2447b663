"""One self-contained HTML page on a decoded scene: verdicts, figures, charts, pictures. In: a frozen `Page`; out: its
text.

Charts are inline SVG, pictures are PNG within the page; nothing is fetched and nothing is a script. Knows no files,
codecs or rasters.
"""

from __future__ import annotations

from importlib.resources import files

from sarcodec.evaluate.band_section import section, shared_scales
from sarcodec.evaluate.contents import KeyFigure, Page
from sarcodec.evaluate.verdicts import cards, sentence, table
from sarcodec.evaluate.words import safe


def render(page: Page) -> str:
    """The page as HTML text."""
    scales = shared_scales(page.bands)
    title, body = safe(page.title), "".join(section(band, scales) for band in page.bands)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style()}</style></head><body>'
        f"<h1>{title}</h1>{_head(page)}{body}{_HOW}</body></html>\n"
    )


def style() -> str:
    """The style sheet of pages."""
    return files("sarcodec.evaluate").joinpath("page.css").read_text(encoding="utf-8")


def _head(page: Page) -> str:
    facts = "".join(f"<dt>{safe(label)}</dt><dd>{safe(text)}</dd>" for label, text in page.facts)
    tiles = "".join(map(_tile, page.figures))
    return (
        f"<p class=lead>{sentence(page.bands)}</p><div class=tiles>{tiles}</div>{cards(page.bands)}<dl>{facts}</dl>"
        f"<h2>What the classes ask for</h2>{table(page.bands)}"
    )


def _tile(one: KeyFigure) -> str:
    note = f"<small>{safe(one.note)}</small>" if one.note else ""
    return f"<div class=tile><b>{safe(one.name)}</b><span>{safe(one.figure)}</span>{note}</div>"


_HOW = (
    "<footer><h3>How to read the figures</h3>"
    "<p>The <b>level</b> of a pixel is 10 log10 of its power, in dB: 3 dB are twice the power, 1 dB is a quarter more. "
    "Speckle alone scatters the pixels of even ground by some dB, so an error of 1 dB in a single pixel is small.</p>"
    "<p><b>Bias</b> is 10 log10 of all decoded over all original power: it says whether means come out too bright (+) or too dark "
    "(\N{MINUS SIGN}), and averaging does not remove it. The <b>error after averaging</b> is what is left in blocks of 8 x 8 pixels.</p>"
    "<p>The <b>equivalent number of looks</b> (ENL) and the <b>correlation</b> of neighbours describe the speckle: medians over windows "
    "of 15 x 15 pixels. A ratio above 1 means that speckle was smoothed. The windows are chosen in the next band where there is "
    "one, or else all count.</p>"
    "<p>The <b>ratio image</b> is original over decoded power. Its structure is its correlation with the details of the next band. "
    "<b>Edges kept</b> is the correlation of signed ratios of averages, at the edges of the next band. "
    "SSIM is that of Wang et al. 2004, on levels.</p></footer>"
)
