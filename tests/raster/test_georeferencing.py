"""Control points, CRS, transforms and rational polynomials come back as they were."""

import pytest
import rasterio
import rasterio.shutil
from rasterio.crs import CRS

from raster.coming_back import GRID, comes_back, listed
from raster.rasters import (
    UTM,
    facts,
    points,
    round_trip,
    tag,
    tiff,
    vrt,
)  # fmt: skip
from sarcodec.raster.geotiff import SceneReader, open_scene
from sarcodec.raster.quiet import open_reader


@pytest.mark.parametrize("count", [1, 12, 10_922, 10_923, 20_000])
def test_control_points_of_any_number(tmp_path, count):
    source = tiff(tmp_path / "a.tif", setup=lambda d: setattr(d, "gcps", (points(count), CRS.from_epsg(4326))))
    assert comes_back(source, tmp_path) == ([".aux.xml"] if count > 10_922 else [])


@pytest.mark.parametrize("point", ["", '<Metadata><MDI key="AREA_OR_POINT">Point</MDI></Metadata>'])
def test_control_points_with_names_of_their_own(tmp_path, point):
    tiff(tmp_path / "a.tif")
    listing = f'<GCPList Projection="EPSG:4326">{listed(points(5, "corner"), "north")}</GCPList>'
    assert comes_back(vrt(tmp_path / "a.vrt", "a.tif", point + listing), tmp_path) == [".aux.xml"]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32633", "EPSG:3035"])
@pytest.mark.parametrize("axes", ["", ' dataAxisToSRSAxisMapping="1,2"', ' dataAxisToSRSAxisMapping="2,1"'])
def test_axes_of_control_points(tmp_path, crs, axes):
    tiff(tmp_path / "a.tif")
    comes_back(
        vrt(tmp_path / "a.vrt", "a.tif", f'<GCPList Projection="{crs}"{axes}>{listed(points(5))}</GCPList>'), tmp_path
    )
    with open_scene(tmp_path / "a.vrt") as before, open_scene(tmp_path / "back.tif") as after:
        assert before.info == after.info


def test_control_points_beside_a_transform(tmp_path):
    tiff(tmp_path / "a.tif")
    source = vrt(tmp_path / "a.vrt", "a.tif", f'{UTM}<GCPList Projection="EPSG:4326">{listed(points(12))}</GCPList>')
    side = comes_back(source, tmp_path, notes=["GDAL_GEOREF_SOURCES=INTERNAL"], but=("crs", "axes"))
    assert side == [".aux.xml"]
    with rasterio.Env(GDAL_GEOREF_SOURCES="INTERNAL"), open_reader(tmp_path / "back.tif") as dataset:
        assert dataset.crs == CRS.from_epsg(32633) and dataset.transform == GRID


SYSTEMS = {
    "local": CRS.from_wkt('LOCAL_CS["grid",UNIT["metre",1],AXIS["E",EAST],AXIS["N",NORTH]]'),
    "engineering": CRS.from_wkt(
        'ENGCRS["site",EDATUM["peg"],CS[Cartesian,2],AXIS["a",east],AXIS["b",north],LENGTHUNIT["metre",1]]'
    ),
    "rotated pole": CRS.from_proj4(
        "+proj=ob_tran +o_proj=longlat +o_lon_p=-162 +o_lat_p=39.25 +lon_0=180 +to_meter=0.0174532925199433"
    ),
    "towgs84": CRS.from_proj4("+proj=laea +lat_0=52 +lon_0=10 +ellps=GRS80 +towgs84=1,2,3,4,5,6,7 +units=m"),
    "sinusoidal": CRS.from_proj4("+proj=sinu +R=6371007.181"),
    "geostationary": CRS.from_proj4("+proj=geos +h=35785831 +lon_0=9.5 +sweep=y"),
    "esri": CRS.from_string("ESRI:54030"),
    "three axes": CRS.from_epsg(4979),
    "compound": CRS.from_string("EPSG:32633+5773"),
    "polar": CRS.from_epsg(3995),
    "south": CRS.from_epsg(2193),
}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("form", ["tif", "vrt"])
def test_any_crs(tmp_path, name, form):
    crs = SYSTEMS[name]
    source = tiff(tmp_path / "a.tif", crs=crs, transform=GRID)
    if form == "vrt":
        words = crs.to_wkt().replace("&", "&amp;").replace('"', "&quot;")
        source = vrt(tmp_path / "a.vrt", "a.tif", f"<SRS>{words}</SRS><GeoTransform>5, 1, 0, 6, 0, -1</GeoTransform>")
    # Without a unit of its own, a band of a GeoTIFF has that of the vertical CRS.
    comes_back(source, tmp_path, but=("units",) if name == "compound" and form == "vrt" else ())
    with open_reader(source) as before, open_reader(tmp_path / "back.tif") as after:
        assert before.crs == after.crs and (form == "tif" or after.crs == crs)


