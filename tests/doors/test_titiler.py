"""Tiles of a web map: control points land within a pixel, tiles are those of decompress, small pictures decode little, a real TiTiler serves."""

import io

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform

from doors.bent import COLS, ROWS, ground, off_px
from sarcodec.errors import NotSarcodec

pytest.importorskip("rio_tiler", reason="rio-tiler (extra titiler) is not installed")
from sarcodec.titiler import Reader

pytestmark = pytest.mark.tools


def test_control_points_land_within_a_pixel(bent):
    with Reader(str(bent[0])) as reader:
        assert off_px(reader.dataset, bent[1]).max() < 1


def test_rio_tilers_own_reader_is_far_off(bent):
    """The fault that this reader is there for; when it is gone, so can this reader's warp."""
    from rio_tiler.io import Reader as Theirs

    with Theirs(str(bent[0].with_suffix(".back.tif"))) as reader:
        assert np.median(off_px(reader.dataset, bent[1])) > 3


@pytest.mark.parametrize("zoom", [7, 9, 11])
def test_tiles_are_those_of_the_geotiff(bent, zoom):
    lon, lat = ground(ROWS / 2, COLS / 2)
    with Reader(str(bent[0])) as reader, Reader(str(bent[0].with_suffix(".back.tif"))) as other:
        tile = reader.tms.tile(lon, lat, zoom)
        found, wanted = reader.tile(*tile), other.tile(*tile)
        assert found.mask.any() and (found.mask == wanted.mask).mean() > 0.98
        if zoom == 11:  # at full resolution, without overviews
            np.testing.assert_array_equal(found.data, wanted.data)
        np.testing.assert_allclose(reader.bounds, other.bounds)


def test_pixels_of_a_scene_with_a_transform(map_scene):
    path, pixels = map_scene
    with Reader(str(path)) as reader:
        np.testing.assert_array_equal(reader.read().data, pixels)
        (lon,), (lat,) = transform("EPSG:32633", "EPSG:4326", [4e5 + 505], [5e6 - 205])
        np.testing.assert_array_equal(reader.point(lon, lat).data, pixels[:, 20, 50])


def test_a_small_picture_decodes_no_whole_tile(bent, monkeypatch):
    monkeypatch.setattr("sarcodec.decoding.scene.SceneDecoder.tile_pixels", None)
    with Reader(str(bent[0])) as reader:
        assert reader.preview(max_size=64).data.std() > 0


def test_what_is_decoded_stays_for_the_next_request(bent, monkeypatch):
    from sarcodec.doors import tiler

    with Reader(str(bent[0])) as reader:
        lon, lat = ground(ROWS / 2, COLS / 2)
        tile = reader.tms.tile(lon, lat, 11)
        first = reader.tile(*tile)
    monkeypatch.setattr("sarcodec.decoding.scene.SceneDecoder.tile_plane", None)
    with Reader(str(bent[0])) as reader:
        np.testing.assert_array_equal(reader.tile(*tile).data, first.data)
    assert len(tiler._OPENER._files) <= 4


def test_what_cannot_be_opened_says_why(tmp_path):
    for name in ("absent.sarc", "absent.tif"):
        with pytest.raises(FileNotFoundError, match=f"no file .*{name}"):
            Reader(str(tmp_path / name))
    (tmp_path / "text.sarc").write_bytes(b"text" * 99)
    with pytest.raises(NotSarcodec):
        Reader(str(tmp_path / "text.sarc"))


@pytest.mark.parametrize("name", ["absent.sarc", "absent.tif", "folder.sarc"])
def test_a_file_that_is_not_there_is_a_404_with_its_name(tmp_path, name):
    pytest.importorskip("httpx", reason="httpx is not installed")
    errors = pytest.importorskip("titiler.core.errors", reason="titiler.core is not installed")
    from fastapi import FastAPI
    from fastapi.testclient import TestClient
    from titiler.core.factory import TilerFactory

    (tmp_path / "folder.sarc").mkdir()
    (tmp_path / "there.tif").write_bytes(b"no raster")
    app = FastAPI()
    app.include_router(TilerFactory(reader=Reader).router)
    errors.add_exception_handlers(app, errors.DEFAULT_STATUS_CODES)
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/info", params={"url": str(tmp_path / name)})
        assert (answer.status_code, answer.json()["detail"]) == (404, f"there is no file {tmp_path / name}")
        for other in (
            tmp_path / "there.tif",
            "/vsimem/absent.tif",
        ):  # of what is there, or has a name of GDAL's, nothing is said
            assert client.get("/info", params={"url": str(other)}).status_code == 500


def test_a_titiler_serves_tiles(bent):
    """A whole application, asked over HTTP as a map asks."""
    pytest.importorskip("httpx", reason="httpx is not installed")
    factory = pytest.importorskip("titiler.core.factory", reason="titiler.core is not installed")
    from concurrent.futures import ThreadPoolExecutor

    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    app = FastAPI()
    app.include_router(factory.TilerFactory(reader=Reader).router)
    lon, lat = ground(ROWS / 2, COLS / 2)
    with TestClient(app) as client, Reader(str(bent[0])) as reader:
        about = {"url": str(bent[0])}
        info = client.get("/info", params=about)
        assert info.status_code == 200 and info.json()["width"] == reader.dataset.width
        tiles = [reader.tms.tile(lon + d, lat, 11) for d in (-0.1, -0.05, 0, 0.05)]
        ask = lambda t: client.get(f"/tiles/WebMercatorQuad/{t.z}/{t.x}/{t.y}.npy", params=about)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(ask, tiles))
        for tile, answer in zip(tiles, answers):
            assert answer.status_code == 200
            np.testing.assert_array_equal(np.load(io.BytesIO(answer.content))[:1], reader.tile(*tile).data)
        t = tiles[2]
        picture = client.get(f"/tiles/WebMercatorQuad/{t.z}/{t.x}/{t.y}.png", params=about | {"rescale": "0,1000"})
        assert picture.status_code == 200 and picture.headers["content-type"] == "image/png"
        with rasterio.MemoryFile(picture.content) as file, file.open() as png:
            assert png.read(1).std() > 1
