"""Several images in a file, side files, failures and damage: what is there is read, all else is named and nothing is lost."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from raster.coming_back import GDAL_METADATA, GRID, a_mask, comes_back, listed, masked, side_mask
from raster.rasters import (
    UTM,
    differing,
    gdal_metadata,
    points,
    raw_tiff,
    round_trip,
    tag,
    tiff,
    vrt,
)  # fmt: skip
from sarcodec.errors import InvalidArgument, UnreadableScene, UnsupportedScene
from sarcodec.format.tiling import Window
from sarcodec.raster.geotiff import SceneReader, open_scene
from sarcodec.raster.quiet import open_writer
from sarcodec.storage.output import Output


def two_images(folder):
    tiff(folder / "one.tif", setup=lambda d: d.update_tags(NUMBER="1"))
    tiff(folder / "other.tif", dtype="float32", setup=lambda d: d.update_tags(N="2"))
    rasterio.shutil.copy(folder / "one.tif", folder / "two.tif", driver="GTiff")
    rasterio.shutil.copy(folder / "other.tif", folder / "two.tif", driver="GTiff", APPEND_SUBDATASET="YES")
    return folder / "two.tif"


def test_several_images_are_refused_with_names_that_work(tmp_path):
    source = two_images(tmp_path)
    with pytest.raises(UnsupportedScene, match="2 images.*sarcodec compress 'GTIFF_DIR:1:.*GTIFF_DIR:2:"):
        open_scene(source)
    name = f"GTIFF_DIR:2:{source}"
    round_trip(name, tmp_path / "back.tif")
    assert differing(name, tmp_path / "back.tif") == {} and tag(tmp_path / "back.tif", "N") == "2"
    with SceneReader(name) as reader:
        assert reader.paths == (name, str(source))


def test_many_images_are_named_in_part(tmp_path):
    tiff(tmp_path / "one.tif")
    for number in range(10):
        more = {"APPEND_SUBDATASET": "YES"} if number else {}
        rasterio.shutil.copy(tmp_path / "one.tif", tmp_path / "ten.tif", driver="GTiff", **more)
    with pytest.raises(UnsupportedScene, match="10 images.*GTIFF_DIR:1:.*GTIFF_DIR:8:[^,]* and 2 more$"):
        open_scene(tmp_path / "ten.tif")


def test_image_by_its_offset(tmp_path):
    source = raw_tiff(tmp_path / "a.tif", {GDAL_METADATA: gdal_metadata(("S1:POL", "VV"))})
    offset = int.from_bytes(source.read_bytes()[4:8], "little")
    with open_scene(f"GTIFF_DIR:off:{offset}:{source}") as reader:
        assert reader.info.tags == (("", (("S1:POL", "VV"),)),)


def test_overviews_and_masks_are_no_images(tmp_path):
    source = masked(tmp_path / "a.tif", True)
    with rasterio.open(source, "r+") as dataset:
        dataset.build_overviews([2])
    with open_scene(source) as reader:
        assert reader.info.mask == "dataset"


def test_side_files_of_the_replaced_raster_are_gone(tmp_path):
    tiff(tmp_path / "plain.tif")
    for ending, words in (
        (".aux.xml", "<PAMDataset><SRS>EPSG:4326</SRS></PAMDataset>"),
        (".ovr", "x"),
        (".msk.ovr", "x"),
    ):
        (tmp_path / f"back.tif{ending}").write_text(words)
    side_mask(tmp_path / "back.tif", [a_mask()], {1: "2"})
    (tmp_path / "back.tif").write_text("old")
    assert round_trip(tmp_path / "plain.tif", tmp_path / "back.tif", overwrite=True) == ()
    assert sorted(os.listdir(tmp_path)) == ["back.tif", "plain.tif"]


def test_paths_of_all_files(tmp_path):
    source = masked(tmp_path / "a.tif", False)
    with open_scene(source) as reader:
        assert set(reader.paths) == {str(source), f"{source}.msk"}
    with open_scene(vrt(tmp_path / "a.vrt", "a.tif")) as reader:
        assert {str(tmp_path / "a.vrt"), str(source)} <= set(reader.paths)


def test_failure_while_writing_leaves_nothing(tmp_path):
    source = masked(tmp_path / "a.tif", False)
    with pytest.raises(ZeroDivisionError), SceneReader(source) as reader:
        from sarcodec.raster.geotiff import SceneWriter

        with SceneWriter(tmp_path / "b.tif", reader.info):
            raise ZeroDivisionError
    assert sorted(os.listdir(tmp_path)) == ["a.tif", "a.tif.msk"]


def test_damaged_masks_are_unreadable_and_named(tmp_path):
    mask = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (300, 300))
    source = tiff(tmp_path / "a.tif", rows=300, cols=300)
    with open_writer(
        f"{source}.msk", driver="GTiff", height=300, width=300, count=1, dtype="uint8", compress="deflate"
    ) as file:
        file.update_tags(INTERNAL_MASK_FLAGS_1="2")
        file.write(mask, 1)
    side = tmp_path / "a.tif.msk"
    sound = side.read_bytes()
    offset, size = tag(side, "BLOCK_OFFSET_0_1", 1, "TIFF"), tag(side, "BLOCK_SIZE_0_1", 1, "TIFF")
    damaged = bytearray(sound)
    damaged[int(offset) : int(offset) + int(size)] = b"\x77" * int(size)
    side.write_bytes(damaged)
    with open_scene(source) as reader, pytest.raises(UnreadableScene, match="mask of .*a.tif"):
        reader.read_mask(0, Window(0, 0, 300, 300))
    side.write_bytes(sound[:200])
    with pytest.raises(UnreadableScene, match="a.tif.msk.*remove it"):
        open_scene(source)


STDOUT = """
import sys
from raster.rasters import round_trip
for note in round_trip(sys.argv[1], "-"):
    print(note, file=sys.stderr)
