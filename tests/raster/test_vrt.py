"""A property: whatever is said of a scene is said by its VRT."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from raster.test_any_description import infos
from sarcodec.format.scene_reduced import reduced_info
from sarcodec.raster.comparing import differences
from sarcodec.raster.description import read_info
from sarcodec.raster.quiet import open_reader
from sarcodec.raster.vrt import vrt


@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
@given(infos())
def test_a_vrt_says_all_of_a_scene(info):
    text = vrt(
        "module.function", info, lambda plane: {"plane": str(plane)}, [(reduced_info(info, 8), lambda plane: {})]
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.vrt"
        path.write_bytes(text)
        with open_reader(path) as dataset:
            found = read_info(dataset)
    assert not differences(info, found)


@pytest.mark.parametrize("value", [" one", "\ttwo", "\nthree", "  four", " "])
@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(info=infos())
def test_spaces_before_a_text_stay(value, info):
    count = info.count
    info = replace(info, tags=(("MINE", (("key", value),)),), band_tags=((),) * count, units=(value,) * count)
    info = replace(info, descriptions=(value,) * count, categories=((value, "five"),) * count)
    text = vrt("module.function", info, lambda plane: {}, [])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.vrt"
        path.write_bytes(text)
        with open_reader(path) as dataset:
            found = read_info(dataset)  # as GDAL has it: rasterio's own tags() passes over spaces
    assert dict(found.tags)["MINE"] == (("key", value),)
    assert (found.descriptions, found.units, found.categories) == (info.descriptions, info.units, info.categories)
