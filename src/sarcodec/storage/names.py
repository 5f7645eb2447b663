"""Names of files: which file a name means behind its links, and whether two names mean the same one.

In: names as users give them. Out: final paths, or the error that says why nothing can be written there.
"""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from sarcodec.errors import InvalidArgument
from sarcodec.storage.refusals import shown

Input = str | os.PathLike[str] | bytes | BinaryIO
"""What a verb reads: a name, the bytes themselves (which are no file), or an open file."""

STANDARD = "-"
_STREAMS = re.compile(r"/dev/(stdin|stdout|stderr)|/dev/fd/.*|/proc/.*")
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISSOCK, "a socket"),
)
_MOST_LINKS = 40
_LONGEST_NAME = 4096  # GDAL also takes the text of a whole file as a name


def final_path(name: str) -> Path:
    """The absolute path that will be written for `name`: links are followed, also one whose target is still missing.

    Raises InvalidArgument for a name that means a folder, pipe, device or stream, or that cannot be a file here.
    """
    if not name or name.endswith(_separators()):
        raise InvalidArgument(f"the output is {shown(name)!r}; expected the name of a file, not of a folder")
    try:
        path = _behind_links(Path(name))
        found = _stat(path)
    except (OSError, ValueError) as error:
        raise _senseless(name, error) from error
    if found is not None:
        _require_file(name, found)
    elif not path.parent.is_dir():
        said = "" if not os.path.islink(name) else f"{shown(name)} is a link into it; "
        raise InvalidArgument(f"the folder {shown(path.parent)} does not exist; {said}make it first")
    return path


def kind_of(found: os.stat_result) -> str | None:
    """What is no ordinary file, in words; None for a file."""
    return next((words for test, words in _KINDS if test(found.st_mode)), None)


def same_as(path: Path, inputs: Iterable[Input]) -> str | None:
    """The first of `inputs` that is the file at `path` under whatever name, as it is shown; or None."""
    here = _stat(path)
    for one in inputs:
        for name, found in _files(one):
            if _same(path, here, name, found):
                return "standard input" if name == STANDARD else shown(name)
    return None


def is_open_as(found: os.stat_result, inputs: Iterable[Input]) -> str | None:
    """The first of `inputs` that is the open file `found` tells of, as it is shown; or None."""
    for one in inputs:
        for name, other in _files(one):
            if other is not None and stat.S_ISREG(found.st_mode) and os.path.samestat(found, other):
                return shown(name)
    return None


def _separators() -> tuple[str, ...]:
    return tuple(filter(None, (os.sep, os.altsep)))


def _behind_links(path: Path) -> Path:
    """Link by link, because each may name a stream of this process, which must not be taken for a file."""
    for _ in range(_MOST_LINKS):
        if os.name == "posix" and _STREAMS.fullmatch(os.path.abspath(path)):
            raise InvalidArgument(f"{shown(path)} is a stream of the process, no file; '-' is standard output")
        path = Path(os.path.realpath(path.parent)) / path.name
        if path.name in ("", "..") or not path.is_symlink():
            return path
        path = path.parent / os.readlink(path)
    raise InvalidArgument(f"{shown(path)} is a link that leads in a circle; take another name")


def _stat(path: str | os.PathLike[str]) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _require_file(name: str, found: os.stat_result) -> None:
    kind = kind_of(found)
    if kind == "a folder":
        raise InvalidArgument(f"{shown(name)} is a folder; expected the name of a file in it")
    if kind:
        raise InvalidArgument(
            f"{shown(name)} is {kind}; a file appears whole or not at all, and can appear only as an ordinary file. "
            "'-' is standard output"
        )


def _senseless(name: str, error: OSError | ValueError) -> InvalidArgument:
    if isinstance(error, InvalidArgument):
        return error
    if isinstance(error, NotADirectoryError):
        return InvalidArgument(f"cannot write {shown(name)}: a part of its folder is a file; take another name")
    reason = error.strerror if isinstance(error, OSError) else error
    return InvalidArgument(f"cannot write {shown(name)[:80]}: {reason}; take another name")


def _files(one: Input) -> Iterator[tuple[str, os.stat_result | None]]:
    """The files an input is read from, as far as its name tells."""
    if isinstance(one, (bytes, bytearray, memoryview)):
        return
    try:
        if hasattr(one, "read"):
            if hasattr(one, "fileno"):
                yield str(getattr(one, "name", "the input")), os.fstat(one.fileno())
            return
        name = os.fsdecode(one)
        if name == STANDARD:
            yield name, os.fstat(0)
            return
        for candidate in _parts(name):
            yield candidate, _stat(candidate)
    except (OSError, ValueError, TypeError):
        return  # Not a file that could be overwritten; what is wrong with it, reading it will say.


def _parts(name: str) -> Iterator[str]:
    """`name`, or the files inside names as GDAL takes them: GTIFF_DIR:2:a.tif, NETCDF:"a.nc":vv, vrt://a.tif?bands=1,
    /vsizip/a.zip/b.tif, /vsisubfile/8_99,a.tif."""
    if os.path.lexists(name):
        yield name
    elif len(name) <= _LONGEST_NAME:
        yield from filter(os.path.isfile, _behind_prefixes(name))
        yield from filter(os.path.isfile, _between_colons(name))


def _behind_prefixes(name: str) -> Iterator[str]:
    """What may be a file behind /vsizip/ and its like: any beginning of the path."""
    for prefix in re.findall(r"/vsi[a-z0-9_]+/", name):
        inside = re.sub("[{}]", "", name[name.index(prefix) + len(prefix) :])
        inside = inside.partition(",")[2] if prefix == "/vsisubfile/" else inside
        yield from (inside, *map(str, Path(inside).parents))


def _between_colons(name: str) -> Iterator[str]:
    """What may be a file behind the name of a driver: any run of pieces, also without the slashes and the query of a vrt://."""
    pieces = name.split(":")
    for begin, end in itertools.combinations_with_replacement(range(1, len(pieces)), 2):
        piece = ":".join(pieces[begin : end + 1]).strip('"')
        yield from (piece, re.sub(r"^//|\?.*$", "", piece, flags=re.DOTALL))


def _same(path: Path, here: os.stat_result | None, name: str, found: os.stat_result | None) -> bool:
    if here is not None and found is not None and here.st_ino:  # Some network file systems number no file.
        return stat.S_ISREG(found.st_mode) and os.path.samestat(here, found)
    return name != STANDARD and os.path.realpath(name) == os.path.realpath(path)
