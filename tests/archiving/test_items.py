"""STAC items of an archive: one of each output that says when and where it was taken, kept with the table, written once, the same in GeoParquet as in lines of JSON."""

import asyncio
import json
import math
import os
from pathlib import Path

import pytest

import sarcodec.stac
from api.scenes import amplitude, store
from archiving.scenes import leftovers
from doors.scenes import CRS, UTM, points
from products.small_safe import make_product
from sarcodec.archiving.items import LINES, PARQUET, item_of
from sarcodec.doors import geoparquet

WHEN = (("", (("ACQUISITION_START_TIME", "2018-07-16T06:05:22Z"),)),)
NAMED = "S1A_IW_GRDH_1SDV_20180716T060522_20180716T060547_022816_027924_ABCD.tif"


def scenes(folder: Path) -> Path:
    """Three scenes that say when and where: by name with control points, by a tag with a transform (float, NaN), across the antimeridian; one without a place, one without a time."""
    (folder / "deep").mkdir(parents=True)
    grd = {"gcps": points(64, 64), "gcp_crs_wkt": CRS, "nodata": (0.0, 0.0), "descriptions": ("VV", "VH")}
    store(folder / "deep" / NAMED, amplitude(1, 64, 64, 2), **grd)
    place = {"crs_wkt": UTM, "transform": (10.0, 0, 4e5, 0, -10.0, 5e6), "nodata": (math.nan,), "units": ("1",)}
    store(folder / "map.tif", (amplitude(2, 64, 64) / 300.0).astype("float32") ** 2, tags=WHEN, **place)
    across = tuple(
        type(p)(p.row, p.col, (p.x + 169.999 + 180) % 360 - 180, p.y, p.z, p.id, p.info) for p in points(64, 64)
    )
    store(folder / "deep" / "map.tif", amplitude(3, 64, 64), tags=WHEN, gcps=across, gcp_crs_wkt=CRS)
    store(folder / "nowhere.tif", amplitude(4, 64, 64), tags=WHEN)
    store(folder / "never.tif", amplitude(5, 64, 64))
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return scenes(tmp_path_factory.mktemp("items") / "in")


@pytest.fixture
def without_pyarrow(monkeypatch):
    monkeypatch.setattr(geoparquet, "is_there", lambda: False)


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / LINES).read_text().splitlines()]


def test_lines_where_pyarrow_is_missing(source, tmp_path, without_pyarrow):
    out = tmp_path / "out"
    report = sarcodec.archive(source, out, workers=2, effort=0)
    assert (report.items, report.items_path) == (3, str(out / LINES)) and not leftovers(out)
    assert report.without_item == 2
    found = lines(out)
    names = [f"deep/{NAMED[:-4]}.sarc", "deep/map.sarc", "map.sarc"]
    assert [one["assets"]["data"]["href"] for one in found] == names
    assert [one["id"] for one in found] == [NAMED[:-4], "deep_map", "map"]
    for one, name in zip(found, names):
        again = sarcodec.stac.item(out / name, href=name)
        assert one == {**again, "id": one["id"]}
    assert "proj:transform" not in found[0]["properties"] and found[0]["geometry"]["type"] == "Polygon"
    assert found[1]["geometry"]["type"] == "MultiPolygon"


def test_a_second_start_leaves_the_items_and_a_new_scene_joins_them(tmp_path, without_pyarrow):
    source, out = scenes(tmp_path / "in"), tmp_path / "out"
    sarcodec.archive(source, out, workers=2, effort=0)
    before = (out / LINES).stat()
    assert sarcodec.archive(source, out, workers=2, effort=0).items == 3
    assert (out / LINES).stat() == before
    store(source / "more.tif", amplitude(6, 64, 64), tags=WHEN, gcps=points(64, 64), gcp_crs_wkt=CRS)
    (source / "map.tif").unlink()  # its output stays, and so does its item
    assert sarcodec.archive(source, out, workers=2, effort=0).items == 4
    assert len(lines(out)) == 4
    (out / LINES).unlink()
    assert sarcodec.archive(source, out, workers=2, effort=0).items == 4 and len(lines(out)) == 4


def test_items_of_shards_come_together(source, tmp_path, without_pyarrow):
    out = tmp_path / "out"
    for number in (1, 2):
        report = sarcodec.archive(source, out, shard=(number, 2), workers=1, effort=0)
        assert report.items_path is None and not (out / LINES).exists()
    assert sarcodec.archive(source, out, workers=1, effort=0).items == len(lines(out)) == 3


def test_nobody_says_when(tmp_path, without_pyarrow):
    store(tmp_path / "in.tif", amplitude(5, 64, 64))
    (tmp_path / "list").write_text(f"{tmp_path}/in.tif\n")
    report = sarcodec.archive(tmp_path / "list", tmp_path / "out", effort=0)
    assert (report.items, report.items_path, report.done) == (0, None, 1)
    assert not [name for name in os.listdir(tmp_path / "out") if name.startswith("items")]


def test_a_name_that_is_no_text(tmp_path):
    store(tmp_path / "a.tif", amplitude(4, 64, 64), tags=WHEN, gcps=points(64, 64), gcp_crs_wkt=CRS)
    sarcodec.compress(tmp_path / "a.tif", tmp_path / "a.sarc", effort=0)
    name = os.fsdecode(b"\xff/a.sarc")
    found = json.loads(item_of(str(tmp_path / "a.sarc"), name))
    assert (found["assets"]["data"]["href"], found["id"]) == ("%FF/a.sarc", "%FF_a")


