"""Which scenes there are, and what the output of each is called. In: a folder, or a text file that lists names; out: Scenes, one by one.

Names wait in a temporary database, so that memory stays small however many there are. Reads no scene.
"""

from __future__ import annotations

import os
import re
import sqlite3
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from sarcodec.errors import InvalidArgument
from sarcodec.products.files import is_product
from sarcodec.products.layout import MANIFEST
from sarcodec.storage.fetched import product_prefix
from sarcodec.storage.objects import address_of, is_object, listed, public
from sarcodec.storage.refusals import shown, unreadable

ENDINGS = (".tif", ".tiff")
PRODUCT_ENDINGS = (".safe.zip", ".safe", ".zip")
_PRODUCT_ZIP = re.compile(r"S1[A-Z]_.*\.zip|.*\.safe\.zip", re.IGNORECASE)
_PAGE = 1000
_PRIVATE = ".sarcodec-"  # folders of outputs that are being written


@dataclass(frozen=True)
class Shard:
    """The `number`-th (from 1) of `count` parts of the scenes. Which part a scene falls to depends on its name alone."""

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise InvalidArgument(
                f"the shard is {self.number}/{self.count}; expected I/N with I from 1 to N, such as 3/100"
            )

    def has(self, output: str) -> bool:
        """Whether the scene with this output belongs to it."""
        return zlib.crc32(os.fsencode(output)) % self.count == self.number - 1

    @property
    def suffix(self) -> str:
        """What tells its files from those of the others; '' for all scenes."""
        return "" if self.count == 1 else f"-{self.number}-of-{self.count}"


@dataclass(frozen=True)
class Scene:
    """source: absolute name, or address, of what is compressed; output: name of the file that is made, relative to the archive, with slashes; state: bytes and time of
    the last change of a source in a bucket, as it was listed."""

    source: str
    output: str
    state: tuple[int, int] | None = None


def output_of(name: str) -> str:
    """a/b.tif becomes a/b.sarc, and so do a/b.SAFE, its manifest, and a/b.zip. Of names that begin at a root or above the folder, what is above is left out, as tar does."""
    parts = [part for part in os.path.normpath(name).replace(os.sep, "/").split("/") if part not in ("", "..")]
    path = PurePosixPath(*parts)
    path = path.parent if path.name == MANIFEST and path.parent.name else path
    return str(path.with_name(path.name[: len(path.name) - len(ending_of(path.name))] + ".sarc"))


def ending_of(name: str) -> str:
    """Of a scene or product, as it is written; '' for others."""
    found = next((one for one in (*PRODUCT_ENDINGS, *ENDINGS) if name.lower().endswith(one)), "")
    return name[len(name) - len(found) :] if len(found) < len(name) else ""


