"""What the pixels of a scene are: decided from evidence, or refused with figures."""

import numpy as np
import pytest

from raster.meanings import (
    COLS,
    NAN,
    ROWS,
    SCALED,
    Case,
    cases,
    db,
    dn,
    domain_of,
    meaning_of,
    outcome,
    power,
    scaled_db,
    speckle,
)
from sarcodec.errors import InvalidArgument, UnsupportedScene
from sarcodec.signal.radiometry import Measure


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
