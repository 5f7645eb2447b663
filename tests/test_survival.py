"""Whatever a raster says and holds comes back: drawn scenes through compress and decompress, held to tests/survival.py."""

import importlib.util
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

import sarcodec
from described import Described, described, write
from facets import describe
from promised_pixels import pixel_faults, promises
from survival import faults

WITH_JPEG_XL = importlib.util.find_spec("imagecodecs") is not None
MODES = {"learned": {"effort": 0}, "lossless": {"lossless": True}, "bounded": {"max_error_db": 0.5}}


def survived(scene: Described, options: dict) -> list[str]:
    """What did not come back of a scene."""
    with tempfile.TemporaryDirectory() as name:
        source = write(scene, Path(name))
        packed, back = Path(name) / "scene.sarc", Path(name) / "back.tif"
        first = sarcodec.compress(source, packed, domain=scene.domain, threads=1, **options)
        second = sarcodec.decompress(packed, back, threads=1)
        before, about = describe(source), sarcodec.info(packed)
        kinds = [(kind.kind, kind.domain) for kind in about.band_kinds]
        for kind, said in zip(kinds, scene.bands, strict=True):
            assert kind[0] == "exact" or said == "radar", f"a band of {said} is coded as {kind[0]}"
        notes = "\n".join((*first.notes, *second.notes))
        wrong = pixel_faults(source, back, promises(kinds, about.max_error_db, before))
        return wrong + faults(before, describe(back), notes)


needs_jpeg_xl = pytest.mark.skipif(not WITH_JPEG_XL, reason="needs the extra `bounded`")


@pytest.mark.parametrize(
    "mode", ["learned", pytest.param("lossless", marks=needs_jpeg_xl), pytest.param("bounded", marks=needs_jpeg_xl)]
)
@settings(max_examples=25, deadline=None, derandomize="CI" in os.environ)
@given(scene=described())
def test_a_raster_comes_back_with_all_that_it_says(mode, scene):
    assert survived(scene, MODES[mode]) == []
