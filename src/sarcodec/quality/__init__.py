"""How faithfully decoded levels follow the original ones: figures, classes that bound them, and the page that shows them.

In go levels in dB and masks, out come frozen figures and verdicts. Below the encoder, which aims at a class: a file that `compress`
calls archive passes `evaluate`. Knows no files, tiles or networks.
"""

__all__ = [
    "charts",
    "classes",
    "contents",
    "edges",
    "maps",
    "metrics",
    "page",
    "png",
    "similarity",
    "speckle",
    "texture",
    "thumbnails",
]
