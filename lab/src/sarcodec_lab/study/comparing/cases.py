"""The bands of one split that a comparison is made on. In: a folder with index.csv; out: frozen Cases, and each band as
a plain single-band GeoTIFF, which is what every codec is given.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array


@dataclass(frozen=True, eq=False)
class Case:
    """One band (from 1) of one image. `place` clusters the bootstrap. `key` names the pixels: it has their checksum.

    dn: uint16 (rows, cols); guide_dn: the next band, None if there is but one; scene: a plain GeoTIFF of `dn` alone.
    """

    image: str
    band: int
    family: str
    place: str
    key: str
    dn: np.ndarray
    guide_dn: np.ndarray | None
    scene: Path


def find_cases(
    data: Path, split: str, families: Sequence[str], folder: Path, images: Sequence[str] = ()
) -> tuple[Case, ...]:
    """Every band of every GeoTIFF of that split and those families; scenes are written under `folder` unless they are
    there.

    images: names (no folder, no suffix) to keep; all if empty. InvalidArgument: no index, no such image, other pixels.
    """
    rows = [row for row in read_index(data) if row["split"] == split and row["family"] in families]
    rows = [row for row in rows if row["file"].endswith((".tif", ".tiff"))]
    rows = [row for row in rows if not images or Path(row["file"]).stem in images]
    missing = set(images) - {Path(row["file"]).stem for row in rows}
    if missing or not rows:
        what = f"images {', '.join(sorted(missing))}" if missing else "GeoTIFF"
        raise InvalidArgument(
            f"found no {what} of split {split} and families {', '.join(families)} in {data / 'index.csv'}, expected at "
            "least one; look at the columns split, family and file"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(case for row in rows for case in _bands(data, row, folder))


def read_index(data: Path) -> list[dict[str, str]]:
    """Rows of DATA/index.csv by column. Raises InvalidArgument where there is none, or columns are missing."""
    path = data / "index.csv"
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        raise InvalidArgument(f"cannot read {path} ({error.strerror}); --data is a folder with index.csv") from error
    lacking = {"file", "split", "family", "group"} - set(rows[0] if rows else ())
    if lacking:
        raise InvalidArgument(
            f"found no column {', '.join(sorted(lacking))} in {path}, expected file, split, family, group"
        )
    return rows


def _bands(data: Path, row: dict[str, str], folder: Path) -> list[Case]:
    pixels, info = read_array(data / row["file"])
    if info.dtype != "uint16":
        raise InvalidArgument(f"{row['file']} holds {info.dtype} pixels, expected uint16 amplitudes; convert it to DN")
    cases, name = [], Path(row["file"]).stem
    for number, dn in enumerate(pixels):
        key = f"{row['family']}-{name}-b{number + 1}-{zlib.crc32(dn.tobytes()):08x}"
        scene = folder / f"{key}.tif"
        if not scene.exists():
            write_array(scene, dn[None], SceneInfo(info.rows, info.cols, 1, info.dtype))
        guide = pixels[(number + 1) % info.count] if info.count > 1 else None
        cases.append(Case(name, number + 1, row["family"], row["group"] or name, key, dn, guide, scene))
    return cases
