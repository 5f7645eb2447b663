"""Inputs in buckets as files of this machine: an object, or a product's folder of them. In: a name; out: itself, or a path while the block runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec.storage.objects import Object, fetch, is_object, listed, public
from sarcodec.storage.output import require_space
from sarcodec.storage.refusals import writing
from sarcodec.storage.standard import temporary_workspace
from sarcodec.storage.workspace import Workspace

_MANIFEST = "manifest.safe"


def product_prefix(address: str) -> str | None:
    """The address of all objects of a product: NAME.SAFE, or its manifest's; None for an address that means one object."""
    bare = address.rstrip("/").removesuffix(f"/{_MANIFEST}")
    return bare if bare.lower().endswith(".safe") else None


@contextmanager
def fetched(source: str | os.PathLike[str], beside: Path | None = None) -> Iterator[str | os.PathLike[str]]:
    """`source` itself; for an address in a bucket a temporary copy of the object, or of all of a product's, with its name.

    beside: the folder in which it lies, None for the system's temporary one. Errors that come from inside name the address. Raises InvalidArgument where there is no such object,
    CorruptFile where it is replaced meanwhile, Unreachable, SarcodecError where the disk is full.
    """
    if not is_object(source):
        yield source
        return
    address = os.fspath(source)
    workspace, prefix = Workspace(beside) if beside else temporary_workspace(), product_prefix(address)
    try:
        copy = workspace.folder / "fetched" / (prefix or address).rstrip("/").rpartition("/")[2]
        copy.parent.mkdir()
        if prefix is None:
            fetch(address, copy)
        else:
            _fetch_folder(prefix, copy)
        yield copy
    except SarcodecError as error:
        error.args = tuple(str(arg).replace(str(copy), public(prefix or address)) for arg in error.args)
        raise
    finally:
        workspace.close()


def _fetch_folder(prefix: str, copy: Path) -> None:
    objects = _without_folders(list(listed(prefix)))
    if not objects:
        raise InvalidArgument(f"{public(prefix)} is not there; check the address")
    require_space(copy.parent, sum(one.size for one in objects), f"{public(prefix)}, fetched,")
    for one in objects:
        parts = one.address[len(prefix) :].strip("/").split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise InvalidArgument(f"{public(one.address)} leads out of its product; fetch the product in another way")
        target = copy.joinpath(*parts)
        with writing(f"{public(prefix)}, fetched"):
            target.parent.mkdir(parents=True, exist_ok=True)
        fetch(one.address, target)


def _without_folders(objects: list[Object]) -> list[Object]:
    """Without the empty objects by which consoles and mounted buckets mark folders. Their names come without the '/' at their end, so that only what lies below tells them."""
    names = [one.address.split("/") for one in objects]
    folders = {"/".join(parts[:count]) for parts in names for count in range(3, len(parts))}
    return [one for one in objects if one.size or one.address not in folders]
