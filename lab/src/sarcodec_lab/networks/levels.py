"""Levels in dB to the unit scale that the study's autoencoders see, and back. numpy arrays or torch tensors alike.

The study maps x = 10 log10(DN) from [14.768799, 24.540730] to [0, 1] and clips. Our levels are 20 log10(DN), twice that.
`CENTRED` keeps the same span but puts 0.5 at the band's own mean level and clips nothing that a uint16 can hold.
"""

from dataclasses import dataclass

from sarcodec.errors import InvalidArgument

STUDY_LOW_DB = 2 * 14.768799
STUDY_HIGH_DB = 2 * 24.540730
SPAN_DB = STUDY_HIGH_DB - STUDY_LOW_DB


@dataclass(frozen=True)
class Scale:
    """name: 'study' or 'centred'; clip: the unit values that are kept apart, all others become one of these two."""

    name: str
    clip: tuple[float, float]

    @property
    def centred(self) -> bool:
        """Whether 0.5 is the band's mean level, and not a fixed one."""
        return self.name == "centred"

    def low_db(self, offset_db: float) -> float:
        """The level that becomes 0. offset_db: mean level of the band."""
        return offset_db - SPAN_DB / 2 if self.centred else STUDY_LOW_DB

    def to_unit(self, level_db, offset_db: float):
        """Levels (any shape) in unit scale, clipped."""
        return ((level_db - self.low_db(offset_db)) / SPAN_DB).clip(*self.clip)

    def to_level(self, unit, offset_db: float):
        """Unit values (any shape) as levels in dB."""
        return unit * SPAN_DB + self.low_db(offset_db)


STUDY = Scale("study", (0.0, 1.0))
CENTRED = Scale("centred", (-1.6, 3.5))  # 41 dB below the mean to 59 dB above it
SCALES = {scale.name: scale for scale in (STUDY, CENTRED)}


def scale_of(name: str) -> Scale:
    """The scale of a name. Raises InvalidArgument."""
    if name not in SCALES:
        raise InvalidArgument(f"range is {name!r}, expected one of {', '.join(SCALES)}")
    return SCALES[name]
