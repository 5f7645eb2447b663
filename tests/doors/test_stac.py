"""STAC items: what the head says and no more, valid by STAC's own schemas and by ours, footprints where the scene lies."""

import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import sarcodec.stac
from doors.scenes import CRS, UTM, points
from sarcodec.__main__ import main
from sarcodec.doors.footprint import footprint, outermost
from sarcodec.errors import InvalidArgument
from sarcodec.format.scene import GroundControlPoint, SceneInfo

pytestmark = pytest.mark.tools
NAME = "S1A_IW_GRDH_1SDV_20180716T060522_20180716T060547_022816_027924_ABCD.sarc"
SCHEMA = Path(sarcodec.__file__).parent / "doors" / "stac-schema.json"


@pytest.fixture
def product(scene, tmp_path):
    return Path(shutil.copy(scene[0], tmp_path / NAME))


def valid(item):
    """By pystac's own copy of STAC's schemas, without the network, and by our schema."""
    jsonschema = pytest.importorskip("jsonschema")
    pystac = pytest.importorskip("pystac")
    jsonschema.validate(item, json.loads(SCHEMA.read_text()))
    plain = {**item, "stac_extensions": []}
    pystac.Item.from_dict(plain, preserve_dict=True).validate()
    return True


def test_claims_are_those_of_the_file_and_of_their_schema(product):
    jsonschema = pytest.importorskip("jsonschema")
    said = sarcodec.stac.item(product)["properties"]["sarcodec:claims"]
    schema = Path(__file__).parents[2] / "docs" / "assets" / "claims.schema.json"
    jsonschema.validate(said, json.loads(schema.read_text()))
    assert said["asked"] == {"target": "quality", "value": 60.0, "effort": 1} and len(said["bands"]) == 2
    with sarcodec.open(product) as scene:
        assert said["bands"][1]["rmse_db"] == scene.claims.bands[1].rmse_db


def test_a_product_says_what_its_name_and_head_do(product):
    item = sarcodec.stac.item(product, checksum=True)
    assert valid(item)
    told, asset = item["properties"], item["assets"]["data"]
    assert (
        told["datetime"] == told["start_datetime"] == "2018-07-16T06:05:22Z"
        and told["end_datetime"] == "2018-07-16T06:05:47Z"
    )
    assert (told["platform"], told["sar:instrument_mode"], told["sar:product_type"]) == ("sentinel-1a", "IW", "GRD")
    assert told["sar:polarizations"] == ["VV", "VH"] and told["sat:absolute_orbit"] == 22816
    assert told["sat:relative_orbit"] == (22816 - 73) % 175 + 1
    assert told["proj:code"] is None and "proj:transform" not in told and told["proj:shape"] == [700, 1100]
    assert told["sarcodec:mode"] == "learned" and told["sarcodec:quality"] == pytest.approx(60)
    assert asset["file:size"] == product.stat().st_size and asset["file:checksum"].startswith("1220")
    assert [(b["name"], b["data_type"], b["nodata"]) for b in asset["bands"]] == [
        ("VV", "uint16", 0),
        ("VH", "uint16", 0),
    ]
    assert {url.split("/")[3] for url in item["stac_extensions"]} == {
        "file",
        "projection",
        "raster",
        "sar",
        "sat",
        "processing",
    }


def test_nothing_is_decoded(product, monkeypatch):
    from sarcodec.decoding.scene import SceneDecoder

    monkeypatch.setattr(SceneDecoder, "__init__", lambda *given: pytest.fail("a decoder was made"))
    assert sarcodec.stac.item(product)["id"] == product.stem


def test_what_is_unknown_is_asked_for_or_left_out(map_scene):
    with pytest.raises(InvalidArgument, match="--datetime"):
        sarcodec.stac.item(map_scene[0])
    with pytest.raises(InvalidArgument, match="expected one as"):
        sarcodec.stac.item(map_scene[0], when="yesterday")
    item = sarcodec.stac.item(map_scene[0], when="2024-05-31T07:43:21+02:00", href="https://host.example/a.sarc")
    assert valid(item) and item["properties"]["datetime"] == "2024-05-31T05:43:21Z"
    assert item["properties"]["proj:code"] == "EPSG:32633" and item["properties"]["proj:transform"][0] == 10
    assert item["assets"]["data"]["bands"][0]["nodata"] == "nan" and item["assets"]["data"]["href"].startswith("https")
    assert not any(key.startswith(("sar:", "sat:")) for key in item["properties"])


def around(lon, lat, across=1.0):
    """A scene of 2 x 3 control points around a place."""
    gcps = tuple(
        GroundControlPoint(row, col, (lon + across * (col - 10) / 10 + 180) % 360 - 180, lat - row / 10)
        for row in (0, 10)
        for col in (0, 10, 20)
    )
    return SceneInfo(10, 20, 1, "uint16", gcps=gcps, gcp_crs_wkt=CRS)


def test_the_ring_is_that_of_the_outermost_points():
    ring = outermost(points())
    assert len(ring) == 2 * (4 + 5) - 4
    assert all(p.row in (0, 700) or p.col in (0, 1100) for p in ring)
    geometry, box = footprint(SceneInfo(700, 1100, 1, "uint16", gcps=points(), gcp_crs_wkt=CRS))
    assert geometry["type"] == "Polygon" and len(geometry["coordinates"][0]) == 15
    assert box[0] <= min(p.x for p in points()) + 1e-6 and box[3] >= max(p.y for p in points()) - 1e-6


def test_footprints_run_counterclockwise():
    geometry, box = footprint(around(8, 47))
    ring = geometry["coordinates"][0]
    assert ring[0] == ring[-1] and sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in itertools.pairwise(ring)) > 0
    assert box == [7, 46, 9, 47]


@pytest.mark.parametrize("lon", [179.5, -179.5, 180])
def test_the_antimeridian_splits(lon):
    geometry, box = footprint(around(lon, 60))
    assert geometry["type"] == "MultiPolygon" and len(geometry["coordinates"]) == 2
    west, east = ([x for x, _ in part[0]] for part in geometry["coordinates"])
    assert max(west) == 180 and min(east) == -180 and min(west) > 170 and max(east) < -170
    assert box[0] == pytest.approx((lon - 1 + 180) % 360 - 180) and box[2] == pytest.approx((lon + 1 + 180) % 360 - 180)


def test_no_place_and_no_invented_one():
    assert footprint(SceneInfo(10, 20, 1, "uint16")) == (None, None)
    pole = [
        GroundControlPoint(r, c, x, 85.0) for (r, c), x in zip(((0, 0), (0, 9), (9, 9), (9, 0)), (-135, -45, 45, 135))
    ]
    assert footprint(SceneInfo(9, 9, 1, "uint16", gcps=tuple(pole), gcp_crs_wkt=CRS)) == (None, None)


def test_a_grid_has_its_edge():
    info = SceneInfo(60, 130, 1, "uint16", crs_wkt=UTM, transform=(10.0, 0, 4e5, 0, -10.0, 5e6))
    _, box = footprint(info)
    assert box == pytest.approx([13.72, 45.14, 13.75, 45.15], abs=0.02)
    assert footprint(replace(info, rows=600))[1][1] < box[1]


def test_the_verb_prints_it(product, capsys):
    assert main(["stac", str(product)]) == 0
    assert json.loads(capsys.readouterr().out) == sarcodec.stac.item(product)
