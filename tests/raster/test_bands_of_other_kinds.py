"""Bands that are no radar are found and kept exactly; radar is not taken for one; photographs are refused."""

import numpy as np
import pytest
from rasterio.crs import CRS

from raster.meanings import (
    COLS,
    NAN,
    ROWS,
    SCALED,
    angle,
    db,
    dn,
    meaning_of,
    power,
    scaled_db,
)
from sarcodec.errors import InvalidArgument, UnsupportedScene


@pytest.mark.parametrize("names", [("VV", "VH", "angle"), (None, None, None)])
@pytest.mark.parametrize("radar", [db, power])
def test_export_of_two_polarisations_and_an_angle(names, radar):
    found = meaning_of(radar(1), radar(2), angle(), descriptions=names)
    assert [m.kind for m in found] == ["radar", "radar", "exact"] and found[2].measure is None
    assert "angle" in found[2].why or "geometry" in found[2].why


def test_a_rough_angle_without_a_name_is_refused_not_coded():
    rough = (angle() + np.random.default_rng(1).normal(0, 4, (ROWS, COLS))).astype(np.float32)
    with pytest.raises(UnsupportedScene, match="band 3.*--exact-bands 3"):
        meaning_of(db(1), db(2), rough)
    assert meaning_of(db(1), db(2), rough, exact=[3])[2].kind == "exact"
    assert meaning_of(db(1), db(2), rough, descriptions=("VV", "VH", "localIncidenceAngle"))[2].kind == "exact"


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_classes_beside_radar(dtype):
    classes = np.repeat(np.repeat(np.random.default_rng(2).integers(1, 9, (6, 10)), 20, 0), 20, 1).astype(dtype)
    radar = dn(dtype=dtype, mean=60) if dtype != "float32" else db()
    assert [m.kind for m in meaning_of(radar, classes)] == ["radar", "exact"]
    mask = np.where(np.random.default_rng(3).random((ROWS, COLS)) < 0.3, 255, 0).astype(dtype)
    assert [m.kind for m in meaning_of(radar, mask)] == ["radar", "exact"]


def test_alpha_palette_units_and_names():
    assert meaning_of(dn(), dn(2), colorinterp=("gray", "alpha"))[1].why == "colour interpretation alpha"
    assert meaning_of(dn(dtype="uint8"), colorinterp=("palette",))[0].kind == "exact"
    assert meaning_of(db(), db(2), units=("dB", "degrees"))[1].kind == "exact"
    assert meaning_of(dn(), dn(2), descriptions=("VV", "layoverShadowMask"))[1].kind == "exact"


def test_the_unit_of_a_vertical_crs_is_not_the_band_s():
    wkt = CRS.from_epsg(7415).to_wkt()
    assert meaning_of(dn(), units=("metre",))[0].kind == "exact"
    assert meaning_of(dn(), units=("metre",), crs_wkt=wkt)[0].kind == "radar"


def test_dim_and_empty_bands_beside_radar_stay_radar():
    dim = dn(2, mean=3)
    assert [m.kind for m in meaning_of(dn(), dim)] == ["radar"] * 2
    assert [m.kind for m in meaning_of(dn(), np.zeros_like(dim))] == ["radar"] * 2


@pytest.mark.parametrize(
    "geometry",
    [
        np.linspace(52.1, 52.3, ROWS)[:, None] + np.zeros(COLS),
        np.linspace(-0.4, 0.4, COLS)[None] + np.zeros((ROWS, 1)),
        300 + 200 * np.sin(np.arange(COLS) / 60)[None] * np.cos(np.arange(ROWS) / 50)[:, None],
    ],
    ids=["latitude", "longitude about Greenwich", "heights"],
)
def test_other_geometry_without_names(geometry):
    assert [m.kind for m in meaning_of(power(), geometry.astype(np.float32))] == ["radar", "exact"]


def surface(seed: int = 5, size: int = 8) -> np.ndarray:
    """Hills: noise that is averaged over some pixels, three times over."""
    found = np.random.default_rng(seed).normal(0, 1, (ROWS + 60, COLS + 60))
    for axis in (0, 1, 0, 1, 0, 1):
        found = sum(np.roll(found, shift, axis) for shift in range(size))
    return (found / found.std())[30:-30, 30:-30]


@pytest.mark.parametrize("radar", [power, db])
def test_hilly_heights_without_a_name_bend_less_than_they_rise(radar):
    heights = (500 + 80 * surface()).astype(np.float32)
    for pixels in (heights, np.rint(heights)):
        assert [m.kind for m in meaning_of(radar(), radar(2), pixels)] == ["radar", "radar", "exact"]


