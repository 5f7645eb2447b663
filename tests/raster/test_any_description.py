"""A property: whatever is said of a scene comes back through bytes and a GeoTIFF, or is named."""

import os
import tempfile
from dataclasses import fields

import numpy as np
import rasterio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sarcodec.format.scene import DTYPES, GroundControlPoint, SceneInfo, pack_scene, unpack_scene
from sarcodec.format.tiling import Window
from sarcodec.raster.geotiff import SceneReader, SceneWriter

SYSTEMS = [rasterio.CRS.from_epsg(code).to_wkt() for code in (4326, 32633, 3035)]
SYSTEMS.append(rasterio.CRS.from_proj4("+proj=laea +lat_0=5 +lon_0=1 +R=6371000 +units=m").to_wkt())
COLOURS = ["gray", "undefined", "alpha", "red", "sar_c", "nir", "Y", "pan"]

finite = st.floats(-1e15, 1e15).map(lambda value: value + 0.0)  # GDAL does not keep -0.0
words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), max_size=9)
# GDAL takes spaces off the ends of category names, and reads "&apos;" in them; the writer notes it then.
plain = words.map(lambda word: word.strip().replace("&", ""))
names = words.filter(lambda word: word.strip() and "=" not in word and word.strip() == word)
domains = st.sampled_from(["", "MINE", "D:X", "é <&>"])


def one_case(items):
    """GDAL's keys are the same in capitals; and S1 is hidden by S1:POL."""
    kept = {}
    for key, value in items:
        kept.setdefault(key.upper().split(":")[0].strip(), (key, value))
    return tuple(sorted(kept.values()))


tags = st.dictionaries(
    domains, st.lists(st.tuples(names, words.filter(bool)), min_size=1, max_size=3).map(one_case), max_size=2
).map(lambda found: tuple(sorted(found.items())))
points = st.builds(GroundControlPoint, finite, finite, finite, finite, finite, names, words)


def each(values, count):
    return st.lists(values, min_size=count, max_size=count).map(tuple)


@st.composite
def infos(draw):
    count = draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(DTYPES))
    fills = st.integers(0, 100).map(float) | (
        st.sampled_from([np.nan, -0.5, np.inf]) if "float" in dtype else st.nothing()
    )
    steps = finite.filter(bool)
    transform = draw(st.none() | st.tuples(steps, finite, finite, finite, steps, finite))
    gcps = tuple(draw(st.lists(points, max_size=3))) if transform is None else ()
    return SceneInfo(
        rows=draw(st.integers(1, 40)),
        cols=draw(st.integers(1, 40)),
        count=count,
        dtype=dtype,
        crs_wkt=None if gcps else draw(st.none() | st.sampled_from(SYSTEMS)),
        transform=transform,
        gcps=gcps,
        gcp_crs_wkt=draw(st.sampled_from(SYSTEMS)) if gcps else None,
        nodata=draw(each(st.none() | fills, count)),
        tags=draw(tags),
        band_tags=draw(each(tags, count)),
        descriptions=draw(each(st.none() | names, count)),
        units=draw(each(st.none() | names, count)),
        scales=draw(each(steps, count)),
        offsets=draw(each(finite, count)),
        colorinterp=draw(each(st.sampled_from(COLOURS), count)),
        mask=draw(st.sampled_from([None, "dataset", "bands"])),
        mask_form=draw(st.sampled_from(["internal", "sidecar"])),
        categories=draw(each(st.lists(plain, max_size=3).map(tuple), count)),
    )


@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(infos(), st.integers(0, 2**32 - 1))
def test_any_description_comes_back_or_is_named(info, seed):
    values = np.random.default_rng(seed).choice(np.array([0, 255], np.uint8), (info.mask_planes, info.rows, info.cols))
    whole = Window(0, 0, info.rows, info.cols)
    kept = unpack_scene(pack_scene(info), info.rows, info.cols, info.count, info.dtype)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.tif")
        with SceneWriter(path, kept) as writer:
            for plane, mask in enumerate(values):
                writer.write_mask(plane, whole, mask)
            for band in range(info.count):
                writer.write(band, whole, np.ones(whole.shape, info.dtype))
        with SceneReader(path) as reader:
            found, masks = reader.info, [reader.read_mask(plane, whole) for plane in range(reader.info.mask_planes)]
            assert reader.notes == ()
        assert set(os.listdir(folder)) <= {"a.tif", "a.tif.aux.xml", "a.tif.msk"}
    told = {field.name for field in fields(info) if repr(getattr(found, field.name)) != repr(getattr(info, field.name))}
    if info.mask != "dataset":
        told.discard("mask_form")  # Without a mask it means nothing, and those of bands lie beside the TIFF.
    assert not told or writer.notes, f"{told} differ and nothing is said: {found}"
    assert not writer.notes, (writer.notes, told)
    assert np.array_equal(np.array(masks).reshape(values.shape), values)
