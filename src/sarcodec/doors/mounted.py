"""A folder of compressed files as a mounted folder of GeoTIFFs, for programs that open nothing but files (SNAP, and other closed readers).

In: a folder; out: a file system of FUSE, read-only. NAME.tif is NAME.sarc, decoded as its bytes are read; its side files lie beside it. A damaged file
gives an error of reading (EIO), never bytes.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mfusepy as fuse

from sarcodec.doors.server import Folder, Limits
from sarcodec.doors.virtual_geotiff import MASK_FILE, SIDE_FILE, VirtualGeotiff
from sarcodec.errors import InvalidArgument, SarcodecError

_FOLDER, _FILE = stat.S_IFDIR | 0o555, stat.S_IFREG | 0o444
_ENDING = ".tif"
_LOOP_ENDED = 8  # what fuse_main of libfuse 3 returns where a signal ended its loop, of a folder that was mounted
log = logging.getLogger("sarcodec.mount")


class MountedFolder(fuse.Operations):
    """What FUSE asks of a file system. Safe for threads. Raises fuse.FuseOSError, with the errno that the system gives on."""

    use_ns = True  # times are in nanoseconds

    def __init__(
        self, root: str | os.PathLike[str], limits: Limits = Limits(), ready: Callable[[], None] | None = None
    ) -> None:
        self._folder, self._root = Folder(root, limits), Path(root).resolve(strict=True)
        self._ready = ready
        self._sizes: dict[tuple[str, int, int], dict[str, int]] = {}
        self._lock = threading.Lock()

    def init(self, path: str) -> None:
        """FUSE calls it once the folder is mounted."""
        if self._ready is not None:
            self._ready()

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        """Size and kind; the time is that of the compressed file."""
        name, kind = _split(path)
        source = self._source(name)
        if source is None:
            folder = self._root.joinpath(*name.split("/")) if name else self._root
            if kind or not self._shown(folder):
                raise fuse.FuseOSError(errno.ENOENT)
            return self._said(_FOLDER, 0, os.stat(folder)) | {"st_nlink": 2}
        found = os.stat(source)
        sizes = self._sized(name, found)
        if kind not in sizes:
            raise fuse.FuseOSError(errno.ENOENT)
        return self._said(_FILE, sizes[kind], found) | {"st_nlink": 1}

    def readdir(self, path: str, fh: int) -> Iterator[str]:
        """Folders, and GeoTIFFs with their side files: GDAL looks for those in the list."""
        folder = self._root.joinpath(*path.strip("/").split("/")) if path.strip("/") else self._root
        if not self._shown(folder):
            raise fuse.FuseOSError(errno.ENOENT)
        names = {".", ".."}
        for name in self._folder.names():
            parts = Path(name).relative_to(folder.relative_to(self._root)).parts if self._below(name, folder) else ()
            names |= set(parts[:1])
            if len(parts) == 1:
                names |= {parts[0] + kind for kind in self._kinds(name)}
        yield from sorted(names)

    def open(self, path: str, flags: int) -> int:
        """For reading alone."""
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise fuse.FuseOSError(errno.EROFS)
        self.getattr(path)
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Bytes by place."""
        name, kind = _split(path)
        tiff = self._tiff(name, MASK_FILE if kind == MASK_FILE else "")
        if kind == SIDE_FILE:
            return (tiff.side_file or b"")[offset : offset + size]
        try:
            return tiff.read(offset, size)
        except Exception as error:  # whatever it is: the reader has to get an error
            log.error("%s: %s", tiff.name, error or type(error).__name__)
            raise fuse.FuseOSError(errno.EIO) from error

    def _kinds(self, name: str) -> set[str]:
        """Which side files a GeoTIFF has; none where it is damaged, which reading will tell."""
        source = self._source(name)
        try:
            return set(self._sized(name, os.stat(source))) if source else set()
        except OSError:
            return set()

    def _sized(self, name: str, found: os.stat_result) -> dict[str, int]:
        """Bytes of the GeoTIFF ('') and of the side files that it has: kept, as a folder that is listed asks for all."""
        key = name, found.st_mtime_ns, found.st_size
        with self._lock:
            known = self._sizes.get(key)
        if known is None:
            tiff = self._tiff(name, "")
            known = {"": tiff.size}
            if tiff.side_file is not None:
                known[SIDE_FILE] = len(tiff.side_file)
            if tiff.has_mask_file:
                known[MASK_FILE] = self._tiff(name, MASK_FILE).size
            with self._lock:
                self._sizes[key] = known
        return known

    def _tiff(self, name: str, kind: str) -> VirtualGeotiff:
        try:
            tiff = self._folder.find(name, kind)
        except (SarcodecError, OSError) as error:
            log.error("%s: %s", name, error)
            raise fuse.FuseOSError(errno.EIO) from error
        if tiff is None:
            raise fuse.FuseOSError(errno.ENOENT)
        return tiff

    def _source(self, name: str) -> Path | None:
        return self._folder.path(name) if name else None

    def _shown(self, folder: Path) -> bool:
        """Whether it is a folder that is shown: nothing outside the root, and no name with a dot in front."""
        inside = folder.resolve().is_relative_to(self._root) and folder.is_dir()
        return inside and not any(part.startswith(".") for part in folder.relative_to(self._root).parts)

    def _below(self, name: str, folder: Path) -> bool:
        return self._root.joinpath(name).is_relative_to(folder)

    @staticmethod
    def _said(mode: int, size: int, found: os.stat_result) -> dict[str, Any]:
        times = {f"st_{kind}time": getattr(found, f"st_{kind}time_ns") for kind in "amc"}
        return {"st_mode": mode, "st_size": size, "st_uid": os.getuid(), "st_gid": os.getgid(), **times}


def _split(path: str) -> tuple[str, str]:
    """The name of a GeoTIFF or folder, and which of its side files is meant; '' for itself."""
    name = path.strip("/")
    kind = next((kind for kind in (SIDE_FILE, MASK_FILE) if name.endswith(_ENDING + kind)), "")
    return name.removesuffix(kind) if kind else name, kind


def mount(
    root: str | os.PathLike[str],
    where: str | os.PathLike[str],
    limits: Limits = Limits(),
    ready: Callable[[], None] | None = None,
) -> None:
    """Show the compressed files of a folder as GeoTIFFs at `where`, an empty folder, until it is unmounted or the process is told to end.

    `ready` is called once they are there. Raises InvalidArgument where one of them is no folder, or the system does not mount; KeyboardInterrupt where
    a signal ended it (libfuse has its own handlers, and does not say which).
    """
    for name in (root, where):
        if not os.path.isdir(name):
            raise InvalidArgument(
                f"{os.fspath(name)} is no folder; expected one with compressed files, and an empty one to mount it at"
            )
    if os.listdir(where):
        raise InvalidArgument(f"{os.fspath(where)} is not empty; mount at an empty folder")
    if Path(where).resolve().is_relative_to(Path(root).resolve()):
        raise InvalidArgument(f"{os.fspath(where)} lies in {os.fspath(root)}; mount at a folder elsewhere")
    try:
        fuse.FUSE(MountedFolder(root, limits, ready), os.fspath(where), foreground=True, ro=True, fsname="sarcodec")
    except (RuntimeError, OSError) as error:
        if error.args == (_LOOP_ENDED,):
            raise KeyboardInterrupt from error
        raise InvalidArgument(
            f"cannot mount at {os.fspath(where)}: {error}; FUSE has to be installed (Debian: fuse3), and /dev/fuse has to be there for this user"
        ) from error
