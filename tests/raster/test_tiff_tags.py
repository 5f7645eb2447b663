"""Tags of TIFF files, read and set byte by byte: both byte orders, classic and BigTIFF, and damaged files."""

from contextlib import suppress

import numpy as np
import pytest
import rasterio

from raster.rasters import raw_tiff, tag, tiff
from sarcodec.raster import tiff_tags
from sarcodec.raster.quiet import open_reader
from sarcodec.raster.tiff_tags import NotTiff, Tag

ARTIST, COPYRIGHT = 315, 33432


@pytest.mark.parametrize(
    "options", [{}, {"bigtiff": "YES"}, {"endianness": "BIG"}, {"endianness": "BIG", "bigtiff": "YES"}]
)
@pytest.mark.parametrize("words", ["a", "four", "longer than a pointer"])
def test_tags_that_are_added_and_replaced(tmp_path, options, words):
    path = tiff(tmp_path / "a.tif", setup=lambda d: d.update_tags(TIFFTAG_ARTIST="someone"), **options)
    with open_reader(path) as dataset:
        before = dataset.read()
    tiff_tags.set_tags(path, [tiff_tags.text_tag(code, words) for code in (COPYRIGHT, ARTIST)])
    assert tag(path, "TIFFTAG_ARTIST") == tag(path, "TIFFTAG_COPYRIGHT") == words
    found = tiff_tags.read_directory(path)
    assert [entry.code for entry in found] == sorted({entry.code for entry in found})
    assert Tag(ARTIST, tiff_tags.TEXT, words.encode() + b"\0") in found
    with open_reader(path) as dataset:
        assert np.array_equal(dataset.read(), before)


def test_other_directories_stay(tmp_path):
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = tiff(tmp_path / "a.tif", setup=lambda d: d.write_mask(np.zeros((d.height, d.width), np.uint8)))
    tiff_tags.set_tags(path, [tiff_tags.text_tag(ARTIST, "x" * 99)])
    with open_reader(path) as dataset:
        assert not dataset.read_masks().any()
    assert tiff_tags.read_directory(path, 1) != tiff_tags.read_directory(path, 0)
    with pytest.raises(NotTiff, match="no directory 2"):
        tiff_tags.read_directory(path, 2)


@pytest.mark.parametrize("order", ["<", ">"])
def test_integers_in_the_order_of_the_file(tmp_path, order):
    path = raw_tiff(tmp_path / "a.tif", {}, order)
    tiff_tags.set_tags(path, [tiff_tags.short_tag(path, tiff_tags.EXTRA_SAMPLES, [1, 2, 300])])
    found = next(entry for entry in tiff_tags.read_directory(path) if entry.code == tiff_tags.EXTRA_SAMPLES)
    assert tiff_tags.integers(path, found) == (1, 2, 300)


def test_every_truncation_and_flip_is_read_or_refused(tmp_path):
    path = raw_tiff(tmp_path / "a.tif", {ARTIST: b"someone"})
    data = path.read_bytes()
    directory = int.from_bytes(data[4:8], "little")
    for length in (*range(20), *range(directory, len(data), 3)):
        path.write_bytes(data[:length])
        with pytest.raises(NotTiff):
            tiff_tags.read_directory(path)
    for place in (*range(8), *range(directory, len(data))):
        for byte in (0, 0x7F, 0xFF):
            path.write_bytes(data[:place] + bytes([byte]) + data[place + 1 :])
            with suppress(NotTiff):
                tiff_tags.read_directory(path)


def test_a_loop_of_directories_ends(tmp_path):
    path = raw_tiff(tmp_path / "a.tif", {})
    data = path.read_bytes()
    path.write_bytes(data[:-4] + data[4:8])
    tiff_tags.read_directory(path, 10**9)
