"""A restored product that is there, held to the file that it came of: which of its files are gone since, and those put back; what is there stays as it is.

In: a compressed file, and a product. Out: names within the product; files beside those that are there. Reads sizes, no pixels, until something is
to be put back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from sarcodec.api.decompression import decompress
from sarcodec.errors import OutputExists
from sarcodec.format.reader import FileReader
from sarcodec.products import layout
from sarcodec.products.archive import ZipFiles
from sarcodec.products.files import is_product
from sarcodec.storage.refusals import shown, writing
from sarcodec.storage.workspace import Workspace

_MOST_NAMED = 3
_AWAY = "move it away, and start again"


def complete(source: str, target: str, options: Mapping[str, Any]) -> bool:
    """Put back what the product at `target` lacks of the one in the file `source`; returns whether there was anything. options: keywords of `decompress`.

    Raises OutputExists where what is there is not that product, was restored otherwise, or is an archive that lacks a file; SarcodecError as `decompress`.
    """
    if not is_product(target):
        raise OutputExists(f"{shown(target)} is there, and is not what was archived; {_AWAY}")
    expected = _kept(source)
    found = _sizes(target, expected)
    lost = [path for path in expected if path not in found]
    other = [path for path in found if found[path] != (expected[path] or found[path] or 1)]
    if other or (lost and not os.path.isdir(target)):
        what = f"with files of other sizes than were restored ({_named(other)})" if other else f"without {_named(lost)}"
        raise OutputExists(f"{shown(target)} is there {what}; {_AWAY}")
    if lost:
        _put_back(source, Path(target), options, lost)
    return bool(lost)


def _kept(source: str) -> dict[str, int | None]:
    """The files of the product in a compressed file, and their sizes; None where it is known only that they are not empty."""
    with FileReader(source) as file:
        product, header = layout.product_of(file), file.header
    sizes = {record.name: record.size for record in header.attachments}
    found: dict[str, int | None] = {path: sizes[layout.FILES + path] for path in layout.kept_files(sizes)}
    for band, one in enumerate(product.measurements if product else ()):
        head, tail = (sizes.get(layout.part_name(band, part)) for part in (layout.HEAD, layout.TAIL))
        pixels = header.rows * header.cols * np.dtype(header.dtype).itemsize
        found[one.path] = None if head is None or tail is None else head + pixels + tail
    return {**found, layout.MANIFEST: None}


def _sizes(target: str, paths: Iterable[str]) -> dict[str, int]:
    """Of those that are there, behind links too."""
    if os.path.isdir(target):
        places = {path: os.path.join(target, *path.split("/")) for path in paths}
        return {path: os.path.getsize(place) for path, place in places.items() if os.path.isfile(place)}
    with closing(ZipFiles(Path(target), None)) as archive:
        return {path: archive.size(path) for path in paths if path in archive.paths}


def _put_back(source: str, target: Path, options: Mapping[str, Any], lost: list[str]) -> None:
    """By making the product again beside it: where both manifests are the same bytes, so are all files that they list."""
    with writing(shown(target)), closing(Workspace(target.parent)) as aside:
        made = Path(decompress(source, aside.folder / "again.SAFE", **options).path)
        if (made / layout.MANIFEST).read_bytes() != (target / layout.MANIFEST).read_bytes():
            raise OutputExists(
                f"{shown(target)} is there without {_named(lost)}, and was restored in another way than now, or changed; {_AWAY}"
            )
        for path in lost:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(made / path, target / path)


def _named(paths: list[str]) -> str:
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return f"{', '.join(map(shown, paths[:_MOST_NAMED]))}{more}"
