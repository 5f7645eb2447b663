"""What bands are, from evidence: whatever is declared, filled or misleading, a wrong answer never comes; a refusal may."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from rasterio.crs import CRS

from sarcodec.errors import InvalidArgument, UnsupportedScene
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.declared import declarations, is_exact_name, text_domains, unit_domains
from sarcodec.raster.distribution import find_fills, hidden_values
from sarcodec.raster.geotiff import read_array
from sarcodec.raster.meaning import scene_meaning
from sarcodec.signal.radiometry import Measure, valid_mask

DATA = Path(os.environ.get("SARCODEC_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
NAN = float("nan")
ROWS, COLS = 120, 200
LOWEST = float(np.finfo(np.float32).min)


def speckle(mean: float, seed: int = 1, looks: float = 4.4, rows: int = ROWS) -> np.ndarray:
    """Power (rows, cols) on three grounds 6 dB apart, float64."""
    ground = np.repeat([0.5, 1.0, 2.0], -(-COLS // 3))[:COLS]
    return np.random.default_rng(seed).gamma(looks, mean / looks, (rows, COLS)) * ground


def power(seed: int = 1) -> np.ndarray:
    return speckle(0.05, seed).astype(np.float32)


def db(seed: int = 1) -> np.ndarray:
    return (10 * np.log10(speckle(0.05, seed))).astype(np.float32)


def dn(seed: int = 1, dtype: str = "uint16", mean: float = 200) -> np.ndarray:
    return np.clip(np.rint(mean * np.sqrt(speckle(1, seed))), 1, np.iinfo(dtype).max).astype(dtype)


def scaled_db(dtype: str, scale: float, offset: float) -> np.ndarray:
    limits = np.iinfo(dtype)
    return np.clip(np.rint((db() - offset) / scale), limits.min, limits.max).astype(dtype)


def framed(pixels: np.ndarray, fill: float) -> np.ndarray:
    pixels = pixels.copy()
    pixels[:, :20] = fill
    return pixels


def angle(seed: int = 0) -> np.ndarray:
    return np.linspace(29.1, 45.9, COLS, dtype=np.float32)[None] + np.linspace(0, 0.3, ROWS, dtype=np.float32)[:, None]


def meaning_of(*bands: np.ndarray, domain: str = "auto", exact=None, masked=None, **facts):
    rows, cols = bands[0].shape
    info = SceneInfo(rows, cols, len(bands), bands[0].dtype.name, **facts)
    masks = [None if masked is None else masked.reshape(-1)] * len(bands)
    return scene_meaning(info, [band.reshape(-1) for band in bands], masks, domain, exact)


def domain_of(pixels: np.ndarray, **facts) -> str:
    (found,) = meaning_of(pixels, **facts)
    return found.measure.domain if found.measure else "exact"


# Declarations


@pytest.mark.parametrize(
    "text, expected",
    [
        ("dB", {"db"}), ("decibels", {"db"}), ("[dB]", {"db"}), ("dB (m2/m2)", {"db"}), ("DN", {"amplitude"}), ("m2/m2", {"power"}),
        ("m^2 m^-2", {"power"}), ("1", {"amplitude", "power"}), ("linear", {"power"}), ("intensity_db", {"db"}),
        ("linear backscatter intensity", {"power"}), ("linear amplitude", {"amplitude"}), ("gamma0", {"power", "db"}),
        ("DN amplitude", {"amplitude"}), ("not dB", None), ("dB x 100", None), ("0.01 dB", None), ("10*log10(x)", None), ("linear, not dB", None),
        ("furlong", None), ("", None), ("dBase", None),
    ],
)  # fmt: skip
def test_units_count_as_wholes(text, expected):
    assert unit_domains(text) == (expected and frozenset(expected))


@pytest.mark.parametrize(
    "name, expected",
    [
        ("Sigma0_VV_db", {"db"}), ("Sigma0_VV", {"power", "db"}), ("Gamma0_VH_dB", {"db"}), ("Amplitude_VV", {"amplitude"}), ("VVdB", {"db"}),
        ("Intensity_VH", {"power"}), ("VV", None), ("Intensity_VV_db_slv1_26Dec2019", {"db"}), ("sigma nought VV", {"power", "db"}),
        ("VV backscatter in dB", {"db"}), ("Beta0-VV", {"power", "db"}), ("catalogue DB", None), ("sigma0 (not in dB)", None),
        ("apply 10*log10(x) to get dB", None), ("Linear sigma nought. Convert to decibel with 10*log10.", None),
        ("S1A_IW_GRDH_1SDV_20230115T170635_20230115T170700_046804_06DB77_1A2F", None), ("VV_06DB", None), ("059C85_DB1F", None),
    ],
)  # fmt: skip
def test_names_count_as_wholes(name, expected):
    assert text_domains(name) == (expected and frozenset(expected))


@pytest.mark.parametrize(
    "name",
    ["angle", "localIncidenceAngle", "projectedLocalIncidenceAngle", "incidenceAngleFromEllipsoid", "mask", "layoverShadowMask", "lat", "longitude",
     "elevation", "dem", "VV_mask", "quality", "Land cover class", "local_incidence_angle", "data-mask", "LIA", "Layover/Shadow mask",
     "inc_map_ell", "local incident angle", "ls_map", "LSMap", "validity", "orthorectifiedLat", "hgt", "SRTM", "Land Cover", "rtc_anf_gamma0_to_beta0",
     "border_mask", "Einfallswinkel", "Maske", "acquisition_time", "offNadirAngle", "localIncidenceAngle_VV", "ang", "theta_i", "eia", "grazing_angle", "nominal_incidence_angle",
     "ángulo de incidencia", "angolo_incidenza", "view_zenith", "landmask", "DOY", "NDVI", "coh12", "satellite_azimuth", "observation_count"],
)  # fmt: skip
def test_names_of_geometry_and_masks(name):
    assert is_exact_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "VV",
        "Sigma0_VV",
        "Sigma0_VV_use_local_inc_angle_from_dem",
        "Amplitude_HH",
        "backscatter seen at a steep angle",
        "Gamma0_VH_db",
        "VV_slope_corrected",
        "VV angle normalised",
        "VV date 20200101",
        "",
        "x" * 400,
    ],
)
def test_names_of_radar_are_no_geometry(name):
    assert not is_exact_name(name)


def test_metadata_counts_under_known_keys_alone():
    tags = (("", (("COMMENT", "dB"), ("TIFFTAG_SOFTWARE", "power"), ("CALIBRATION", "SIGMA0"), ("S1:UNITS", "dB"))),)
    found = declarations(SceneInfo(1, 1, 1, "float32", tags=tags), 0)
    assert [(d.where, d.own) for d in found] == [
        ("metadata CALIBRATION=SIGMA0", False),
        ("metadata S1:UNITS=dB", False),
    ]


# Fills


@pytest.mark.parametrize("fill", [-2, -99, -999, -9999, -32768, LOWEST, 1000, 0.125])
def test_fills_are_spikes_or_usual_values_far_away(fill):
    assert find_fills(framed(power(), fill).reshape(-1)) == (fill,)


def test_clipped_and_quantised_values_are_no_fills():
    assert find_fills(np.clip(db(), -25, -5).reshape(-1)) == ()
    assert find_fills(np.clip(dn(dtype="uint8", mean=200), 1, 255).reshape(-1)) == ()
    assert find_fills(np.rint(db()).reshape(-1)) == () and find_fills(np.full(999, 7, np.uint16)) == ()
    assert find_fills(np.repeat(np.array([1, 2, 3], np.uint8), 999)) == () and find_fills(np.zeros(0, np.float32)) == ()


@pytest.mark.parametrize("fill", [1e-30, 1e-10, 1e-5])
@pytest.mark.parametrize("pixels", [25, 240, ROWS * COLS // 2])
def test_a_floor_far_below_all_others_in_db_is_fill(fill, pixels):
    """10 log10 of it would be hundreds of dB below its neighbours."""
    filled = power().reshape(-1)
    filled[:pixels] = fill
    assert find_fills(filled) == (float(np.float32(fill)),)


@pytest.mark.parametrize("fill", [-30, -40, -1, 50])
def test_fill_just_beyond_all_levels(fill):
    assert find_fills(framed(db(), fill).reshape(-1)) == (fill,)
    clipped = np.clip(db(), -19, -8).reshape(-1)
    assert find_fills(clipped) == ()


@pytest.mark.parametrize("fill", [127, 255, 10_000])
def test_a_few_fills_do_not_turn_db_of_dn_into_dn(fill):
    """A value that a thousandth of the pixels have lifts the highest quantiles."""
    levels = (20 * np.log10(dn())).astype(np.float32)
    levels[0, :25] = fill
    with pytest.raises(UnsupportedScene, match="may be amplitudes or dB"):
        meaning_of(levels)


def test_whole_numbers_that_are_kept_as_measurements_are_not_said_to_be_fill():
    (found,) = meaning_of(framed(dn(), 255))
    assert found.measure == Measure("amplitude") and "fill" not in found.why


def test_two_fills_and_few_pixels_of_a_usual_one():
    pixels = framed(db(), -9999)
    pixels[5, 100:102] = -99
    assert find_fills(pixels.reshape(-1)) == (-9999, -99)


@pytest.mark.parametrize("fill", [-9999.0, 0.0, -99.0])
def test_fill_of_db_is_invalid_and_said(fill):
    pixels = framed(db(), fill)
    (found,) = meaning_of(pixels)
    assert found.measure == Measure("db", fills=(fill,)) and f"{fill:g}" in found.why
    assert np.array_equal(valid_mask(pixels, found.measure), pixels != fill)


@pytest.mark.parametrize(
    "dtype, scale, offset, fill",
    [("int16", 0.01, 0.0, 0), ("int16", 0.01, 0.0, -9999), ("int16", 0.01, -20.0, 0), ("uint8", 0.2, -50.0, 255), ("uint8", 0.2, -50.0, 0)],
)  # fmt: skip
@pytest.mark.parametrize("unit", ["dB", None])
def test_undeclared_fill_of_scaled_db(dtype, scale, offset, fill, unit):
    """Also where it lies next to the levels, or among them."""
    pixels = framed(np.minimum(scaled_db(dtype, scale, offset), 245 if dtype == "uint8" else 30_000), fill)
    (found,) = meaning_of(pixels, scales=(scale,), offsets=(offset,), units=(unit,))
    assert found.measure == Measure("db", scale, offset, fills=(float(fill),))
    assert not valid_mask(pixels, found.measure)[:, :20].any()
    assert np.array_equal(valid_mask(pixels, found.measure)[:, 20:], pixels[:, 20:] != fill)


def test_levels_that_are_clipped_are_no_fill():
    for low, high in ((-20, -10), (-17, -5), (-40, -9)):
        pixels = np.clip(np.rint(db() / 0.25), low / 0.25, high / 0.25).astype(np.int16)
        assert find_fills(pixels.reshape(-1)) == ()


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_saturated_pixels_of_a_stretched_image_are_no_fill(step):
    """A stretch leaves gaps between values, and one pixel in thirty at the end of the type."""
    pixels = np.minimum(np.rint(dn(mean=190) / step) * step, 255).astype(np.uint8)
    assert np.mean(pixels == 255) > 0.005
    assert find_fills(pixels.reshape(-1)) == () and meaning_of(pixels)[0].measure == Measure("amplitude")


def test_fill_that_is_invalid_anyway_is_not_listed():
    assert meaning_of(framed(power(), -9999))[0].measure == Measure("power")
    assert meaning_of(framed(dn(dtype="int16"), -9999))[0].measure == Measure("amplitude")
    assert meaning_of(framed(dn(), 65535))[0].measure == Measure("amplitude", fills=(65535.0,))


def test_values_that_a_mask_hides():
    masked = np.zeros((ROWS, COLS), bool)
    masked[:, :20] = True
    (found,) = meaning_of(framed(dn(), 7000), masked=masked)
    assert found.hidden == (7000.0,) and found.measure == Measure("amplitude")
    assert meaning_of(dn(), masked=masked)[0].hidden == ()
    assert np.isnan(hidden_values(np.full(9, NAN, np.float32), np.ones(9, bool))[0])


# Whole scenes


@dataclass(frozen=True)
class Case:
    """Pixels of a known domain, and what may be answered beside a refusal."""

    name: str
    answers: set[str]
    pixels: np.ndarray
    facts: dict = field(default_factory=dict)


WORDS = (
    {"tags": (("", (("PRODUCT", "S1A_IW_GRDH_1SDV_20230115T170635_20230115T170700_046804_06DB77_1A2F"),)),)},
    {"tags": (("", (("TIFFTAG_IMAGEDESCRIPTION", "Sentinel-1 scene 4711, exported from the catalogue DB"),)),)},
    {"tags": (("", (("DESCRIPTION", "sigma0 (not in dB)"),)),)},
    {
        "tags": (
            (
                "",
                (("OUTPUT_BACKSCATTER_DECIBEL_CONVERSION_EQUATION", "backscatter_dB = 10*log10(backscatter_linear)"),),
            ),
        )
    },
    {"tags": (("", (("UNITS", "not dB"),)),)},
    {"descriptions": ("apply 10*log10(x) to get dB",)},
    {"descriptions": ("power",)},
    {"descriptions": ("VV_db",)},
    {"descriptions": ("Sigma0_VV",)},
    {"units": ("dB",)},
    {"units": ("amplitude",)},
    {"tags": (("", (("SCALE", "POWER"),)),)},
    {"tags": (("", (("SCALE", "DECIBEL"), ("RADIOMETRY", "GAMMA0"))),)},
)
SCALED = (
    ("uint16", 0.01, -50.0),
    ("int16", 0.01, 0.0),
    ("uint8", 0.2, -50.0),
    ("uint8", -0.2, 5.0),
    ("int32", 1e-4, 0.0),
)


def cases(amplitude: np.ndarray) -> Iterator[Case]:
    """Of amplitudes (rows, cols), 0 invalid: on every scale, with every fill and every word."""
    valid = amplitude > 0
    level = amplitude.astype(float) / np.median(amplitude[valid])
    linear = 0.05 * level**2
    with np.errstate(divide="ignore"):
        decibel = np.where(valid, 10 * np.log10(linear), NAN)
    for word in ({}, *WORDS):
        # Declared amplitude, in values that amplitudes of another calibration may have: that is what they are.
        said = {"amplitude"} if word.get("units") == ("amplitude",) else {"power"}
        yield Case("power", said, linear.astype(np.float32), word)
        yield Case("power in double", said, linear, word)
        yield Case("dB", {"db"}, decibel.astype(np.float32), word)
        yield Case("power less noise", said, np.where(valid, linear - 0.005, 0).astype(np.float32), word)
    for fill in (-1, -2, -30, -99, -999, -9999, -32768, LOWEST, 0, NAN):
        yield Case(f"power with {fill}", {"power"}, framed(linear.astype(np.float32), fill))
        yield Case(
            f"dB with {fill}", {"db"}, framed(decibel.astype(np.float32), fill if fill not in (-1, -2, -30) else 0)
        )
    yield Case("DN", {"amplitude"}, amplitude)
    yield Case("DN in float", {"amplitude"}, amplitude.astype(np.float32))
    yield Case("DN resampled", {"amplitude"}, (1.0137 * amplitude).astype(np.float32))
    yield Case("squares of DN", {"power"}, amplitude.astype(np.float32) ** 2)
    yield Case("DN in float, called dB", set(), amplitude.astype(np.float32) + np.float32(300), {"units": ("dB",)})
    yield Case("dB of DN", {"db"}, (20 * np.log10(np.maximum(amplitude, 1))).astype(np.float32))
    yield Case(
        "dB of DN, named",
        {"db"},
        (20 * np.log10(np.maximum(amplitude, 1))).astype(np.float32),
        {"units": ("amplitude_db",)},
    )
    for dtype, scale, offset in SCALED:
        limits = np.iinfo(dtype)
        pixels = np.clip(np.rint((np.nan_to_num(decibel, nan=-45) - offset) / scale), limits.min, limits.max).astype(
            dtype
        )
        declared = {"scales": (scale,), "offsets": (offset,)}
        yield Case(f"scaled {dtype}", {"db"}, pixels, declared | {"units": ("dB",)})
        yield Case(f"scaled {dtype}, no unit", {"db"}, pixels, declared)
        yield Case(f"scaled {dtype}, no scale", {"db"}, pixels, {"units": ("dB",)})


def outcome(case: Case) -> str:
    try:
        found = domain_of(case.pixels, **case.facts)
    except UnsupportedScene as error:
        assert "band 1" in str(error) and "--domain" in str(error), error
        return "refused"
    return "right" if found in case.answers else f"{case.name} with {case.facts} is taken for {found}"


def test_no_combination_is_taken_for_something_else():
    found = [outcome(case) for case in cases(dn())]
    assert not set(found) - {"right", "refused"}
    assert found.count("right") > 0.6 * len(found)


USUAL = [
    Case("sigma nought", {"power"}, power()),
    Case("sigma nought in dB", {"db"}, db()),
    Case("DN", {"amplitude"}, dn()),
    Case("DN, 8 bits", {"amplitude"}, dn(dtype="uint8", mean=60)),
    Case(
        "DN, signed, few negative",
        {"amplitude"},
        np.where(np.arange(ROWS * COLS).reshape(ROWS, COLS) < 9, -1, dn(dtype="int16")),
    ),
    Case("DN in float", {"amplitude"}, dn().astype(np.float32)),
    Case("DN resampled", {"amplitude"}, (dn() * 1.01).astype(np.float32)),
    Case("SNAP", {"db"}, db(), {"descriptions": ("Sigma0_VV_db",)}),
    Case("SNAP, linear", {"power"}, power(), {"descriptions": ("Sigma0_VV",)}),
    Case("SNAP, intensity", {"power"}, speckle(4e4).astype(np.float32), {"descriptions": ("Intensity_VV",)}),
    Case("ASF amplitude", {"amplitude"}, np.sqrt(power()), {"tags": (("", (("SCALE", "AMPLITUDE"),)),)}),
    Case("unit DN", {"amplitude"}, dn(mean=30).astype(np.float32), {"units": ("DN",)}),
    Case(
        "dB above 0", {"db"}, (10 * np.log10(speckle(1e4))).astype(np.float32), {"descriptions": ("Intensity_VV_db",)}
    ),
    Case("less noise", {"power"}, power() - np.float32(0.02)),
    Case("intensity in whole numbers", {"power"}, (dn().astype(np.uint32) ** 2), {"descriptions": ("Intensity_VV",)}),
    Case("dark DN in float", {"amplitude"}, dn(mean=2).astype(np.float32)),
    Case("short for amplitude", {"amplitude"}, np.sqrt(power()), {"descriptions": ("VV_amp",)}),
    Case("scaled sigma nought", {"power"}, dn(mean=400), {"descriptions": ("sigma0",), "scales": (1e-4,)}),
    Case("product of dB, written as DN", {"amplitude"}, dn(), {"tags": (("", (("UNIT", "dB"),)),)}),
    *(
        Case(f"scaled {d}", {"db"}, scaled_db(d, s, o), {"scales": (s,), "offsets": (o,), "units": ("dB",)})
        for d, s, o in SCALED
    ),
    *(
        Case(f"scaled {d}, no unit", {"db"}, scaled_db(d, s, o), {"scales": (s,), "offsets": (o,)})
        for d, s, o in SCALED
    ),
]


@pytest.mark.parametrize("case", USUAL, ids=lambda case: case.name)
def test_usual_scenes_are_taken(case):
    assert {domain_of(case.pixels, **case.facts)} == case.answers


def test_scale_and_offset_are_in_the_measure():
    (found,) = meaning_of(scaled_db("uint8", 0.2, -50.0), scales=(0.2,), offsets=(-50.0,), units=("dB",), nodata=(0.0,))
    assert found.measure == Measure("db", 0.2, -50.0, 0.0) and found.why == "unit 'dB', scale 0.2 and offset -50"


@pytest.mark.parametrize(
    "pixels, facts, words",
    [
        (speckle(1e4).astype(np.float32), {"units": ("dB",)}, "declared as dB.*--domain amplitude.*--domain db"),
        (db(), {"descriptions": ("Intensity_VV",)}, "declared as linear power.*--domain db.*--domain power"),
        (power(), {"descriptions": ("VV_db",)}, "declared as dB.*--domain power"),
        (db(), {"units": ("dB",), "tags": (("", (("SCALE", "POWER"),)),)}, "contradict each other"),
        ((10 * np.log10(speckle(1e4))).astype(np.float32), {}, "may be amplitudes or dB"),
        (speckle(4e4).astype(np.float32), {}, "amplitudes or intensities"),
        (np.random.default_rng(1).normal(0, 300, (ROWS, COLS)).astype(np.float32), {}, "neither dB"),
        (scaled_db("int16", 0.01, 0), {}, "negative.*-scale 0.01 -units dB"),
        (scaled_db("int16", 0.01, 0), {"units": ("dB",)}, "dB by declaration.*-scale 0.01 -units dB"),
        (scaled_db("uint16", 0.01, -50), {"tags": (("", (("UNIT", "dB"),)),)}, "dB by declaration"),
    ],
)
def test_weak_or_contradictory_evidence_is_refused_with_figures(pixels, facts, words):
    with pytest.raises(UnsupportedScene, match=f"(?s)(?=.*band 1)(?=.*median).*{words}"):
        meaning_of(pixels, **facts)


def test_the_user_s_domain_is_obeyed_unless_impossible():
    assert domain_of(power(), domain="amplitude") == "amplitude" and domain_of(dn(), domain="power") == "power"
    assert domain_of(speckle(4e4).astype(np.float32), domain="power") == "power"
    assert domain_of(np.rint(db()).astype(np.int8), domain="db") == "db"
    assert (
        domain_of(np.where(np.arange(COLS) < 60, -7, dn(dtype="int16")).astype(np.int16), domain="amplitude")
        == "amplitude"
    )
    for pixels, domain, words in (
        (db(), "amplitude", "100% below 0.*--domain db"),
        (dn(), "db", "median.*-scale 0.01 -units dB"),
    ):
        with pytest.raises(UnsupportedScene, match=words):
            domain_of(pixels, domain=domain)
    with pytest.raises(InvalidArgument, match="expected auto"):
        domain_of(power(), domain="decibel")


@pytest.mark.parametrize(
    "dtype, expected", [("uint8", "amplitude"), ("int32", "amplitude"), ("float32", "power"), ("float64", "power")]
)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 60)])
@pytest.mark.parametrize("value", [0, 1])
def test_constant_tiny_and_empty_bands_have_a_sensible_answer(dtype, expected, shape, value):
    assert domain_of(np.full(shape, value, dtype)) == expected
    (found,) = meaning_of(np.full(shape, value, dtype), nodata=(float(value),))
    assert found.measure.domain == expected and "no valid pixel" in found.why


def test_a_band_without_valid_pixels_goes_with_the_others():
    found = meaning_of(db(), np.full((ROWS, COLS), NAN, np.float32))
    assert [m.measure.domain for m in found] == ["db", "db"] and "other bands" in found[1].why


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint32", "float32", "float64"])
def test_any_bits_have_an_answer_or_are_refused(dtype):
    random = np.random.default_rng(6)
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}")
    for shape in ((1, 1), (7, 9), (100, 90)):
        pixels = random.integers(0, np.iinfo(unsigned).max, shape, unsigned, endpoint=True).view(dtype)
        assert domain_of(pixels, domain="power") == "power"
        try:
            assert meaning_of(pixels)[0].kind == "radar"
        except UnsupportedScene as error:
            assert "band 1" in str(error)


def test_a_band_of_nothing_but_fill():
    empty = np.full((ROWS, COLS), -9999, np.float32)
    assert [m.measure.domain for m in meaning_of(db(), empty)] == ["db", "db"]
    assert meaning_of(db(), empty)[1].measure.fills == (-9999,)
    assert [m.measure.domain for m in meaning_of(power(), np.where(db() > -10, 0, empty))] == ["power", "power"]
    assert domain_of(np.full((ROWS, COLS), -9999, np.int16)) == "amplitude"


def test_bands_may_be_of_several_domains():
    found = meaning_of(power(), db(), descriptions=("Sigma0_VV", "Sigma0_VV_db"))
    assert [m.measure.domain for m in found] == ["power", "db"]


# Bands that are no radar


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


# Real images


def images() -> list[tuple[Path, str]]:
    if not (DATA / "index.csv").exists():
        return []
    with open(DATA / "index.csv", newline="") as file:
        listed = [DATA / row["file"] for row in csv.DictReader(file)]
    known = [(path, "amplitude") for path in listed if path.suffix == ".tif" and "complex" not in path.parts]
    known += [(path, "db") for path in sorted((DATA / "products").glob("*db.tif"))]
    return known + [(path, "amplitude") for path in sorted((DATA / "products").glob("*.tiff"))]


needs_data = pytest.mark.skipif(not images(), reason=f"no index.csv in {DATA} (SARCODEC_DATA)")


@needs_data
def test_every_real_image_is_what_it_is():
    wrong = []
    for path, domain in images():
        pixels, info = read_array(path)
        found = scene_meaning(info, [band.reshape(-1) for band in pixels], [None] * info.count)
        wrong += [(path.name, m) for m in found if m.measure is None or m.measure.domain != domain or m.measure.fills]
    assert not wrong


@needs_data
@pytest.mark.parametrize("part", range(3))
def test_no_real_image_is_taken_for_something_else(part):
    found = []
    for path, _ in [pair for pair in images() if pair[1] == "amplitude"][part * 11 :: 47]:
        band = read_array(path)[0][0][:256, :256]
        found += [(path.name, outcome(case)) for case in cases(band)] if (band > 0).mean() > 0.5 else []
    assert not [one for one in found if one[1] not in ("right", "refused")]
    assert found and sum(one[1] == "right" for one in found) > 0.6 * len(found)
