"""Places of a reduced scene are the same places on the ground."""

import pytest

from sarcodec.format.scene import GroundControlPoint, SceneInfo
from sarcodec.format.scene_reduced import reduced_info


def test_places_are_scaled():
    info = SceneInfo(
        1001,
        64,
        1,
        "uint16",
        transform=(10.0, 1.0, 500_000.0, 2.0, -10.0, 4e6),
        gcps=(GroundControlPoint(20.5, 800, 1, 2, 3, "a", "b"),),
        nodata=(0.0,),
        tags=(
            ("", (("LINE_OFF", "7"),)),
            ("RPC", (("LINE_OFF", "15.5"), ("LINE_SCALE", "16"), ("SAMP_OFF", "much"), ("HEIGHT_OFF", "9"))),
            ("GEOLOCATION", (("LINE_OFFSET", "4"), ("LINE_STEP", "20"), ("X_BAND", "1"))),
        ),
    )
    found = reduced_info(info, 8)
    assert (found.rows, found.cols) == (126, 8)
    assert found.transform == (80.0, 8.0, 500_000.0, 16.0, -80.0, 4e6)
    assert found.gcps == (GroundControlPoint(20.5 / 8, 100, 1, 2, 3, "a", "b"),)
    tags = {name: dict(items) for name, items in found.tags}
    assert tags[""] == {"LINE_OFF": "7"}
    # The middle of line 15.5, which the polynomials count from the first pixel's middle, is 16 px below the corner.
    assert float(tags["RPC"]["LINE_OFF"]) == pytest.approx(16 / 8 - 0.5)
    assert float(tags["RPC"]["LINE_SCALE"]) == 2 and tags["RPC"]["SAMP_OFF"] == "much"
    assert tags["RPC"]["HEIGHT_OFF"] == "9"
    assert (tags["GEOLOCATION"]["LINE_OFFSET"], tags["GEOLOCATION"]["LINE_STEP"]) == ("0.5", "2.5")
    assert tags["GEOLOCATION"]["X_BAND"] == "1" and found.nodata == info.nodata


def test_a_scene_without_places_stays_without():
    assert reduced_info(SceneInfo(8, 8, 1, "uint8"), 8) == SceneInfo(1, 1, 1, "uint8")
