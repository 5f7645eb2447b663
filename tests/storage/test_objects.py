"""Buckets without the package that reads them."""

import sys
from pathlib import Path

import pytest

from sarcodec.errors import InvalidArgument
from sarcodec.storage import objects


@pytest.mark.parametrize(
    "ask",
    [
        lambda address, path: list(objects.listed(address)),
        lambda address, path: objects.found(address),
        lambda address, path: objects.fetch(address, path / "copy"),
        lambda address, path: objects.put(path / "file", address, overwrite=False),
        lambda address, path: objects.remove(address),
    ],
    ids=["listed", "found", "fetch", "put", "remove"],
)
def test_the_extra_is_named(ask, tmp_path: Path, monkeypatch):
    for name in ("obstore", "obstore.store"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "file").write_bytes(b"bytes")
    with pytest.raises(InvalidArgument, match=r"s3://bucket/a.tif.*sarcodec\[remote\]"):
        ask("s3://bucket/a.tif", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
