"""The golden file of a product becomes the product again that it was made of."""

import json
from pathlib import Path

import pytest

import sarcodec
from golden.product import GOLDEN, SHAPE, files_of


@pytest.fixture(scope="module")
def known() -> dict:
    """Name of the product, and checksums of its files."""
    pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    return json.loads(GOLDEN.with_suffix(".json").read_text())


def test_it_becomes_the_product_byte_for_byte(known, tmp_path):
    report = sarcodec.decompress(GOLDEN, tmp_path)
    assert Path(report.path).name == known["product"] and report.notes == ()
    assert files_of(Path(report.path)) == known["files"]


def test_its_product_and_look_up_tables_are_read(known):
    assert sarcodec.info(GOLDEN).product.name == known["product"]
    with sarcodec.open(GOLDEN) as scene:
        assert scene.read(1, calibrate="sigma0").shape == SHAPE
