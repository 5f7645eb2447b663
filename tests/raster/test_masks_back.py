"""Masks come back bit for bit, in the form in which they came."""

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from raster.coming_back import a_mask, comes_back, masked, side_mask
from raster.rasters import (
    COLS,
    ROWS,
    facts,
    round_trip,
    tiff,
    vrt,
)  # fmt: skip
from sarcodec.format.tiling import Window
from sarcodec.raster.geotiff import open_scene
from sarcodec.raster.quiet import open_writer


@pytest.mark.parametrize("options", [{}, {"nodata": 5}, {"dtype": "float32", "crs": "EPSG:32633"}])
def test_mask_in_the_form_in_which_it_came(tmp_path, options):
    assert comes_back(masked(tmp_path / "a.tif", True, **options), tmp_path) == []
    (tmp_path / "side").mkdir()
    assert comes_back(masked(tmp_path / "b.tif", False, **options), tmp_path / "side") == [".msk"]


def test_mask_beside_alpha(tmp_path):
    source = masked(tmp_path / "a.tif", True, alpha="YES")
    assert comes_back(source, tmp_path) == []


def test_mask_of_more_than_two_values(tmp_path):
    soft = a_mask()
    soft[3] = np.arange(COLS)
    source = tiff(tmp_path / "a.tif", 2)
    side_mask(source, [soft], {1: "2", 2: "2"})
    assert comes_back(source, tmp_path) == [".msk"]
    # GDAL's own masks within a TIFF hold one bit.
    notes = round_trip(source, tmp_path / "inside.tif", {"mask_form": "internal"})
    assert notes == () and facts(tmp_path / "inside.tif")["masks"][0] == soft.tolist()


@pytest.mark.parametrize("flags", [{1: "0", 2: "0"}, {2: "0"}, {1: "0"}])
def test_masks_by_band(tmp_path, flags):
    source = tiff(tmp_path / "a.tif", 2)
    side_mask(source, [a_mask(1), a_mask(2)], flags)
    assert comes_back(source, tmp_path) == [".msk"]


def test_masks_of_a_vrt(tmp_path):
    with open_writer(tmp_path / "m.tif", driver="GTiff", height=ROWS, width=COLS, count=2, dtype="uint8") as file:
        file.write(np.stack([a_mask(1), a_mask(2)]))
    tiff(tmp_path / "a.tif", 2)
    bodies = [
        f'<MaskBand><VRTRasterBand dataType="Byte"><SimpleSource><SourceFilename relativeToVRT="1">m.tif</SourceFilename>'
        f"<SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand></MaskBand>"
        for band in (1, 2)
    ]
    for name, body, each, side in (("all", bodies[0], ["", ""], []), ("each", "", bodies, [".msk"]), ("one", "", ["", bodies[1]], [".msk"])):  # fmt: skip
        (tmp_path / name).mkdir()
        source = vrt(tmp_path / f"{name}.vrt", "a.tif", body, each)
        assert comes_back(source, tmp_path / name) == side, name


def test_masks_that_gdal_makes_up_are_none(tmp_path):
    for number, options in enumerate(
        ({"nodata": 5}, {"alpha": "YES"}, {"setup": lambda d: d.update_tags(NODATA_VALUES="5 6")})
    ):
        source = tiff(tmp_path / f"{number}.tif", 2, **options)
        with open_scene(source) as reader:
            assert reader.info.mask is None and reader.info.mask_planes == 0


def test_large_mask_and_windows(tmp_path):
    mask = np.full((1100, 700), 255, np.uint8)
    mask[500:800, 100:] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        source = tiff(tmp_path / "a.tif", rows=1100, cols=700, setup=lambda d: d.write_mask(mask))
    assert comes_back(source, tmp_path) == []
    with rasterio.open(tmp_path / "back.tif") as dataset:
        assert dataset.block_shapes == [(512, 512)]


def test_excerpt_of_masks_and_polynomials():
    from sarcodec.format.scene import SceneInfo, excerpt

    info = SceneInfo(ROWS, COLS, 3, "uint16", mask="bands", masked_bands=(True, False, True),
                     tags=(("RPC", (("LINE_OFF", "12.5"), ("SAMP_OFF", "7"))),))  # fmt: skip
    part = excerpt(info, Window(2, 3, 4, 5), (1, 2))
    assert part.mask == "bands" and part.masked_bands == (False, True) and part.mask_planes == 2
    assert dict(part.tags[0][1]) == {"LINE_OFF": "10.5", "SAMP_OFF": "4"}
    assert excerpt(info, Window(0, 0, 1, 1), (1,)).mask is None