def stored(name: str) -> str | bytes:
    """As SQLite takes it: names that are no text stay bytes; `os.fsdecode` is the way back."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return name


def no_scene(source: str | os.PathLike[str]) -> InvalidArgument:
    """What to say of a source without any."""
    return InvalidArgument(
        f"{public(os.fsdecode(source))} holds no scene; expected a folder with {', '.join(ENDINGS)} or products (.SAFE, .zip) in it, or a text file with one name a line"
    )


class Listing:
    """All scenes of a source, or those of a shard, in the order of their outputs; may be walked several times.

    may_be_empty: a source without any scene is none to raise for. Raises InvalidArgument for a source that is not there, one without any scene, two scenes that
    would share an output, and one whose output would have the name of a folder around another's: a.tif beside a.sarc/b.tif.
    """

    def __init__(self, source: str | os.PathLike[str], shard: Shard = Shard(), may_be_empty: bool = False) -> None:
        self._names = sqlite3.connect("")  # temporary, in a file once it is large
        self._names.execute("CREATE TABLE names(output PRIMARY KEY, source NOT NULL, size, modified) WITHOUT ROWID")
        found, folders = 0, set[str]()
        for scene in _scenes(os.fsdecode(source)):
            found += 1
            folders.update(_folders_like_outputs(scene.output))
            if shard.has(scene.output):
                self._add(scene)
        if folders:  # in whatever shard both are
            _check_folders(_scenes(os.fsdecode(source)), folders)
        self.is_empty = not found  # of all scenes, not of a shard's
        if self.is_empty and not may_be_empty:
            raise no_scene(source)
        self.count: int = self._names.execute("SELECT count(*) FROM names").fetchone()[0]

    def __iter__(self) -> Iterator[Scene]:
        page = self._names.execute("SELECT * FROM names ORDER BY output LIMIT ?", (_PAGE,)).fetchall()
        while page:
            for output, source, size, modified in page:
                yield Scene(os.fsdecode(source), os.fsdecode(output), None if size is None else (size, modified))
            after = "SELECT * FROM names WHERE output > ? ORDER BY output LIMIT ?"
            page = self._names.execute(after, (page[-1][0], _PAGE)).fetchall()

    def _add(self, scene: Scene) -> None:
        key, name = stored(scene.output), stored(scene.source)
        try:
            self._names.execute("INSERT INTO names VALUES (?, ?, ?, ?)", (key, name, *(scene.state or (None, None))))
        except sqlite3.IntegrityError:
            other = self._names.execute("SELECT source FROM names WHERE output = ?", (key,)).fetchone()[0]
            if other != name:
                raise InvalidArgument(
                    f"{shown(os.fsdecode(other))} and {shown(scene.source)} would both become {shown(scene.output)}; rename one of them"
                ) from None
            if scene.state:  # one more object of a product
                words = "UPDATE names SET size = size + ?, modified = max(modified, ?) WHERE output = ?"
                self._names.execute(words, (*scene.state, key))


def _folders_like_outputs(output: str) -> list[str]:
    """Folders around an output that are called as outputs are: hardly ever any."""
    if ".sarc/" not in output:
        return []
    return [str(folder) for folder in PurePosixPath(output).parents if folder.suffix == ".sarc"]


def _check_folders(scenes: Iterator[Scene], folders: set[str]) -> None:
    for scene in scenes:
        if scene.output in folders:
            raise InvalidArgument(
                f"{shown(scene.source)} would become {shown(scene.output)}, which is also the name of a folder with scenes in it; rename one of them"
            )


def _scenes(source: str) -> Iterator[Scene]:
    if is_object(source):
        return _in_bucket(source)
    if is_product(source):
        path = os.path.abspath(source)
        return iter([Scene(path, output_of(path).rpartition("/")[2])])
    if os.path.isdir(source):
        top = os.path.abspath(source)
        return (Scene(path, output_of(os.path.relpath(path, top))) for path in _walk(top))
    return _listed(source)


def entries_of(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder, by name. One that cannot be read is an error: nothing is left out unsaid."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise unreadable(error, folder) from error


def _walk(folder: str) -> Iterator[str]:
    """All scenes and products below, links to folders not followed."""
    for entry in entries_of(folder):
        if entry.name.startswith(_PRIVATE):
            continue
        if entry.is_dir():
            if entry.name.lower().endswith(".safe") or os.path.isfile(os.path.join(entry.path, MANIFEST)):
                yield entry.path
            elif not entry.is_symlink():
                yield from _walk(entry.path)
        elif os.path.splitext(entry.name)[1].lower() in ENDINGS or _is_packed_product(entry):
            yield entry.path


def _is_packed_product(entry: os.DirEntry[str]) -> bool:
    """By its name, so that a damaged one is told; or by what is in it."""
    return entry.name.lower().endswith(".zip") and bool(_PRODUCT_ZIP.fullmatch(entry.name) or is_product(entry.path))


def _in_bucket(address: str) -> Iterator[Scene]:
    """Objects that are scenes, and those of products, each with its product."""
    top = address.rstrip("/")
    for one in listed(top):
        name = one.address[len(top) + 1 :]
        folders, _, last = name.rpartition("/")
        inside = next((n for n, part in enumerate(folders.split("/")) if part.lower().endswith(".safe")), None)
        state = (one.size, one.modified_ns)
        if inside is not None:
            name = "/".join(folders.split("/")[: inside + 1])
            yield Scene(f"{top}/{name}", output_of(name), state)
        elif product_prefix(top):
            yield Scene(top, output_of(top.rpartition("/")[2]), state)
        elif os.path.splitext(last)[1].lower() in ENDINGS or _PRODUCT_ZIP.fullmatch(last):
            yield Scene(one.address, output_of(name), state)


def _listed(source: str) -> Iterator[Scene]:
    """One name a line; empty lines are left out, and so is the mark that Windows puts before UTF-8."""
    try:
        with open(source, "rb") as lines:
            for number, line in enumerate(lines):
                name = os.fsdecode((line if number else line.removeprefix(BOM_UTF8)).rstrip(b"\r\n"))
                if "\0" in name:
                    raise InvalidArgument(
                        f"{shown(source)} is no text; expected a folder, or a text file with one name a line"
                    )
                if name.strip():
                    yield _named(name, f"line {number + 1} of {shown(source)}")
    except OSError as error:
        raise unreadable(error, source) from error


def _named(name: str, line: str) -> Scene:
    """A scene of a list. line: which, for messages. Raises InvalidArgument for a name that could never be a scene's."""
    address = address_of(name) or name
    if is_object(address):
        return Scene(address, output_of(address.partition("://")[2]))
    if address_of(name) or name.startswith("/vsi"):
        raise InvalidArgument(
            f"{line} names {public(name)}; expected a file of this machine, or an object in a bucket (s3://, gs://, az://). Download it first"
        )
    if not set(os.path.normpath(name).split(os.sep)) - {"", ".", ".."}:
        raise InvalidArgument(
            f"{line} names {shown(name)}, a folder; expected a scene. Give the folder instead of a list"
        )
    return Scene(os.path.abspath(name), output_of(name))
