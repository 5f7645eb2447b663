"""A file whose attachments make no product is refused when one is asked for, or is a scene with attachments."""

import json

import pytest

import sarcodec
from api.scenes import amplitude, store
from sarcodec.errors import (
    CorruptFile,
    UnsupportedScene,
)
from sarcodec.products.layout import unpack_product

GOOD = {
    "kind": "sentinel-1 safe",
    "name": "S1A_X.SAFE",
    "mission": "S1A",
    "mode": "IW",
    "product_type": "GRD",
    "measurements": [{"path": "measurement/a.tiff", "polarisation": "VV", "checksum_name": "MD5", "checksum": "00"}],
}


def test_an_index_is_read():
    found = unpack_product(json.dumps(GOOD).encode(), 1)
    assert found.name == "S1A_X.SAFE" and found.measurements[0].polarisation == "VV"
    assert unpack_product(json.dumps({**GOOD, "later": 1}).encode(), 1) == found


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../S1A_X.SAFE"},
        {"name": "/S1A_X.SAFE"},
        {"name": "home"},
        {"name": 5},
        {"mode": None},
        {"measurements": []},
        {"measurements": [1]},
        {"measurements": "ab"},
        {"measurements": [{**GOOD["measurements"][0], "path": "measurement/../../a"}]},
        {"measurements": [{**GOOD["measurements"][0], "path": "manifest.safe"}]},
    ],
)
def test_an_index_that_leads_elsewhere_is_damage(change):
    with pytest.raises(CorruptFile, match="safe.json"):
        unpack_product(json.dumps({**GOOD, **change}).encode(), 1)


MANIFEST = b"<a/>"


@pytest.mark.parametrize(
    "attached, words",
    [
        ({}, "no manifest"),
        ({"safe/manifest.safe": MANIFEST}, "no safe.tiff/1/description"),
        ({"safe/manifest.safe": MANIFEST, "safe.tiff/1/head": b"II"}, "no safe.tiff/1/tail"),
        ({"safe/manifest.safe": MANIFEST, "safe.tiff/1/description": b"x"}, "metadata|description"),
        (
            {
                "safe/manifest.safe": MANIFEST,
                "safe.tiff/1/head": b"",
                "safe.tiff/1/tail": b"",
                "safe/measurement/a.tiff": b"x",
            },
            "two files of the product are called measurement/a.tiff",
        ),
        (
            {"safe/manifest.safe": MANIFEST, "safe.tiff/1/head": b"", "safe.tiff/1/tail": b""},
            "processing|does not list",
        ),
        ({"safe/manifest.safe": b"<a", "safe.tiff/1/head": b"", "safe.tiff/1/tail": b""}, "no sound XML"),
        (
            {
                "safe/manifest.safe": MANIFEST,
                "safe.tiff/1/description": b"",
                "safe.tiff/1/recipe": b"{}",
                "safe.tiff/1/tail": b"",
            },
            "recipe",
        ),
    ],
)
def test_a_file_whose_attachments_make_no_product_is_refused(tmp_path, attached, words):
    store(tmp_path / "a.tif", amplitude(1, 40, 40))
    sarcodec.compress(
        tmp_path / "a.tif", tmp_path / "a.sarc", attachments={"safe.json": json.dumps(GOOD).encode(), **attached}
    )
    before = sorted(tmp_path.iterdir())
    for name in ("b.SAFE", "b.zip"):
        with pytest.raises((CorruptFile, UnsupportedScene), match=words):
            sarcodec.decompress(tmp_path / "a.sarc", tmp_path / name)
        assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"kind": "of mine"}'])
def test_an_attachment_that_has_only_the_name_is_no_product(tmp_path, data):
    assert unpack_product(data, 1) is None
    store(tmp_path / "a.tif", amplitude(1, 40, 40))
    sarcodec.compress(tmp_path / "a.tif", tmp_path / "a.sarc", attachments={"safe.json": data})
    assert sarcodec.info(tmp_path / "a.sarc").product is None
