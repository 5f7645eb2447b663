"""How a file is decoded beside its least error: what of its power and texture is given back."""

from __future__ import annotations

from dataclasses import dataclass

from sarcodec.errors import InvalidArgument

LEVELS, SPECKLES = ("power", "log"), ("keep", "restore")


@dataclass(frozen=True)
class Reconstruction:
    """What a decoder is to give back.

    reconstruct: 'power', levels whose power is unbiased, or 'log', levels of least squared error in dB; speckle: 'keep' what was
    coded, or 'restore' what was lost. Raises InvalidArgument for other words.
    """

    reconstruct: str = "power"
    speckle: str = "keep"

    def __post_init__(self) -> None:
        for name, words in (("reconstruct", LEVELS), ("speckle", SPECKLES)):
            if getattr(self, name) not in words:
                raise InvalidArgument(f"{name} is {getattr(self, name)!r}, expected one of {', '.join(words)}")


LEAST_ERROR = Reconstruction("log")
