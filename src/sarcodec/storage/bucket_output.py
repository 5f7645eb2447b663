"""An output that is an object in a bucket: a file of this machine until it is whole, then put. With the methods of Output that writers use."""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import TracebackType

from sarcodec.errors import InvalidArgument, OutputExists
from sarcodec.storage.forms import require_form
from sarcodec.storage.names import Input
from sarcodec.storage.objects import found, is_object, public, put
from sarcodec.storage.output import Output, require_space
from sarcodec.storage.standard import temporary_workspace


class BucketOutput:
    """Use in a `with`: write `part`, then `publish`. Without it nothing appears, and nothing is left either way.

    Arguments and errors as Output has them, and Unreachable where the service does not answer. folder, part: among the system's temporary files.
    """

    def __init__(
        self, target: str, *, overwrite: bool = False, inputs: Iterable[Input] = (), form: str | None = None
    ) -> None:
        self._address, self._overwrite, self.name = target, overwrite, public(target)
        if target.endswith("/") or target.count("/") < 3:
            raise InvalidArgument(
                f"the output {self.name} is a bucket or a folder in it; expected the name of an object"
            )
        if form:
            require_form(target, form)
        if any(isinstance(one, (str, os.PathLike)) and os.fspath(one) == target for one in inputs):
            raise InvalidArgument(f"the output {self.name} is the input, which would be lost; take another name")
        if not overwrite and found(target):
            raise OutputExists(f"{self.name} is already there; ask for overwriting (--overwrite) or take another name")
        self._workspace = temporary_workspace()
        self.folder = self._workspace.folder
        self.part = self.folder / "part.sarc"

    def __enter__(self) -> BucketOutput:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary files. What was put stays."""
        self._workspace.close()

    def require_space(self, size: int) -> None:
        """Raises SarcodecError where the temporary files' disk has less than `size` bytes left."""
        require_space(self.folder.parent, size, self.name)

    def publish(self) -> None:
        """Put `part` into the bucket: whole, or not at all. Raises OutputExists, InvalidArgument, Unreachable."""
        put(self.part, self._address, self._overwrite)
        self.close()


def output_to(
    target: str | os.PathLike[str], *, overwrite: bool = False, inputs: Iterable[Input] = (), form: str | None = None
) -> Output | BucketOutput:
    """An object in a bucket for the address of one, else a file or standard output."""
    if is_object(target):
        return BucketOutput(os.fsdecode(target), overwrite=overwrite, inputs=inputs, form=form)
    return Output(target, overwrite=overwrite, inputs=inputs, form=form)


def check_output(
    target: str | os.PathLike[str], *, overwrite: bool = False, inputs: Iterable[Input] = (), form: str | None = None
) -> None:
    """Whether an Output would be refused, for those who have work to do before they make it. Raises as Output."""
    output_to(target, overwrite=overwrite, inputs=inputs, form=form).close()
