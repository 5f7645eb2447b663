"""What data there is: images, bands and places of each split and family. In: a folder with index.csv; out: frozen Shares."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from sarcodec.errors import InvalidArgument
from sarcodec_lab.study.comparing.cases import read_index

COLUMNS = ("split", "family", "images", "bands", "places", "million pixels")


@dataclass(frozen=True)
class Share:
    """The rasters of one split and family; places: the index's groups, by name."""

    split: str
    family: str
    images: int
    bands: int
    pixels: int
    places: frozenset[str]

    @property
    def cells(self) -> tuple[str, ...]:
        """Under COLUMNS."""
        counts = (self.images, self.bands, len(self.places))
        return self.split, self.family, *map(str, counts), f"{self.pixels / 1e6:.1f}"


def shares(data: str | Path) -> tuple[Share, ...]:
    """By split and family, as the index has them first; rasters alone.

    Raises InvalidArgument where there is no index, or it does not say how large an image is.
    """
    rows = defaultdict(list)
    for row in read_index(Path(data)):
        if row["file"].endswith((".tif", ".tiff")):
            rows[row["split"], row["family"]].append(row)
    return tuple(_share(*key, found) for key, found in rows.items())


def shared_places(found: tuple[Share, ...]) -> frozenset[str]:
    """Places that lie in more than one split: nothing may be measured there."""
    by_split = defaultdict(set)
    for one in found:
        by_split[one.split] |= one.places
    splits = list(by_split.values())
    return frozenset(place for n, first in enumerate(splits) for other in splits[:n] for place in first & other)


def _share(split: str, family: str, rows: list[dict[str, str]]) -> Share:
    shapes = [_shape(row) for row in rows]
    pixels = sum(count * height * width for count, height, width in shapes)
    places = frozenset(row["group"] or Path(row["file"]).stem for row in rows)
    return Share(split, family, len(rows), sum(count for count, _, _ in shapes), pixels, places)


def _shape(row: dict[str, str]) -> tuple[int, int, int]:
    """Bands, rows, cols."""
    try:
        count, height, width = map(int, row["shape"].split("x"))
    except (KeyError, ValueError) as error:
        raise InvalidArgument(
            f"the index says shape {row.get('shape')!r} of {row['file']}, expected bands x rows x cols such as 2x512x512"
        ) from error
    return count, height, width
