"""An output: one file, with side files if it has any, that appears whole under its name or not at all.

In: a name as the user gave it, and the inputs it must not destroy. Out: a private folder to write in, and `publish`.
Knows nothing of what is written.
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from sarcodec.errors import InvalidArgument, OutputExists, SarcodecError
from sarcodec.storage.forms import GEOTIFF, require_form
from sarcodec.storage.names import STANDARD, Input, final_path, is_open_as, kind_of, same_as
from sarcodec.storage.objects import is_object, public
from sarcodec.storage.refusals import is_utf8, readable_size, shown, writing
from sarcodec.storage.standard import standard_output, temporary_workspace
from sarcodec.storage.workspace import Workspace

_COPY_BYTES = 1 << 20
_LONGEST_ENDING = 16  # of a temporary name, in bytes; drivers look at the ending, nobody needs a longer one


class Output:
    """Use in a `with`: write `part`, then `publish`. Without it nothing appears, and nothing is left either way.

    target: a name, whose links are followed (the file behind is written, the link stays), or '-' for standard output.
    inputs: what the verb reads; none of them may be the output. sidecars: endings of all the side files that may be written
    or removed with it ('.aux.xml'), so that they are looked at before the work. form: what will be written, of
    `storage.forms`, which the name must not deny. Raises OutputExists where the target or a
    side file is there and `overwrite` is not set; InvalidArgument where nothing can be written under this name or an input
    would be destroyed; SarcodecError where the disk refuses.

    path: the final name (None for standard output); folder: private, on the same file system, for temporary files;
    part: the file to write in it; name: the target for messages.
    """

    def __init__(
        self,
        target: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        inputs: Iterable[Input] = (),
        sidecars: Iterable[str] = (),
        form: str | None = None,
    ) -> None:
        given = _name(target)
        if is_object(given):
            raise InvalidArgument(
                f"{public(given)} is in a bucket, where only compressed files are put (compress, archive); name a file of this machine"
            )
        self._given, self.is_stdout = given, given == STANDARD
        self.name = "standard output" if self.is_stdout else shown(given)
        self.path: Path | None = None if self.is_stdout else final_path(given)
        self._overwrite, self._inputs = overwrite, tuple(inputs)
        if form and self.path is not None:
            _refuse_inputs(self.path, self._inputs)  # Of several things that are wrong, the worst is said.
            self.require_form(form)
        self.check(sidecars)
        self._workspace = temporary_workspace() if self.path is None else _beside(self.path, self.name)
        self.folder = self._workspace.folder
        self.part = self.folder / f"part{_ending(self.path)}"

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary files. What was published stays."""
        self._workspace.close()

    def check(self, sidecars: Iterable[str] = ()) -> None:
        """Whether `publish` would be refused now, with side files of these endings. Raises InvalidArgument, OutputExists."""
        if self.path is None:
            self._check_stdout()
            return
        for path in (self.path, *_possible(self.path, sidecars)):
            _refuse_inputs(path, self._inputs)
            _check_replaceable(path, self._overwrite)

    def require_form(self, form: str) -> None:
        """Raises InvalidArgument where the target is called as a file of another form than `form` (of `storage.forms`)."""
        if self.path is None:
            return
        require_form(self._given, form)
        require_form(self.path.name, form)
        if form == GEOTIFF and not is_utf8(str(self.path.parent)):
            raise InvalidArgument(
                f"cannot write {self.name}: GDAL opens only names in UTF-8, and that of the folder is not; take another "
                "folder, or send it to standard output ('-')"
            )

    def require_space(self, size: int) -> None:
        """Raises SarcodecError where the file system has less than `size` bytes left."""
        require_space(self.folder.parent, size, self.name)

    def write(self, data: bytes | str) -> None:
        """The whole file at once, and publish it. Raises as `publish`."""
        with writing(self.name), open(self.part, "wb") as file:
            file.write(data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data)
        self.publish()

    def publish(self, sidecars: Mapping[str, Path] = {}, stale: Iterable[str] = ()) -> None:
        """Put `part` under its name, after its side files.

        sidecars: ending that is appended to the target's name -> a file in `folder`; stale: endings of side files of an
        older output that must go, since they would be taken for those of the new one. On standard output only `part` is
        written. Raises InvalidArgument, OutputExists, SarcodecError, BrokenPipeError; then everything is as before.
        """
        if self.path is None:
            with writing(self.name):
                _copy_out(self.part)
            return
        self.check((*sidecars, *stale))
        self._require_short(self.path, sidecars)
        with writing(self.name):
            for file in (*sidecars.values(), self.part):
                _sync_file(file)
            new = [(file, _side_file(self.path, ending)) for ending, file in sidecars.items()]
            self._place(self.path, new, _possible(self.path, (*sidecars, *stale)))
            _sync_folder(self.path.parent)
        self.close()

    def _place(self, path: Path, sidecars: list[tuple[Path, Path]], gone: Iterable[Path]) -> None:
        """Rename; the old side files wait in the private folder until the main file is there."""
        moves = [(old, self.folder / f"old-{number}") for number, old in enumerate(gone) if os.path.lexists(old)]
        done: list[tuple[Path, Path]] = []
        try:
            for source, target in (*moves, *sidecars, (self.part, path)):
                os.replace(source, target)
                done.append((source, target))
        except BaseException:
            for source, target in reversed(done):
                os.replace(target, source)
            raise

    def _require_short(self, path: Path, endings: Iterable[str]) -> None:
        for needed in (_side_file(path, ending) for ending in endings):
            if _is_too_long(needed):
                raise InvalidArgument(
                    f"{self.name} needs the side file {shown(needed.name)}, a name that is too long here; take a shorter name"
                )

    def _check_stdout(self) -> None:
        stream = standard_output()
        try:
            same = is_open_as(os.fstat(stream.fileno()), self._inputs)
        except (OSError, ValueError):
            return  # A stream without a file.
        if same:
            raise InvalidArgument(
                f"standard output goes to the input {same}, which would be lost; send it to another file"
            )