def test_small_areas_of_classes_are_classes():
    classes = np.repeat(np.repeat(np.random.default_rng(2).integers(1, 40, (ROWS // 4, COLS // 4)), 4, 0), 4, 1)
    assert [m.kind for m in meaning_of(dn(), classes.astype(np.uint16))] == ["radar", "exact"]


@pytest.mark.parametrize("radar", [power, db])
def test_scattered_classes_in_float_are_classes(radar):
    """Areas of a pixel or two: neighbours are seldom equal, but speckle of floats is no whole number."""
    classes = np.random.default_rng(5).integers(0, 9, (ROWS, COLS)).astype(np.float32)
    kinds = [found.kind for found in meaning_of(radar(1), classes, radar(2))]
    assert kinds == ["radar", "exact", "radar"]


@pytest.mark.parametrize("dtype, scale, offset", SCALED[:2])
def test_an_undeclared_band_beside_declared_db_is_refused(dtype, scale, offset):
    """Whole numbers without a declaration are amplitude, but not beside bands that say that they are something else."""
    other = np.random.default_rng(4).integers(1000, 9000, (ROWS, COLS)).astype(dtype)
    facts = {"scales": (scale, 1.0), "offsets": (offset, 0.0), "units": ("dB", None)}
    with pytest.raises(UnsupportedScene, match="band 2 is amplitude.*other bands are db.*--exact-bands 2"):
        meaning_of(scaled_db(dtype, scale, offset), other, **facts)
    assert [found.kind for found in meaning_of(scaled_db(dtype, scale, offset), other, exact=[2], **facts)] == [
        "radar",
        "exact",
    ]


def test_a_float_band_unlike_the_others_is_refused_unless_it_says_what_it_is():
    coherence = np.random.default_rng(3).beta(5, 3, (ROWS, COLS)).astype(np.float32)
    with pytest.raises(UnsupportedScene, match="band 3 is power by its values.*--exact-bands 3.*--domain db"):
        meaning_of(db(), db(2), coherence)
    assert meaning_of(db(), db(2), coherence, descriptions=("VV", "VH", "coherence"))[2].kind == "exact"
    assert meaning_of(db(), db(2), coherence, units=("dB", "dB", "power"))[2].measure.domain == "power"
    few = np.full((ROWS, COLS), NAN, np.float32)
    few[3, 4:9] = (1, 2, 4, 3, 2.5)  # dB of bright targets, and nothing else
    found = meaning_of(db(), few)[1]
    assert found.measure.domain == "db" and found.why.startswith("too few")


def test_a_city_beside_a_field_is_no_geometry():
    city = power(2) * np.where(np.random.default_rng(4).random((ROWS, COLS)) < 0.02, 1000, 1).astype(np.float32)
    assert [m.kind for m in meaning_of(power(), city)] == ["radar", "radar"]
    assert [m.kind for m in meaning_of(power(), city, angle())] == ["radar", "radar", "exact"]


def test_named_bands_are_added_to_those_found_and_none_switches_finding_off():
    bands = db(1), db(2), angle()
    assert [m.kind for m in meaning_of(*bands, exact=[1])] == ["exact", "radar", "exact"]
    assert [m.kind for m in meaning_of(dn(), dn(2), exact=(), colorinterp=("gray", "alpha"))] == ["radar"] * 2
    with pytest.raises(InvalidArgument, match="band 4 .*the bands 1 to 3"):
        meaning_of(*bands, exact=[4])
    with pytest.raises(InvalidArgument, match="band 0 "):
        meaning_of(*bands, exact=[0])


@pytest.mark.parametrize(
    "colours", [("red", "green", "blue"), ("cyan", "magenta", "yellow", "black"), ("red", "green", "blue", "alpha")]
)
def test_a_photograph_is_refused(colours):
    picture = np.random.default_rng(1).integers(0, 256, (len(colours), 64, 96)).astype(np.uint8)
    with pytest.raises(UnsupportedScene, match="photograph.*--lossless.*--domain amplitude"):
        meaning_of(*picture, colorinterp=colours)
    assert meaning_of(*picture, colorinterp=colours, domain="amplitude")[0].kind == "radar"


def test_false_colours_with_names_of_polarisations_are_radar():
    bands = [dn(seed, "uint8", 60) for seed in (1, 2, 3)]
    found = meaning_of(*bands, colorinterp=("red", "green", "blue"), descriptions=("VV", "VH", "VV_2"))
    assert [m.kind for m in found] == ["radar"] * 3


def test_bytes_in_the_colours_of_gdal_beside_a_mask_are_radar():
    """GDAL calls three bands of bytes red, green and blue where nobody says what they are."""
    bands = [
        dn(1, "uint8", 60),
        dn(2, "uint8", 60),
        np.where(np.arange(COLS) < 50, 0, 255) + np.zeros((ROWS, 1), np.uint8),
    ]
    found = meaning_of(*(band.astype(np.uint8) for band in bands), colorinterp=("red", "green", "blue"))
    assert [m.kind for m in found] == ["radar", "radar", "exact"]
