"""A raster's files, whatever stands between its name and them: none of them may become an output."""

import os
import shutil

import numpy as np
import pytest
import rasterio

import sarcodec
from sarcodec.errors import InvalidArgument
from sarcodec.raster.geotiff import open_scene
from sarcodec.simulate.product import simulate

VRT = (
    '<VRTDataset rasterXSize="90" rasterYSize="70"><VRTRasterBand dataType="UInt16" band="1"><SimpleSource>'
    '<SourceFilename relativeToVRT="{}">{}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>'
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A scene with a mask and words in side files, beside each of which lies a link to it."""
    folder = tmp_path_factory.mktemp("behind")
    simulate(folder / "plain.tif", 70, 90, bands=("VV",), seed=3)
    form = {"driver": "GTiff", "height": 70, "width": 90, "count": 1, "dtype": "uint16", "nodata": 0}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False),
        rasterio.open(folder / "plain.tif") as source,
        rasterio.open(folder / "in.tif", "w", **form) as dataset,
    ):
        dataset.write(source.read())
        dataset.write_mask(np.tri(70, 90, 40, dtype=bool))
    (folder / "in.tif.aux.xml").write_text('<PAMDataset><Metadata><MDI key="A">b</MDI></Metadata></PAMDataset>')
    return folder


@pytest.fixture
def here(scene, tmp_path, monkeypatch):
    shutil.copytree(scene, tmp_path, dirs_exist_ok=True)
    (tmp_path / "sub").mkdir()
    (tmp_path / "one.vrt").write_text(VRT.format(1, "in.tif"))
    (tmp_path / "sub" / "two.vrt").write_text(VRT.format(1, "../one.vrt"))
    (tmp_path / "sub" / "page.vrt").write_text(VRT.format(1, "GTIFF_DIR:1:../plain.tif"))
    for number, name in enumerate(("in.tif", "in.tif.msk", "in.tif.aux.xml", "one.vrt", "plain.tif")):
        os.link(tmp_path / name, tmp_path / f"link{number}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


NAMES = {
    "one.vrt": (0, 1, 2, 3),
    "sub/two.vrt": (0, 1, 2, 3),
    "sub/page.vrt": (4,),
    "vrt://in.tif": (0,),
    "vrt://sub/two.vrt?bands=1": (0, 3),
    VRT.format(0, "in.tif"): (0, 1),
    VRT.format(0, "one.vrt"): (0, 3),
    "GTIFF_DIR:1:plain.tif": (4,),
    "GTIFF_RAW:plain.tif": (4,),
    "/vsisubfile/0,plain.tif": (4,),
    "file://{}/in.tif": (0,),
}


@pytest.mark.parametrize("name", NAMES)
def test_no_file_behind_a_name_becomes_an_output(here, name):
    before = {path: path.read_bytes() for path in here.glob("*") if path.is_file()}
    source = name if name.startswith("<") else name.format(here)
    for number in NAMES[name]:
        with pytest.raises(InvalidArgument, match="same file as the input"):
            sarcodec.compress(source, f"link{number}", overwrite=True, threads=1, effort=0)
    assert {path: path.read_bytes() for path in here.glob("*") if path.is_file()} == before


def test_a_vrt_that_names_itself_has_an_end(here):
    (here / "loop.vrt").write_text(VRT.format(1, "loop2.vrt"))
    (here / "loop2.vrt").write_text(VRT.format(1, "loop.vrt"))
    with open_scene("loop.vrt") as reader:
        assert any(path.endswith("loop2.vrt") for path in reader.paths)


def test_a_file_that_is_called_as_a_part_of_another_is_read(here):
    shutil.copy("plain.tif", "GTIFF_DIR:1:a.tif")
    with open_scene("GTIFF_DIR:1:a.tif") as reader:
        assert (reader.info.rows, reader.info.cols) == (70, 90)
    with pytest.raises(InvalidArgument, match="same file as the input"):
        sarcodec.compress("GTIFF_DIR:1:a.tif", "GTIFF_DIR:1:a.tif", overwrite=True)