"""


def to_stdout(source, target):
    words = [sys.executable, "-c", STDOUT, str(source)]
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    done = subprocess.run(words, capture_output=True, check=True, env=os.environ | {"PYTHONPATH": path})
    target.write_bytes(done.stdout)
    return done.stderr.decode()


def test_standard_output_has_no_side_files_and_that_is_said(tmp_path):
    source = masked(tmp_path / "a.tif", False)
    assert to_stdout(source, tmp_path / "back.tif") == "" and differing(source, tmp_path / "back.tif") == {}
    bodies = ["<NoDataValue>0</NoDataValue>", "<NoDataValue>7</NoDataValue>"]
    source = vrt(
        tmp_path / "a.vrt", "a.tif", f'{UTM}<GCPList Projection="EPSG:4326">{listed(points(3))}</GCPList>', bodies
    )
    notes = to_stdout(source, tmp_path / "back.tif").splitlines()
    assert ["control points" in notes[0], "nodata value of band 1" in notes[1], "of band 2" in notes[2]] == [True] * 3
    source = tiff(tmp_path / "b.tif", 2)
    side_mask(source, [a_mask(1), a_mask(2)], {1: "0", 2: "0"})
    assert "mask" in to_stdout(source, tmp_path / "back.tif")
    assert not any(path.name.startswith("back.tif.") for path in tmp_path.iterdir())


def test_output_that_the_caller_has_opened(tmp_path):
    source = masked(tmp_path / "a.tif", False)
    with Output(tmp_path / "back.tif", inputs=(source,)) as output:
        round_trip(source, output)
    assert differing(source, tmp_path / "back.tif") == {}
    assert sorted(os.listdir(tmp_path)) == ["a.tif", "a.tif.msk", "back.tif", "back.tif.msk"]


def test_inputs_are_not_destroyed(tmp_path):
    source = tiff(tmp_path / "a.tif")
    before = source.read_bytes()
    with pytest.raises(InvalidArgument, match="same file"):
        round_trip(source, source, overwrite=True, inputs=(source,))
    assert source.read_bytes() == before and os.listdir(tmp_path) == ["a.tif"]


@pytest.mark.parametrize("words", [b"", b"\xff\xfe", b"<PAMDataset", b"<PAMDataset><Metadata><MDI key=", b"not xml"])
def test_damaged_side_files_are_named(tmp_path, words):
    source = tiff(tmp_path / "a.tif")
    (tmp_path / "a.tif.aux.xml").write_bytes(words)
    with pytest.raises(UnreadableScene, match="a.tif.aux.xml.*remove it"):
        open_scene(source)


def test_xml_that_only_gdal_reads(tmp_path):
    source = tiff(tmp_path / "a.tif")
    words = '<PAMDataset><Metadata domain="xml:X" format="xml"><p:a q:b="1"/></Metadata><Metadata><MDI key="S1:POL">VV</MDI></Metadata>'
    (tmp_path / "a.tif.aux.xml").write_text(words + "</PAMDataset>")
    assert comes_back(source, tmp_path) == [] and tag(tmp_path / "back.tif", "S1:POL") == "VV"


def test_damaged_metadata_of_a_tiff_is_named(tmp_path):
    source = raw_tiff(tmp_path / "a.tif", {GDAL_METADATA: b'<GDALMetadata><Item name="a">1</Item><Item name='})
    assert "GDAL_METADATA" in "".join(round_trip(source, tmp_path / "back.tif"))


def test_tags_of_a_driver_that_forgets_them(tmp_path):
    """While GDAL copies a GeoPackage, which is how its words are read, the tags of the open one are gone."""
    tiff(tmp_path / "a.tif", dtype="uint8", crs="EPSG:3857", transform=GRID)
    try:
        rasterio.shutil.copy(tmp_path / "a.tif", tmp_path / "in.gpkg", driver="GPKG", TILE_FORMAT="PNG")
    except rasterio.errors.RasterioError:
        pytest.skip("GDAL has no GeoPackage here")
    with open_scene(tmp_path / "in.gpkg") as reader:
        found = dict(dict(reader.info.tags)[""])
    assert found["IDENTIFIER"] == "in" and "ZOOM_LEVEL" in found