@pytest.mark.tools
class TestGeoParquet:
    """As others read it: rustac, which shares no code with us, and pyarrow."""

    def archived(self, source: Path, out: Path) -> list[dict]:
        pytest.importorskip("pyarrow")
        report = sarcodec.archive(source, out, workers=2, effort=0)
        assert (report.items, report.items_path) == (3, str(out / PARQUET)) and not (out / LINES).exists()
        assert not leftovers(out)
        return [json.loads(item_of(str(out / one), one)) for one in self.names(out)]

    def names(self, out: Path) -> list[str]:
        return sorted(p.relative_to(out).as_posix() for p in out.rglob("*.sarc") if p.name[0] != "n")

    def test_round_trip(self, source, tmp_path):
        rustac = pytest.importorskip("rustac")
        expected = self.archived(source, tmp_path / "out")

        async def read():
            return await rustac.read(str(tmp_path / "out" / PARQUET))

        found = asyncio.run(read())["features"]
        for one in found:
            one["properties"]["sarcodec:claims"] = json.loads(one["properties"]["sarcodec:claims"])
        assert [said(one) for one in found] == [said(one) for one in expected]

    def test_files_that_were_asked_for_in_other_words(self, source, tmp_path):
        out = tmp_path / "out"
        self.archived(source, out)
        name = self.names(out)[0]
        sarcodec.compress(source / "map.tif", tmp_path / "class.sarc", quality_class="analysis", exact_bands=(1,))
        sarcodec.compress(source / "map.tif", tmp_path / "bits.sarc", target_bpp=1.5, effort=1)
        items = [json.loads(item_of(str(path), path.name)) for path in (out / name, *sorted(tmp_path.glob("*.sarc")))]
        assert geoparquet.write_geoparquet(lambda: iter(items), tmp_path / "items.parquet") == 3
        from pyarrow import parquet

        told = [
            json.loads(text) for text in parquet.read_table(tmp_path / "items.parquet")["sarcodec:claims"].to_pylist()
        ]
        assert told == [one["properties"]["sarcodec:claims"] for one in items]
        assert {one["asked"]["target"] for one in told} == {"quality", "bpp", "class"}

    def test_what_readers_look_for(self, source, tmp_path):
        self.archived(source, tmp_path / "out")
        from pyarrow import parquet

        table = parquet.read_table(tmp_path / "out" / PARQUET)
        geo = json.loads(table.schema.metadata[b"geo"])
        assert geo["version"] == "1.1.0" and geo["columns"]["geometry"]["geometry_types"] == ["MultiPolygon", "Polygon"]
        assert json.loads(table.schema.metadata[b"stac-geoparquet"])["version"] == "1.1.0"
        assert str(table.schema.field("datetime").type) == "timestamp[us, tz=UTC]"
        assert table["id"].to_pylist() == [NAMED[:-4], "deep_map", "map"]
        nodata = [assets["data"]["bands"][0]["nodata"] for assets in table["assets"].to_pylist()]
        assert nodata[0] == 0 and nodata[1] is None and math.isnan(nodata[2])

    def test_valid_items(self, source, tmp_path):
        from doors.test_stac import valid

        for one in self.archived(source, tmp_path / "out"):
            assert valid(one)


def said(value):
    """What an item says: columns have nulls for what other items say; "nan" is a number there, which JSON has not; a polygon is one of several to some readers."""
    if isinstance(value, dict):
        if value.get("type") == "Polygon":
            value = {"type": "MultiPolygon", "coordinates": [value["coordinates"]]}
        kept = {key: said(one) for key, one in value.items() if one is not None and one not in ("nan", [])}
        return {key: one for key, one in kept.items() if one != {}}
    if isinstance(value, (list, tuple)):
        return [None if one == {} else said(one) for one in value]  # a band without a word is null
    return value


def test_well_known_binary():
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    one = geoparquet.well_known_binary({"type": "Polygon", "coordinates": [ring]})
    assert one[:13].hex() == "01030000000100000004000000" and len(one) == 13 + 64
    two = geoparquet.well_known_binary({"type": "MultiPolygon", "coordinates": [[ring], [ring]]})
    assert two == bytes.fromhex("010600000002000000") + one + one


def test_a_product_says_what_its_manifest_does(tmp_path):
    product = make_product(tmp_path)
    sarcodec.compress(product, tmp_path / "p.sarc", effort=0)
    found = sarcodec.stac.item(tmp_path / "p.sarc")
    told = found["properties"]
    assert found["id"] == product.name[:-5] and told["datetime"] == "2026-01-01T00:00:00Z"  # by the product's name
    assert (told["platform"], told["sar:instrument_mode"], told["sar:product_type"]) == ("sentinel-1a", "IW", "GRD")
    assert told["sar:polarizations"] == ["VV", "VH"] and told["sat:absolute_orbit"] == 60000


def test_a_band_without_a_word_is_null(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow (extra parquet) is not installed")
    from sarcodec.doors.geoparquet import write_geoparquet

    item = {"id": "a", "geometry": None, "links": [], "assets": {"data": {"href": "a.sarc", "bands": [{}, {}]}}, "properties": {"bands": [{}]}}  # fmt: skip
    assert write_geoparquet(lambda: [item], tmp_path / "items.parquet") == 1
    (row,) = parquet.read_table(tmp_path / "items.parquet").to_pylist()
    assert row["assets"] == {"data": {"href": "a.sarc", "bands": [None, None]}} and row["bands"] == [None]
