"""What an open scene shows of itself, in a line and as a table."""

import pytest
from rasterio.crs import CRS

import sarcodec
from api.scenes import amplitude, store
from sarcodec.format.scene import GroundControlPoint


def test_repr_says_what_the_scene_is(scene, packed):
    text = repr(scene)
    for word in (
        str(packed),
        "2 bands x 90 rows x 130 cols",
        "uint16",
        "WGS 84 / UTM zone 33N (EPSG:32633)",
        "learned, quality 60",
    ):
        assert word in text
    assert "\n" not in text and "closed" not in text


def test_the_table_says_more_and_is_escaped(scene, packed):
    html = scene._repr_html_()
    for word in (
        "x &lt;&amp;&gt; y.sarc",
        "uint16",
        "UTM zone 33N",
        "500000",
        "1: VV [DN]",
        "2: &quot;VH&quot; &lt;b&gt;",
        "quality 60",
    ):
        assert word in html
    assert f"{packed.stat().st_size:,}" in html and "bits a pixel" in html and "<b>" not in html


@pytest.mark.parametrize(
    "options, about, words",
    [
        ({"lossless": True}, {}, ("lossless", "1 band x", "no CRS")),
        ({"max_error_db": 0.5}, {}, ("bounded, at most 0.5 dB off",)),
        (
            {"lossless": True},
            {
                "gcps": tuple(GroundControlPoint(i, i * i, i, 2 * i) for i in range(5)),
                "gcp_crs_wkt": CRS.from_epsg(4326).to_wkt(),
            },
            ("WGS 84 (EPSG:4326)",),
        ),
    ],
    ids=["lossless", "bounded", "control points"],
)
def test_other_scenes_are_shown_too(tmp_path, options, about, words):
    store(tmp_path / "in.tif", amplitude(2, 40, 30), **about)
    sarcodec.compress(tmp_path / "in.tif", tmp_path / "x.sarc", threads=1, **options)
    with sarcodec.open((tmp_path / "x.sarc").read_bytes(), threads=1) as scene:
        assert all(word in repr(scene) for word in words)
        assert ("5 ground control points" in scene._repr_html_()) == bool(about)
