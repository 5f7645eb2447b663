"""The pixel function of VRTs over compressed files: GDAL calls it in whatever program reads a VRT that `sarcodec vrt` has written.

In: the arguments of the VRT and a window; out: pixels in GDAL's own array. It loads no rasterio: the program may have another GDAL. An error
becomes GDAL's, and its last line says what was found.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.api.scene import Scene
from sarcodec.decoding.reduced_scene import REDUCTIONS
from sarcodec.decoding.tile import TILE_PX
from sarcodec.errors import FormatError, InvalidArgument
from sarcodec.format.reader import FileReader
from sarcodec.storage.objects import address_of

if TYPE_CHECKING:
    from sarcodec.arrays import Pixels

ROOT = "SARCODEC_VRT_ROOT"
"""The environment variable that names the folder to which relative paths in VRTs belong; the working directory where it is not set."""
SCENES_KEPT, SCENE_BYTES = 4, 512 << 20
"""Files that stay open in this process for all VRTs, and what each may take."""
_scenes: OrderedDict[tuple[Any, ...], Scene] = OrderedDict()
_lock = threading.Lock()


def pixels(
    in_ar: Any,
    out_ar: Pixels,
    xoff: int,
    yoff: int,
    xsize: int,
    ysize: int,
    raster_xsize: int,
    raster_ysize: int,
    buf_radius: int,
    gt: Any,
    **arguments: str | bytes,
) -> None:
    """Fill out_ar (rows, cols) from the window of xsize x ysize pixels at column xoff and row yoff; the parameters are those of GDAL's pixel functions.

    out_ar may have fewer pixels than the window: then they are taken of the reduced picture that has just more, and the nearest ones.
    arguments: those that `vrt_file` writes. Raises FormatError where the file is no longer the one that the VRT was made of, and what
    sarcodec.open and Scene.read raise.
    """
    words = {key: value.decode() if isinstance(value, bytes) else value for key, value in arguments.items()}
    scene = _scene(words)
    side = int(words.get("reduce", 1))
    coarse = min(ysize / out_ar.shape[0], xsize / out_ar.shape[1])
    finer = max((n for n in (1, *REDUCTIONS) if n % side == 0 and n // side <= coarse and n >= side), default=side)
    rows, cols = (
        _nearest(start, size, wanted) * side // finer
        for start, size, wanted in zip((yoff, xoff), (ysize, xsize), out_ar.shape)
    )
    for at in _strips(rows):
        out_ar[at] = _read(scene, words, finer, rows[at], cols)


def _nearest(start: int, size: int, wanted: int) -> Any:
    """Places of `wanted` pixels in the middles of so many equal parts of `size` pixels from `start` on."""
    return start + ((np.arange(wanted) + 0.5) * (size / wanted)).astype(np.int64)


def _strips(rows: Any) -> list[slice]:
    """Parts of rows that lie in one row of tiles, so that a small picture of a large window takes little memory."""
    cuts = np.flatnonzero(np.diff(rows // TILE_PX)) + 1
    edges = [0, *cuts.tolist(), rows.size]
    return [slice(*edge) for edge in itertools.pairwise(edges)]


def _read(scene: Scene, words: dict[str, str], side: int, rows: Any, cols: Any) -> Pixels:
    """Pixels at rows and columns, which rise, of the picture of which side x side pixels of the scene are one."""
    spans = ((rows[0], rows[-1] + 1, scene.height), (cols[0], cols[-1] + 1, scene.width))
    window = tuple((int(first) * side, min(int(last) * side, size)) for first, last, size in spans)
    how: dict[str, Any] = {"window": window} | ({"reduce": side} if side > 1 else {})
    read = scene.read_masks if words.get("mask") == "yes" else scene.read
    found: Pixels = read(int(words["band"]), **how)
    return found[np.ix_(rows - rows[0], cols - cols[0])]


def _scene(words: dict[str, str]) -> Scene:
    """The open file of a VRT: one a process, so that what one window has decoded is there for the next."""
    path = located(words["path"])
    if address_of(path):
        state: tuple[int, ...] = ()
    else:
        try:
            found = os.stat(path)
        except OSError as error:
            raise InvalidArgument(
                f"{path} is not there, which this VRT shows; make the VRT again, or name in {ROOT} the folder to which its path belongs"
            ) from error
        state = found.st_mtime_ns, found.st_size
    how: dict[str, Any] = {key: words[key] for key in ("reconstruct", "speckle") if key in words}
    key = path, state, words.get("digest", ""), *how.values()
    with _lock:
        if key not in _scenes:
            _scenes[key] = _opened(path, words.get("digest", ""), how)
        _scenes.move_to_end(key)
        while len(_scenes) > SCENES_KEPT:
            _scenes.popitem(last=False)  # closed when nobody reads it any more
        return _scenes[key]


def _opened(path: str, digest: str, how: dict[str, Any]) -> Scene:
    file = FileReader(path)
    if digest and file.head_digest.hex() != digest:
        file.close()
        raise FormatError(f"{path} is another file than the one that this VRT was made of; make the VRT again")
    return Scene(file, memory=SCENE_BYTES, **how)


def located(path: str) -> str:
    """The path in a VRT as this process finds it: absolute ones and addresses as they are, relative ones from ROOT on."""
    return path if address_of(path) else str(Path(os.environ.get(ROOT, ""), path).absolute())