def require_space(folder: Path, size: int, what: str) -> None:
    """Raises SarcodecError where the file system of `folder` has less than `size` bytes left for `what`."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # Unknown: writing will tell.
    if free < size:
        raise SarcodecError(
            f"cannot write {what}: it takes at least {readable_size(size)}, and {shown(folder)} has {readable_size(free)} "
            "left, the disk is full; free space or take another disk"
        )


def require_different(**targets: str | os.PathLike[str] | None) -> None:
    """Raises InvalidArgument where two outputs of one verb are one file. targets: what each is, and its name or None."""
    given = {what: _name(name) for what, name in targets.items() if name is not None}
    paths = {what: STANDARD if name == STANDARD else final_path(name) for what, name in given.items()}
    for first, second in itertools.combinations(paths, 2):
        one, other = paths[first], paths[second]
        if one == other or (isinstance(one, Path) and isinstance(other, Path) and same_as(one, [other])):
            raise InvalidArgument(
                f"{first} and {second} would both be written to {shown(given[second])}; choose two names"
            )


def _name(target: object) -> str:
    try:
        return os.fsdecode(target)  # type: ignore[arg-type]  # anything that a caller may give; tried here
    except TypeError as error:
        raise InvalidArgument(
            f"the output is {target!r}; expected the name of a file, or '-' for standard output"
        ) from error


def _side_file(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _possible(path: Path, endings: Iterable[str]) -> list[Path]:
    """Side files that can be there: a name at its greatest length has none."""
    files = (_side_file(path, ending) for ending in dict.fromkeys(endings))
    return [file for file in files if not _is_too_long(file)]


def _beside(path: Path, name: str) -> Workspace:
    """A private folder in that of the target; name: the target for messages."""
    try:
        return Workspace(path.parent)
    except PermissionError as error:
        raise _unwritable(name, path.parent, error) from error
    except OSError as error:
        if error.strerror and "read-only" in error.strerror.lower():
            raise _unwritable(name, path.parent, error) from error
        with writing(name):
            raise


def _refuse_inputs(path: Path, inputs: Iterable[Input]) -> None:
    same = same_as(path, inputs)
    if same:
        raise InvalidArgument(
            f"the output {shown(path)} is the same file as the input {same}, which would be lost; "
            "take another name for the output"
        )


def _unwritable(name: str, folder: Path, error: OSError) -> InvalidArgument:
    return InvalidArgument(
        f"cannot write {name}: the folder {shown(folder)} cannot be written ({error.strerror}); take another folder"
    )


def _check_replaceable(path: Path, overwrite: bool) -> None:
    """Raises OutputExists, InvalidArgument."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InvalidArgument(f"cannot write {shown(path)}: {error.strerror}; take another name") from error
    kind = kind_of(found)
    if kind:
        raise InvalidArgument(f"{shown(path)} is {kind}; it would have to give way to a file, take another name")
    if not overwrite:
        raise OutputExists(f"{shown(path)} is already there; ask for overwriting (--overwrite) or take another name")
    if not stat.S_ISLNK(found.st_mode) and not os.access(path, os.W_OK):
        raise InvalidArgument(f"{shown(path)} is protected against writing; take another name, or lift the protection")


def _is_too_long(path: Path) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    return False


def _ending(path: Path | None) -> str:
    ending = path.suffix if path else ""
    return ending if ending.isascii() and len(ending) <= _LONGEST_ENDING else ""


def _copy_out(part: Path) -> None:
    stream = standard_output()
    with open(part, "rb") as file:
        shutil.copyfileobj(file, stream, _COPY_BYTES)
    stream.flush()


def _sync_file(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where folders can be opened for that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
