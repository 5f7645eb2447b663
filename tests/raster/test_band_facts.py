"""What a raster says of its bands comes back: nodata, units, names, colours, tables."""

import numpy as np
import pytest

from raster.coming_back import comes_back
from raster.rasters import (
    facts,
    round_trip,
    tiff,
    vrt,
)  # fmt: skip
from sarcodec.raster.geotiff import open_scene
from sarcodec.raster.quiet import open_reader


@pytest.mark.parametrize(
    "values", [("0", "65535"), ("0", ""), ("", "7"), ("nan", "7"), ("0.5", "1")], ids=lambda v: "-".join(v)
)
def test_nodata_that_differs_by_band(tmp_path, values):
    tiff(tmp_path / "a.tif", 2, "float32")
    bodies = [f"<NoDataValue>{value}</NoDataValue>" if value else "" for value in values]
    source = vrt(tmp_path / "a.vrt", "a.tif", "", bodies, dtype="Float32")
    assert comes_back(source, tmp_path) == [".aux.xml"]


@pytest.mark.parametrize("dtype, value", [("uint8", 255), ("int8", -128), ("int16", -32768), ("uint32", 2**32 - 1),
                                          ("int32", -(2**31)), ("float32", 0.1), ("float64", 1e-300), ("float64", 0.1),
                                          ("float32", np.nan), ("float32", np.inf), ("float32", -3.4028234663852886e38)])  # fmt: skip
def test_any_nodata(tmp_path, dtype, value):
    assert comes_back(tiff(tmp_path / "a.tif", 2, dtype, nodata=value), tmp_path) == []


def test_nodata_that_no_pixel_can_have_is_named(tmp_path):
    tiff(tmp_path / "a.tif")
    source = vrt(tmp_path / "a.vrt", "a.tif", "", ["<NoDataValue>-9999</NoDataValue>"])
    assert "nodata -9999" in "".join(round_trip(source, tmp_path / "back.tif"))


def test_units_scales_offsets_and_names(tmp_path):
    def setup(dataset):
        dataset.scales, dataset.offsets = (0.1, 1, 1e-300), (0, -0.3, 1 / 3)
        dataset.set_band_unit(1, "dB <&>")
        dataset.set_band_description(3, "  Sigma0 \n é ")

    assert comes_back(tiff(tmp_path / "a.tif", 3, setup=setup), tmp_path) == []


@pytest.mark.parametrize(
    "names",
    ["gray alpha", "gray alpha gray", "alpha gray", "red green blue alpha", "gray undefined", "undefined undefined",
     "undefined alpha", "blue green red", "gray sar_c sar_l", "cyan magenta yellow black", "nir rededge", "Y Cb Cr",
     "hue saturation lightness", "gray gray", "pan coastal tir other_ir"],
)  # fmt: skip
def test_any_colours(tmp_path, names):
    tiff(tmp_path / "a.tif", len(names.split()), "uint8")
    from sarcodec.raster.writing import colour_name

    bodies = [f"<ColorInterp>{colour_name(name)}</ColorInterp>" for name in names.split()]
    source = vrt(tmp_path / "a.vrt", "a.tif", "", bodies, dtype="Byte")
    with open_reader(source) as dataset:
        assert " ".join(value.name for value in dataset.colorinterp) == names
    assert comes_back(source, tmp_path) == []


@pytest.mark.parametrize("alpha", ["YES", "PREMULTIPLIED", "NON-PREMULTIPLIED"])
def test_kind_of_alpha(tmp_path, alpha):
    source = tiff(tmp_path / "a.tif", 2, "uint8", alpha=alpha)
    assert comes_back(source, tmp_path) == []
    with open_scene(source) as before, open_scene(tmp_path / "back.tif") as after:
        assert before.info == after.info and ("PREMULTIPLIED" in str(before.info)) == (alpha == "PREMULTIPLIED")


@pytest.mark.parametrize(
    "dtype, bits, count", [("uint8", 8, 1), ("uint8", 8, 2), ("uint16", 16, 1), ("uint8", 4, 1), ("uint8", 1, 1)]
)
def test_colour_tables(tmp_path, dtype, bits, count):
    def setup(dataset):
        dataset.write_colormap(1, {value: (value * 7 % 256, 2, 255 - value, 255) for value in range(min(2**bits, 200))})

    options = {} if bits in (8, 16) else {"nbits": bits}
    source = tiff(tmp_path / "a.tif", count, dtype, setup=setup, photometric="palette", **options)
    assert comes_back(source, tmp_path) == []


def test_colour_table_that_tiff_cannot_hold_is_named(tmp_path):
    tiff(tmp_path / "a.tif", 2, "uint8")
    table = '<ColorInterp>Palette</ColorInterp><ColorTable><Entry c1="9" c2="8" c3="7" c4="99"/></ColorTable>'
    source = vrt(tmp_path / "a.vrt", "a.tif", "", ["", table], dtype="Byte")
    assert "colour table of band 2" in "".join(round_trip(source, tmp_path / "back.tif"))


def test_categories_and_attribute_tables(tmp_path):
    source = tiff(tmp_path / "a.tif", 2, "uint8")
    (tmp_path / "a.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="2"><CategoryNames><Category>sea</Category><Category></Category><Category>ice &amp; é'
        '</Category></CategoryNames><GDALRasterAttributeTable tableType="thematic"><FieldDefn index="0"><Name>V</Name>'
        '<Type>2</Type><Usage>5</Usage></FieldDefn><Row index="0"><F>&lt;one&gt;</F></Row></GDALRasterAttributeTable>'
        "</PAMRasterBand></PAMDataset>"
    )
    assert facts(source)["CategoryNames"] and facts(source)["GDALRasterAttributeTable"]
    assert comes_back(source, tmp_path) == [".aux.xml"]
