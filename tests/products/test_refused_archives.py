"""Zip archives that hold no product, more than one, or damage are refused, and no name in them leads elsewhere."""

import os
import re
import zipfile

import pytest

from products.spoiled import refused, vv, zipped
from sarcodec.errors import (
    InvalidArgument,
    UnreadableScene,
    UnsupportedScene,
)


@pytest.mark.parametrize(
    "name, words",
    [
        ("../evil.txt", r"called '../evil.txt', which leads out of the product"),
        ("/abs.txt", r"called '/abs.txt'"),
        ("a/../../b", "leads out of the product"),
        ("a\\..\\b", "leads out of the product"),
        ("note.txt", "holds note.txt beside the product.*unpack it"),
        ("other/manifest.safe", "holds 2 products, expected one; unpack it"),
    ],
)
def test_odd_names_in_an_archive(product, name, words):
    refused(zipped(product, **{name: b"x"}), UnsupportedScene, words)


def test_a_damaged_archive(product):
    path = zipped(product)
    data = bytearray(path.read_bytes())
    data[5000] ^= 255
    path.write_bytes(data)
    refused(path, UnreadableScene, "zip archive that cannot be read|not those of its checksums")


def test_a_damaged_archive_with_odd_members(product):
    """Encrypted ones, for instance."""
    path = zipped(product)
    data = bytearray(path.read_bytes())
    for found in re.finditer(b"PK\x01\x02", bytes(data)):
        data[found.start() + 8] |= 1  # the flag of encryption
    path.write_bytes(data)
    refused(path, UnreadableScene, "zip archive that cannot be read.*encrypted|password")


def test_an_archive_without_a_product_is_refused_as_before(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    refused(tmp_path / "a.zip", UnreadableScene, "it holds no TIFF")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    refused(tmp_path / "pipe.zip", InvalidArgument, "is a pipe")


def test_a_truncated_measurement_is_named_and_not_the_unpacked_file(product):
    vv(product).write_bytes(b"II*\0\x08")
    archive = zipped(product)
    said = refused(archive, UnreadableScene, "measurement/s1a-iw-grd-vv")
    assert ".part" not in said
