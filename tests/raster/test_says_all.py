"""All that a raster says beside its pixels is read, packed, written and found again by GDAL."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio.crs import CRS
from rasterio.transform import from_origin

from raster.rasters import (
    COLS,
    ROWS,
    UTM,
    differing,
    facts,
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
from sarcodec.raster.quiet import open_reader, open_writer
from sarcodec.storage.output import Output

ARTIST, XMP, GDAL_METADATA = 315, 700, 42112
GRID = from_origin(500_000, 6_000_000, 10, 10)


def comes_back(source, folder, notes=(), but=()):
    """Everything but the facts `but`, and no word is said about a loss beyond those that `notes` match."""
    back = folder / "back.tif"
    said = round_trip(source, back)
    assert {name: pair for name, pair in differing(source, back).items() if name not in but} == {}
    assert len(said) == len(notes), said
    for pattern, sentence in zip(notes, said, strict=True):
        assert pattern in sentence
    return sorted(path.name[len("back.tif") :] for path in folder.iterdir() if path.name.startswith("back.tif."))


# Georeferencing


@pytest.mark.parametrize("count", [1, 12, 10_922, 10_923, 20_000])
def test_control_points_of_any_number(tmp_path, count):
    source = tiff(tmp_path / "a.tif", setup=lambda d: setattr(d, "gcps", (points(count), CRS.from_epsg(4326))))
    assert comes_back(source, tmp_path) == ([".aux.xml"] if count > 10_922 else [])


def listed(some, info=""):
    return "".join(
        f'<GCP Id="{p.id}" Info="{info}" Pixel="{p.col!r}" Line="{p.row!r}" X="{p.x!r}" Y="{p.y!r}" Z="{p.z!r}"/>'
        for p in some
    )


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


# Words


@pytest.mark.parametrize("band", [0, 1])
@pytest.mark.parametrize("key", ["ns", "bidx", "self", "S1:POL", "A:B:C", "a b", "é", "k<&>'", 'q"', "long" * 99])
@pytest.mark.parametrize("domain", ["", "MINE", "D:X", "é"])
def test_any_key_of_any_domain(tmp_path, band, key, domain):
    escaped = key.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    more = (f'domain="{domain}"' if domain else "", f'sample="{band - 1}"' if band else "")
    source = raw_tiff(tmp_path / "a.tif", {GDAL_METADATA: gdal_metadata((escaped, "7", *more), ("OTHER", "8", *more))})
    assert tag(source, key, band, domain or None) == "7"
    assert comes_back(source, tmp_path) == []
    assert tag(tmp_path / "back.tif", key, band, domain or None) == "7"
    assert tag(tmp_path / "back.tif", "OTHER", band, domain or None) == "8"


def test_an_empty_key_and_domains_that_gdal_computes_elsewhere(tmp_path):
    said = {"": {"": "no key", "A": "1"}, "SUBDATASETS": {"KEY": "not a name"}, "LocationInfo": {"KEY": "x"}}
    items = [
        (key, value, f'domain="{domain}"' if domain else "")
        for domain, tags in said.items()
        for key, value in tags.items()
    ]
    comes_back(raw_tiff(tmp_path / "a.tif", {GDAL_METADATA: gdal_metadata(*items)}), tmp_path)


@pytest.mark.parametrize("domain", ["XML:x", ""])
def test_texts_on_which_rasterio_crashes(tmp_path, domain):
    source = tiff(tmp_path / "a.tif")
    text = f'<Metadata domain="{domain}" format="xml"><a/></Metadata>'
    (tmp_path / "a.tif.aux.xml").write_text(f"<PAMDataset>{text}</PAMDataset>")
    round_trip(source, tmp_path / "back.tif")
    with SceneReader(tmp_path / "back.tif") as reader:
        assert reader.info.tags == ((domain, ((domain, "<a />"),)),)


def test_keys_and_domains_that_differ_in_case_alone_are_one(tmp_path):
    source = tiff(tmp_path / "a.tif")
    words = '<MDI key="a">1</MDI><MDI key="A">3</MDI></Metadata><Metadata domain="b"><MDI key="k">1</MDI></Metadata>'
    more = '<Metadata domain="B"><MDI key="k">2</MDI></Metadata>'
    (tmp_path / "a.tif.aux.xml").write_text(f"<PAMDataset><Metadata>{words}{more}</PAMDataset>")
    comes_back(source, tmp_path)


@pytest.mark.parametrize("where", ["tif", "vrt", "pam", "pam-domain", "vrt-domain"])
def test_keys_with_colons_from_anywhere(tmp_path, where):
    wanted = {"S1:POL": "VV", "S1:MODE": "IW=2", "S1:ORBIT:PASS": "ASC"}
    domain = "MY:DOMAIN" if "domain" in where else None
    items = "".join(f'<MDI key="{key}">{value}</MDI>' for key, value in wanted.items())
    words = f'<Metadata domain="{domain or ""}">{items}</Metadata>'
    if where == "tif":
        source = raw_tiff(tmp_path / "a.tif", {GDAL_METADATA: gdal_metadata(*wanted.items())})
    elif where.startswith("pam"):
        source = tiff(tmp_path / "a.tif")
        (tmp_path / "a.tif.aux.xml").write_text(f"<PAMDataset>{words}</PAMDataset>")
    else:
        tiff(tmp_path / "b.tif")
        source = vrt(tmp_path / "a.vrt", "b.tif", words)
    assert {key: tag(source, key, 0, domain) for key in wanted} == wanted
    assert round_trip(source, tmp_path / "back.tif") == ()
    assert {key: tag(tmp_path / "back.tif", key, 0, domain) for key in wanted} == wanted


TEXTS = [
    " spaces at both ends ",
    "line\nline\r\n\ttab",
    "é \U0001f6f0",
    "<a b='c'>&amp;</a>",
    "a=b=c",
    "&#1;",
    "x" * 9999,
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text(tmp_path, text):
    def setup(dataset):
        dataset.update_tags(KEY=text, OTHER="x")
        dataset.update_tags(1, KEY=text, OTHER="x")
        dataset.update_tags(1, ns="OWN", KEY=text, OTHER="x")

    source = tiff(tmp_path / "a.tif", setup=setup)
    assert comes_back(source, tmp_path) == []
    assert tag(tmp_path / "back.tif", "KEY", 1, "OWN") == tag(source, "KEY", 1, "OWN")


def test_empty_texts(tmp_path):
    source = raw_tiff(tmp_path / "a.tif", {GDAL_METADATA: gdal_metadata(("K", "&#0;"), ("L:M", "&#0;", 'sample="0"'))})
    assert tag(source, "K") == tag(source, "L:M", 1) == ""
    assert comes_back(source, tmp_path) == [] and tag(tmp_path / "back.tif", "L:M", 1) == ""


@pytest.mark.parametrize("space", [" ", "\t", "\n", "  "])
def test_spaces_before_a_text(tmp_path, space):
    escaped = "".join(f"&amp;#{ord(c)};" for c in space)
    source = raw_tiff(tmp_path / "a.tif", {GDAL_METADATA: gdal_metadata(("K", f"{escaped}x"), ("L", f"{escaped}"))})
    assert tag(source, "K") == f"{space}x"
    assert comes_back(source, tmp_path) == [] and tag(tmp_path / "back.tif", "K") == f"{space}x"


def test_official_crs_in_other_words_needs_no_side_file(tmp_path):
    words = CRS.from_epsg(32633).to_wkt().replace('"metre"', '"meters"').replace('"', "&quot;")
    tiff(tmp_path / "a.tif")
    source = vrt(tmp_path / "a.vrt", "a.tif", f"<SRS>{words}</SRS><GeoTransform>5, 1, -0.0, 6, -0.0, -1</GeoTransform>")
    assert comes_back(source, tmp_path, but=("crs",)) == []
    with open_reader(source) as before, open_reader(tmp_path / "back.tif") as after:
        assert before.crs == after.crs


def test_control_characters(tmp_path):
    source = raw_tiff(tmp_path / "a.tif", {GDAL_METADATA: gdal_metadata(("K", "a\x01b\x1fc"), ("L", "a&amp;#2;b"))})
    assert tag(source, "L") == "a\x02b" and tag(source, "K")
    assert comes_back(source, tmp_path) == []


@pytest.mark.parametrize("order", ["<", ">"])
def test_words_that_are_not_utf8_become_utf8(tmp_path, order):
    latin = (
        gdal_metadata(("K", "für"), ("U", "é"), ("B", "Zürich", 'sample="0"'), ("ü:x", "y")).decode().encode("latin-1")
    )
    source = raw_tiff(tmp_path / "a.tif", {ARTIST: "Institut für".encode("latin-1"), GDAL_METADATA: latin}, order)
    assert round_trip(source, tmp_path / "back.tif") == ()
    found = [tag(tmp_path / "back.tif", *key) for key in (("TIFFTAG_ARTIST",), ("K",), ("U",), ("B", 1))]
    assert found == ["Institut für", "für", "é", "Zürich"]


def test_words_of_bands_that_are_not_utf8(tmp_path):
    tiff(tmp_path / "a.tif")
    words = "<Description>Fläche</Description><UnitType>m²</UnitType>"
    source = vrt(tmp_path / "a.vrt", "a.tif", '<Metadata><MDI key="ü">ö</MDI></Metadata>', [words], encoding="latin-1")
    assert round_trip(source, tmp_path / "back.tif") == ()
    found = facts(tmp_path / "back.tif")
    assert (found["descriptions"], found["units"]) == (("Fläche",), ("m²",)) and tag(tmp_path / "back.tif", "ü") == "ö"


def test_tags_that_tiff_knows_itself(tmp_path):
    own = {"DOCUMENTNAME": "d", "IMAGEDESCRIPTION": "<i>&é", "SOFTWARE": "s", "DATETIME": "2021:01:02 03:04:05", "ARTIST": "a",
           "HOSTCOMPUTER": "h", "COPYRIGHT": "c", "XRESOLUTION": "72.25", "YRESOLUTION": "0.1", "RESOLUTIONUNIT": "3"}  # fmt: skip
    source = tiff(tmp_path / "a.tif", setup=lambda d: d.update_tags(**{f"TIFFTAG_{k}": v for k, v in own.items()}))
    assert comes_back(source, tmp_path) == []
    raw = (tmp_path / "back.tif").read_bytes()
    assert b"2021:01:02 03:04:05\0" in raw and b"TIFFTAG_" not in raw


@pytest.mark.parametrize("text", ["<plain><step>é &amp; x</step></plain>", "<a b='c'/>"])
@pytest.mark.parametrize("domain", ["xml:XMP", "xml:HISTORY", "xml:A B"])
@pytest.mark.parametrize("where", ["vrt", "pam"])
def test_domains_that_are_one_xml_text(tmp_path, domain, text, where):
    base = tiff(tmp_path / "a.tif")
    words = f'<Metadata domain="{domain}" format="xml">{text}</Metadata>'
    source = vrt(tmp_path / "a.vrt", "a.tif", words) if where == "vrt" else base
    if where == "pam":
        (tmp_path / "a.tif.aux.xml").write_text(f"<PAMDataset>{words}</PAMDataset>")
    assert comes_back(source, tmp_path) == []


def test_xmp_of_another_program(tmp_path):
    source = raw_tiff(tmp_path / "a.tif", {XMP: b"<?xpacket?><x>no sign</x>"})
    assert comes_back(source, tmp_path) == [] and b"<x>no sign</x>" in (tmp_path / "back.tif").read_bytes()


@pytest.mark.parametrize("text", ['{"a": [1, "x=y"], "b:c": 2}', '["no sign at all"]', '{"a": "b"}'])
def test_domains_that_are_one_json_text(tmp_path, text):
    tiff(tmp_path / "a.tif")
    source = vrt(tmp_path / "a.vrt", "a.tif", f'<Metadata domain="json:ISIS" format="json">{text}</Metadata>')
    assert comes_back(source, tmp_path) == [".aux.xml"]
    with open_scene(source) as before, open_scene(tmp_path / "back.tif") as after:
        assert before.info.tags == after.info.tags == (("json:ISIS", (("json:ISIS", text),)),)


def test_statistics_and_histograms_are_dropped_and_named(tmp_path):
    def setup(dataset):
        for band in (1, 2):
            dataset.update_tags(band, STATISTICS_MEAN="5", STATISTICS_VALID_PERCENT="100", KEPT="1")

    source = tiff(tmp_path / "a.tif", 2, setup=setup)
    item = "<HistItem><HistMin>0</HistMin><HistMax>1</HistMax><BucketCount>2</BucketCount><HistCounts>1|2</HistCounts></HistItem>"
    side = tmp_path / "a.tif.aux.xml"
    side.write_text(f'<PAMDataset><PAMRasterBand band="1"><Histograms>{item}</Histograms></PAMRasterBand></PAMDataset>')
    statistics, histograms = round_trip(source, tmp_path / "back.tif")
    assert "statistics of 2 bands" in statistics and "histograms" in histograms
    assert [item[2:] for item in facts(tmp_path / "back.tif")["tags"]] == [("KEPT", "1")] * 2


def test_layout_that_is_not_kept_is_named(tmp_path):
    source = tiff(tmp_path / "a.tif", rows=600, cols=600)
    with rasterio.open(source, "r+") as dataset:
        dataset.build_overviews([2, 4])
    assert ["overviews" in note for note in round_trip(source, tmp_path / "back.tif")] == [True]
    rasterio.shutil.copy(tmp_path / "a.tif", tmp_path / "cog.tif", driver="COG")
    notes = round_trip(tmp_path / "cog.tif", tmp_path / "back.tif", overwrite=True)
    assert any("cloud-optimised" in note for note in notes)
    source = raw_tiff(tmp_path / "own.tif", {65001: b"vendor's own"})
    assert "65001" in "".join(round_trip(source, tmp_path / "back.tif", overwrite=True))


def test_plain_files_have_no_notes_and_no_side_files(tmp_path):
    assert (
        comes_back(tiff(tmp_path / "a.tif", 3, "float32", nodata=0, crs="EPSG:32633", transform=GRID), tmp_path) == []
    )


# Bands


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


# Masks


def a_mask(kind=0):
    mask = np.full((ROWS, COLS), 255, np.uint8)
    mask[:, : 7 + kind], mask[15:, 20:] = 0, 0
    return mask


def masked(path, internal, count=2, **options):
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal):
        tiff(path, count, setup=lambda d: d.write_mask(a_mask()), **options)
    assert (path.parent / f"{path.name}.msk").exists() != internal
    return path


@pytest.mark.parametrize("options", [{}, {"nodata": 5}, {"dtype": "float32", "crs": "EPSG:32633"}])
def test_mask_in_the_form_in_which_it_came(tmp_path, options):
    assert comes_back(masked(tmp_path / "a.tif", True, **options), tmp_path) == []
    (tmp_path / "side").mkdir()
    assert comes_back(masked(tmp_path / "b.tif", False, **options), tmp_path / "side") == [".msk"]


def test_mask_beside_alpha(tmp_path):
    source = masked(tmp_path / "a.tif", True, alpha="YES")
    assert comes_back(source, tmp_path) == []


def side_mask(path, values, flags):
    with open_writer(
        f"{path}.msk", driver="GTiff", height=ROWS, width=COLS, count=len(values), dtype="uint8", compress="lzw"
    ) as file:
        file.update_tags(**{f"INTERNAL_MASK_FLAGS_{band}": flag for band, flag in flags.items()})
        file.write(np.stack(values))


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
    from sarcodec.format.tiling import Window

    info = SceneInfo(ROWS, COLS, 3, "uint16", mask="bands", masked_bands=(True, False, True),
                     tags=(("RPC", (("LINE_OFF", "12.5"), ("SAMP_OFF", "7"))),))  # fmt: skip
    part = excerpt(info, Window(2, 3, 4, 5), (1, 2))
    assert part.mask == "bands" and part.masked_bands == (False, True) and part.mask_planes == 2
    assert dict(part.tags[0][1]) == {"LINE_OFF": "10.5", "SAMP_OFF": "4"}
    assert excerpt(info, Window(0, 0, 1, 1), (1,)).mask is None


# Files


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
