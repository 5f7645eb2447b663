"""Units, names and metadata count as whole words under known keys."""

import pytest

from sarcodec.format.scene import SceneInfo
from sarcodec.raster.declared import declarations, is_exact_name, text_domains, unit_domains


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