def test_axes_and_epoch_of_the_crs(tmp_path):
    tiff(tmp_path / "a.tif")
    for axes in ("1,2", "2,1"):
        srs = f'<SRS dataAxisToSRSAxisMapping="{axes}" coordinateEpoch="2021.5">EPSG:4326</SRS>'
        source = vrt(tmp_path / "a.vrt", "a.tif", srs + "<GeoTransform>5, 1, 0, 6, 0, -1</GeoTransform>")
        round_trip(source, tmp_path / "back.tif", overwrite=True)
        assert facts(source)["axes"] == facts(tmp_path / "back.tif")["axes"] and "2021.5" in facts(source)["axes"]


@pytest.mark.parametrize(
    "numbers", ["5.1, 1.0000001, 0.3, 6.7, 0.1, -1", "1e-9, 0.1, 0, 7e9, 0, 0.3", "0.1, 0.2, 0, 0, 0, -1"]
)
@pytest.mark.parametrize("point", ["", '<Metadata><MDI key="AREA_OR_POINT">Point</MDI></Metadata>'])
def test_any_transform_exactly(tmp_path, numbers, point):
    tiff(tmp_path / "a.tif")
    body = f"<SRS>EPSG:32633</SRS><GeoTransform>{numbers}</GeoTransform>{point}"
    comes_back(vrt(tmp_path / "a.vrt", "a.tif", body), tmp_path)


def test_the_unit_of_a_vertical_crs_is_not_the_band_s(tmp_path):
    with SceneReader(tiff(tmp_path / "in.tif", crs="EPSG:7415")) as reader:
        assert reader.info.units == (None,)
    source = tiff(tmp_path / "unit.tif", crs="EPSG:7415", setup=lambda d: setattr(d, "units", ("dB",)))
    with SceneReader(source) as reader:
        assert reader.info.units == ("dB",)


def test_a_driver_that_says_nothing_of_a_transform_has_none(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5 30 20 255\n" + bytes(range(200)) * 3)
    with SceneReader(tmp_path / "a.pgm") as reader:  # of which rasterio gives what happens to be in memory
        assert reader.info.transform is None


def test_transform_without_crs_and_crs_without_transform(tmp_path):
    comes_back(tiff(tmp_path / "a.tif", transform=GRID), tmp_path)
    (tmp_path / "more").mkdir()
    comes_back(tiff(tmp_path / "b.tif", crs="EPSG:32633"), tmp_path / "more")


RPC = {
    **dict.fromkeys(("LINE_OFF", "SAMP_OFF", "LAT_OFF", "LONG_OFF", "HEIGHT_OFF"), "+0012.50"),
    **dict.fromkeys(("LINE_SCALE", "SAMP_SCALE", "LAT_SCALE", "LONG_SCALE", "HEIGHT_SCALE"), "1.0E+02"),
    **dict.fromkeys(("LINE_NUM_COEFF", "LINE_DEN_COEFF", "SAMP_NUM_COEFF", "SAMP_DEN_COEFF"), " ".join(["0.1"] * 20)),
}


@pytest.mark.parametrize(
    "more", [{}, {"LAT_OFF": "0.12345678901234567"}, {"MIN_LONG": "7.5", "ERR_BIAS": "0.3"}, {"OWN:KEY": "x"}]
)
def test_rational_polynomials_as_they_are_written(tmp_path, more):
    tiff(tmp_path / "a.tif")
    items = "".join(f'<MDI key="{key}">{value}</MDI>' for key, value in (RPC | more).items())
    source = vrt(tmp_path / "a.vrt", "a.tif", f'<Metadata domain="RPC">{items}</Metadata>')
    assert round_trip(source, tmp_path / "back.tif") == ()
    for key, value in (RPC | more).items():
        found = tag(tmp_path / "back.tif", key, domain="RPC")
        assert found == value or [float(word) for word in found.split()] == [float(word) for word in value.split()]
    assert (tmp_path / "back.tif.aux.xml").exists() == bool(more)
