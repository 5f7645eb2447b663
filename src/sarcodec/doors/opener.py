"""rasterio opens compressed files as the GeoTIFFs that they stand for: an opener for `rasterio.open(path, opener=...)`, and `open`.

In: paths as rasterio gives them; out: file objects over virtual GeoTIFFs and their side files. Errors of damaged files cannot pass
through GDAL: they go to the logger `sarcodec.rasterio`, and GDAL says that it cannot read.
"""

from __future__ import annotations

import io
import logging
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rasterio
from rasterio.abc import FileContainer

from sarcodec.api.memory import DEFAULT_MEMORY
from sarcodec.doors.virtual_geotiff import MASK_FILE, SIDE_FILE, VirtualGeotiff
from sarcodec.errors import InvalidArgument, SarcodecError

if TYPE_CHECKING:
    from sarcodec.api.choices import Reconstruct, Speckle

FILES_KEPT = 4
"""Files that stay open for the next `open`: GDAL opens one several times, and their decoded tiles are worth keeping."""
log = logging.getLogger("sarcodec.rasterio")


class VirtualFile(io.RawIOBase):
    """A virtual GeoTIFF as a file object, with a place of its own.

    It has no `get_byte_ranges`: of what that returns rasterio does not check the length, and a damaged block would become pixels.
    """

    def __init__(self, tiff: VirtualGeotiff) -> None:
        super().__init__()
        self._tiff, self._place = tiff, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As files do it."""
        self._place = max(0, offset + (0, self._place, self._tiff.size)[whence])
        return self._place

    def tell(self) -> int:
        """Where the next read begins."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Nothing where the compressed file is damaged: GDAL takes that for an error, and no exception passes through it."""
        view = memoryview(buffer).cast("B")
        data = self._read(self._place, len(view))
        view[: len(data)] = data
        self._place += len(data)
        return len(data)

    def _read(self, place: int, size: int) -> bytes:
        try:
            return self._tiff.read(place, size)
        except Exception as error:  # whatever it is: rasterio would print it, and go on
            log.error("%s: %s", self._tiff.name, error or type(error).__name__)
            return b""


class Opener(FileContainer):
    """For `rasterio.open(path, opener=Opener())`, rioxarray's `open_rasterio`, and others that pass it on. Read-only; safe for threads.

    Options are those of sarcodec.open; memory: of each of the FILES_KEPT files that stay open.
    """

    def __init__(
        self, *, reconstruct: Reconstruct = "power", speckle: Speckle = "keep", memory: int = DEFAULT_MEMORY
    ) -> None:
        self._options: dict[str, Any] = {"reconstruct": reconstruct, "speckle": speckle, "memory": memory}
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[str, bool, int, int], VirtualGeotiff] = OrderedDict()

    def open(self, path: str, mode: str = "rb", **unused: Any) -> io.RawIOBase | io.BytesIO:
        """A file object: of the GeoTIFF, or of a side file of it. Raises PermissionError for writing, FileNotFoundError, OSError."""
        if set(mode) & set("wa+x"):
            raise PermissionError(f"{path} is opened for reading only")
        if not self.isfile(path):
            raise FileNotFoundError(f"there is no file {path}")
        kind, source = _of(path)
        if kind == SIDE_FILE:
            return io.BytesIO(self._tiff(source).side_file or b"")
        return VirtualFile(self._tiff(source, kind == MASK_FILE))

    def isfile(self, path: str) -> bool:
        """Whether there is such a file, or such a side file."""
        kind, source = _of(path)
        if not os.path.isfile(source):
            return False
        if not kind:
            return True
        tiff = self._tiff(source)
        return tiff.side_file is not None if kind == SIDE_FILE else tiff.has_mask_file

    def isdir(self, path: str) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(path)

    def ls(self, path: str) -> list[str]:
        """Names within a folder: compressed files and the side files that are theirs."""
        found = sorted(name for name in os.listdir(path) if name.endswith(".sarc"))
        return [name + kind for name in found for kind in ("", SIDE_FILE, MASK_FILE)]

    def mtime(self, path: str) -> int:
        """Of the compressed file, in seconds."""
        return int(os.path.getmtime(_of(path)[1]))

    def size(self, path: str) -> int:
        """Bytes of the virtual file."""
        kind, source = _of(path)
        if kind == SIDE_FILE:
            return len(self._tiff(source).side_file or b"")
        return self._tiff(source, kind == MASK_FILE).size

    def rm(self, path: str) -> None:
        """Refused."""
        raise PermissionError(f"{path} is opened for reading only")

    def _tiff(self, path: str, masks: bool = False) -> VirtualGeotiff:
        """As `ready`. GDAL would not say why one cannot be opened: the log does."""
        try:
            return self.ready(path, masks)
        except SarcodecError as error:
            log.error("%s", error)
            raise OSError(str(error)) from error

    def ready(self, path: str, masks: bool = False) -> VirtualGeotiff:
        """The open file of that path, as it is now on disk. Raises what sarcodec.open raises, FileNotFoundError."""
        found = os.stat(path)  # FileNotFoundError
        key = path, masks, found.st_mtime_ns, found.st_size
        with self._lock:
            tiff = self._files.get(key)
            if tiff is None:
                tiff = self._files[key] = VirtualGeotiff(path, masks=masks, **self._options)
            self._files.move_to_end(key)
            while len(self._files) > FILES_KEPT:
                self._files.popitem(last=False)  # closed when the last file object over it is gone
        return tiff


def _of(path: str) -> tuple[str, str]:
    """Which side file of which compressed file a name means; '' for the GeoTIFF itself."""
    for kind in (SIDE_FILE, MASK_FILE):
        if path.endswith(kind):
            return kind, path.removesuffix(kind)
    return "", path


def open(
    path: str | os.PathLike[str],
    *,
    reconstruct: Reconstruct = "power",
    speckle: Speckle = "keep",
    memory: int = DEFAULT_MEMORY,
    **options: Any,
) -> rasterio.DatasetReader:
    """A compressed file as a rasterio dataset, which holds what the GeoTIFF of `sarcodec decompress` would; decoded when it is read.

    Args:
        path: of the compressed file.
        reconstruct, speckle, memory: as in sarcodec.open.
        options: of rasterio.open. Another thread may read from the dataset, one at a time, and has to leave closing to the one that
            opened it; several at once are safe with sarcodec.open, or with a dataset each.

    Raises what sarcodec.open raises, and FileNotFoundError. Later damage comes as rasterio.errors.RasterioIOError.
    """
    name = os.path.abspath(os.fspath(path))
    if not Path(name).exists():
        raise FileNotFoundError(f"there is no file {name}")
    if options.get("mode", "r") != "r" or "opener" in options:
        raise InvalidArgument(
            "sarcodec.rasterio.open opens for reading, by an opener of its own; leave mode and opener out"
        )
    opener = Opener(reconstruct=reconstruct, speckle=speckle, memory=memory)
    opener.ready(name)  # says what GDAL would not
    dataset: rasterio.DatasetReader = rasterio.open(name, opener=opener, **options)
    dataset.mask_flag_enums  # noqa: B018  # GDAL looks for side files now: in other threads rasterio would not know the opener
    return dataset
