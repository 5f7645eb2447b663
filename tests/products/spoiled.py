"""Products that are spoiled, and what becomes of them: shared by the tests of refusals."""

import re
import zipfile
from pathlib import Path

import pytest

import sarcodec
from products.test_round_trip import tree
from sarcodec.errors import (
    SarcodecError,
)


def refused(source: Path, kind: type[SarcodecError], words: str, **options) -> str:
    """One sentence or two in one line, and neither output nor leftovers."""
    folder = source.parent
    before = sorted(folder.iterdir())
    with pytest.raises(kind) as found:
        sarcodec.compress(source, folder / "out.sarc", **options)
    assert re.search(words, str(found.value)), str(found.value)
    assert "\n" not in str(found.value)
    assert sorted(folder.iterdir()) == before
    return str(found.value)


def spoil(product: Path, old: str, new: str) -> None:
    """Change what the manifest says."""
    path = product / "manifest.safe"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def vv(product: Path) -> Path:
    return next(product.glob("measurement/*-vv-*"))


def zipped(product: Path, **more: bytes) -> Path:
    """The product as an archive, with more members."""
    path = product.parent / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file, data in tree(product).items():
            archive.writestr(f"{product.name}/{file}", data)
        for name, data in more.items():
            archive.writestr(name, data)
    return path
