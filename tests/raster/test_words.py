"""Tags of every domain come back, whatever their keys, texts and bytes; what does not is named."""

import pytest
import rasterio
import rasterio.shutil
from rasterio.crs import CRS

from raster.coming_back import ARTIST, GDAL_METADATA, GRID, XMP, comes_back
from raster.rasters import (
    facts,
    gdal_metadata,
    raw_tiff,
    round_trip,
    tag,
    tiff,
    vrt,
)  # fmt: skip
from sarcodec.raster.geotiff import SceneReader, open_scene
from sarcodec.raster.quiet import open_reader


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
