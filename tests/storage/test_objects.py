"""Buckets without the package that reads them; and what its errors mean."""

import sys
from pathlib import Path

import pytest

from sarcodec.errors import InvalidArgument, Unreachable
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


class GenericError(Exception):
    """As obstore calls what a listing fails with, whatever it is."""


METADATA = "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 12 s, after 10 retries"


@pytest.mark.parametrize(
    "words, kind, says",
    [
        ("Error performing GET http://x/nobucket in 3 ms - Server returned non-2xx status code: 404 Not Found", InvalidArgument, "is not there; check"),
        ("Error performing GET http://x/bucket - Server returned non-2xx status code: 403 Forbidden: <?xml", InvalidArgument, "credentials that are set"),
        (METADATA, InvalidArgument, "AWS_ACCESS_KEY_ID"),
        (f"{METADATA} - Server returned non-2xx status code: 404 Not Found", InvalidArgument, "AWS_ACCESS_KEY_ID"),
        ('Encountered object with invalid path: Error parsing Path "a/../b.tif"', InvalidArgument, "rename it"),
        ("Error performing GET http://x/b - Server returned non-2xx status code: 503 Slow Down", Unreachable, "try again"),
    ],
)  # fmt: skip
def test_what_a_listing_fails_with(words, kind, says):
    found = objects.refusal(GenericError(words), "s3://bucket/a")
    assert type(found) is kind and says in str(found) and str(found).startswith("s3://bucket/a ")
