"""compress and decompress are a pair: what must be the same is the same bit for bit, what may differ differs by a step."""

import dataclasses

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

import sarcodec
from api.scenes import amplitude, bits, speckle, store, walk
from sarcodec.entropy.step_index import step_db, step_of_quality
from sarcodec.errors import InvalidArgument, UnsupportedScene
from sarcodec.format.measure import Measure
from sarcodec.format.scene import GroundControlPoint
from sarcodec.raster.geotiff import read_array
from sarcodec.signal.radiometry import valid_mask

KINDS = [
    ("uint8", "amplitude"),
    ("uint16", "amplitude"),
    ("int16", "amplitude"),
    ("uint16", "power"),
    ("float32", "amplitude"),
    ("float32", "power"),
    ("float32", "db"),
]
SIZES = st.sampled_from([(1, 1), (1, 77), (90, 1), (31, 33), (513, 40), (40, 513)]) | st.tuples(
    st.integers(1, 70), st.integers(1, 70)
)
CONTENTS = ("speckle", "constant", "steep", "invalid")
FLOAT_PATTERNS = np.array(
    [0x7FC00000, 0x7F800001, 0xFFFFFFFF, 0x7F800000, 0xFF800000, 0x80000000, 0x00000000, 0xBF800000], np.uint32
)
MOST = {"uint8": 255, "uint16": 65535, "int16": 32767}


def valid_pixels(content: str, dtype: str, domain: str, size: tuple[int, int], seed: int) -> np.ndarray:
    """Pixels (1, rows, cols) that are valid everywhere."""
    power = speckle(seed, 1, *size)
    if content == "constant":
        power = np.full_like(power, 0.7)
    elif content == "steep":
        power = 10 ** np.random.default_rng(seed).uniform(-3, 3, power.shape)
    if domain == "db":
        return (10 * np.log10(power) - 11.3).astype(np.float32)
    scaled = 0.1 * power if dtype == "float32" else power * {"uint8": 60, "uint16": 300, "int16": 900}[dtype]
    scaled = scaled if domain == "power" else np.sqrt(scaled * (1 if dtype == "float32" else scaled.mean()))
    return scaled.astype(np.float32) if dtype == "float32" else np.rint(scaled).clip(1, MOST[dtype]).astype(dtype)


def spoil(pixels: np.ndarray, domain: str, content: str, share: float, nodata: float | None, seed: int) -> np.ndarray:
    """Some pixels, or a corner, or all, made invalid in all the ways there are."""
    random, dtype = np.random.default_rng(seed + 1), pixels.dtype
    chosen = random.random(pixels.shape) < share
    if seed % 2:
        chosen[:, : pixels.shape[1] // 3, : pixels.shape[2] // 2] = True
    if content == "invalid":
        chosen[:] = True
    if dtype.kind == "f":
        kinds = FLOAT_PATTERNS[:5] if domain == "db" else FLOAT_PATTERNS
        bits(pixels)[chosen] = random.choice(kinds, int(chosen.sum()))
    else:
        pixels[chosen] = random.choice([0, -1, -32768] if dtype == np.int16 else [0], int(chosen.sum()))
    if nodata is not None:
        pixels[random.random(pixels.shape) < share] = nodata
    return pixels


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(KINDS),
    SIZES,
    st.sampled_from(CONTENTS),
    st.sampled_from([0.0, 0.001, 0.3]),
    st.sampled_from([None, 0, 7, 200]),
    st.sampled_from([0, 25, 50.5, 60, 80, 100]),
    st.integers(0, 9),
)
@example(("float32", "power"), (513, 40), "speckle", 0.3, 7, 60, 1)
@example(("float32", "db"), (31, 33), "speckle", 0.3, 0, 60, 1)
@example(("int16", "amplitude"), (40, 513), "speckle", 0.3, 7, 60, 1)
@example(("uint8", "amplitude"), (1, 1), "invalid", 0.0, None, 60, 0)
@example(("uint16", "power"), (1, 1), "constant", 0.0, None, 100, 0)
@example(("float32", "power"), (70, 70), "steep", 0.0, None, 60, 0)
def test_invalid_pixels_are_kept_bit_for_bit_and_valid_ones_stay_valid(
    kind, size, content, share, nodata, quality, seed
):
    dtype, domain = kind
    pixels = spoil(valid_pixels(content, dtype, domain, size, seed), domain, content, share, nodata, seed)
    found = walk(pixels, {"nodata": () if nodata is None else (float(nodata),)}, quality=quality, domain=domain)
    assert found.after.shape == pixels.shape and found.after.dtype == pixels.dtype == np.dtype(dtype)
    before, after = (valid_mask(x, Measure(domain, nodata=nodata)) for x in (pixels, found.after))
    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(bits(pixels)[~before], bits(found.after)[~before])
    counted, taken = found.check.comparison.valid_pixels, "taken for fill" in found.report.band_kinds[0].why
    assert found.check.passed and (counted <= before.sum() if taken else counted == before.sum())
    assert found.info_after.nodata == found.info_before.nodata
    if dtype == "float32" and before.any():
        # Errors of an orthonormal transform are about step / 3.5; a strip that fills little of its cells may lose its contrast.
        levels, step = found.levels()[0][before], step_db(step_of_quality(quality))
        assert np.sqrt(np.square(found.error_db()).mean()) < 0.75 * step + levels.std()
    if content == "invalid":
        np.testing.assert_array_equal(bits(found.after), bits(pixels))


def test_fine_steps_give_integers_back_but_for_one():
    pixels = amplitude(3, 100, 120).clip(1, 200)
    found = walk(pixels, quality=100)
    assert np.abs(found.after.astype(int) - pixels).max() <= 5
    assert (found.after == pixels).mean() > 0.3 and found.check.comparison.rmse_db < 0.1


@pytest.mark.parametrize("value", [1, 40, 28000, 65535])
@pytest.mark.parametrize("quality", [20, 60])
def test_constant_scenes_come_back_as_they_are_and_cost_nearly_nothing(value, quality):
    found = walk(np.full((1, 300, 200), value, np.uint16), quality=quality)
    error = np.abs(found.after.astype(int) - value)
    assert error.max() <= 1 + 0.04 * step_db(step_of_quality(quality)) * value  # a third of a dB at a step of 1 dB
    assert found.report.bits_per_pixel < (0.03 if quality == 20 else 0.08)


def test_a_ship_comes_back_within_the_error_of_the_sea():
    random = np.random.default_rng(8)
    pixels = np.rint(40 * np.sqrt(random.gamma(4, 0.25, (1, 400, 400)))).clip(1).astype(np.uint16)
    ship = np.zeros(pixels.shape, bool)
    for row, col in ((100, 100), (203, 301), (255, 256), (398, 5)):
        ship[:, row : row + 2, col : col + 6] = True
    pixels[ship] = 28000
    found = walk(pixels, quality=70)
    before, after, _ = found.levels()
    error = np.abs(after - before)
    assert error[ship].max() <= 1.2 * error[~ship].max()
    assert np.sqrt(np.square(error[ship]).mean()) <= 1.5 * np.sqrt(np.square(error[~ship]).mean())
    assert np.abs(found.after[ship].astype(float) / 28000 - 1).max() < 0.2


def test_power_over_sixty_decades():
    random = np.random.default_rng(9)
    exponent = np.linspace(-30, 30, 150)[:, None] * np.ones(120) + random.normal(0, 0.3, (150, 120))
    pixels = (10 ** exponent.clip(-44, 38)).astype(np.float32)[None]
    pixels[0, 3, 3], pixels[0, 140, 100] = np.float32(1e-44), np.finfo(np.float32).max
    found = walk(pixels, quality=70, domain="power")
    # The largest float is taken for fill.
    assert found.check.passed and found.check.comparison.valid_pixels == pixels.size - 1
    assert np.sqrt(np.square(found.error_db()).mean()) < 0.5


def test_levels_far_from_radar_do_not_spoil_what_is_beside_them():
    pixels = (10 * np.log10(speckle(4, 1, 96, 200)) - 12).astype(np.float32)
    pixels[:, :, 100:] = -99
    found = walk(pixels, quality=70, domain="db")
    assert found.check.passed
    assert found.check.comparison.rmse_db < 0.5 and found.check.comparison.max_abs_error_db < 5


@pytest.mark.parametrize("value", [-9999, 1e6, -3.4028234663852886e38])
def test_a_fill_value_is_kept_and_spoils_nothing_declared_or_not(value):
    pixels = np.random.default_rng(1).normal(-12, 3, (1, 64, 64)).astype(np.float32)
    pixels[:, 20:30] = value
    for nodata in ((value,), ()):
        found = walk(pixels, {"nodata": nodata}, domain="db")
        assert found.check.passed and (found.after[:, 20:30] == np.float32(value)).all()
        assert found.check.comparison.rmse_db < 0.5


def test_levels_beyond_all_physics_are_refused_with_advice(tmp_path):
    pixels = np.random.default_rng(1).normal(-12, 3, (1, 64, 64)).astype(np.float32)
    pixels[0, 20, 30:33] = 2000, 3000, -5000
    store(tmp_path / "in.tif", pixels)
    with pytest.raises(UnsupportedScene, match="nodata"):
        sarcodec.compress(tmp_path / "in.tif", tmp_path / "out.sarc", domain="db", threads=1)
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


# What is said of a scene

POINTS = tuple(
    GroundControlPoint(r, c, 10 + c / 1000, 50 - r / 1000, 17.5 * r, str(1 + i))
    for i, (r, c) in enumerate([(0, 0), (0, 59), (49.5, 0), (49, 59)])
)


@pytest.mark.parametrize(
    "about",
    [
        {"transform": (10.0, 0.25, 399960.0, -0.125, -10.0, 5700000.5), "crs_wkt": CRS.from_epsg(32632).to_wkt()},
        {"gcps": POINTS, "gcp_crs_wkt": CRS.from_epsg(4326).to_wkt()},
        {},
    ],
)
def test_all_that_is_said_of_a_scene_comes_back(about):
    tags = (("", (("ORBIT", "ascending"), ("TEXT", "gamma \u2192 sigma"))), ("OTHER", (("a", "1"),)))
    about = about | {
        "nodata": (0.0, 0.0),
        "tags": tags,
        "descriptions": ("VV", "VH"),
        "units": ("DN", None),
        "band_tags": ((("", (("POLARISATION", "VV"),)),), ()),
        "scales": (0.5, 2.0),
        "offsets": (1.0, 0.0),
    }
    found = walk(amplitude(1, 50, 60, 2), about)
    before, after = found.info_before, found.info_after
    assert before.gcps == about.get("gcps", ()) and before.transform == about.get("transform")
    kept = tuple(group for group in after.tags if group[0] != "SARCODEC")
    assert dataclasses.replace(after, tags=kept) == before
    record = dict(dict(after.tags)["SARCODEC"])
    assert record["MODEL"] == found.report.model and float(record["STEP_DB"]) == pytest.approx(
        found.report.step_db, rel=1e-5
    )
    assert found.check.comparison.description_identical


def test_band_and_window_take_their_part_of_the_description(tmp_path):
    shift = (10.0, 0.25, 399960.0, -0.125, -10.0, 5700000.5)
    store(
        tmp_path / "in.tif",
        amplitude(2, 50, 60, 3),
        transform=shift,
        crs_wkt=CRS.from_epsg(32632).to_wkt(),
        descriptions=("a", "b", "c"),
    )
    sarcodec.compress(tmp_path / "in.tif", tmp_path / "s.sarc", threads=1)
    sarcodec.decompress(tmp_path / "s.sarc", tmp_path / "out.tif", window=((7, 27), (11, 41)), indexes=[3], threads=1)
    pixels, info = read_array(tmp_path / "out.tif")
    assert pixels.shape == (1, 20, 30) and info.descriptions == ("c",)
    assert info.transform == (10.0, 0.25, 399960.0 + 110 + 1.75, -0.125, -10.0, 5700000.5 - 11 * 0.125 - 70)


def test_domain_auto_is_stored_and_reported():
    power = (0.05 * speckle(6, 1, 40, 40)).astype(np.float32)
    assert walk(amplitude(1, 40, 40)).report.domain == "amplitude"
    assert walk(power, {"units": ("sigma0",)}).report.domain == "power"
    assert walk((10 * np.log10(power)).astype(np.float32)).report.domain == "db"


@pytest.mark.parametrize("dtype", ["complex64", "complex_int16", "int64", "uint64"])
def test_other_pixels_are_refused_with_advice(tmp_path, dtype):
    shape = {"driver": "GTiff", "width": 9, "height": 9, "count": 1, "transform": rasterio.Affine(10, 0, 5, 0, -10, 5)}
    with rasterio.open(tmp_path / "in.tif", "w", **shape, dtype=dtype) as file:
        file.write(np.ones((1, 9, 9), "complex64" if dtype.startswith("complex") else dtype))
    with pytest.raises(UnsupportedScene, match="complex" if dtype.startswith("complex") else "int64"):
        sarcodec.compress(tmp_path / "in.tif", tmp_path / "out.sarc")
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 101},
        {"quality": -1},
        {"quality": float("nan")},
        {"domain": "phase"},
        {"threads": 0},
    ],
)
def test_senseless_options_are_refused_before_anything_is_written(tmp_path, options):
    source = store(tmp_path / "in.tif", amplitude(1, 20, 20))
    with pytest.raises(InvalidArgument):
        sarcodec.compress(source, tmp_path / "out.sarc", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


def test_what_a_file_costs_beside_its_payloads(tmp_path):
    for bands, rows, cols in ((1, 20, 20), (3, 40, 1100)):
        source = store(tmp_path / "in.tif", amplitude(1, rows, cols, bands))
        sarcodec.compress(source, tmp_path / "out.sarc", overwrite=True, threads=1)
        found = sarcodec.info(tmp_path / "out.sarc")
        assert found.overhead_bytes <= 64 + 16 * found.tiles * found.bands
        assert (
            found.payload_bytes + found.description_bytes + found.overhead_bytes
            == (tmp_path / "out.sarc").stat().st_size
        )
        assert (found.rows, found.cols, found.bands, found.tiles) == (rows, cols, bands, -(-cols // 512))


@pytest.mark.parametrize("quality", [60, 90])
def test_verify_tells_another_image_from_the_original(tmp_path, quality):
    mine, other = (store(tmp_path / f"{seed}.tif", amplitude(seed, 200, 210)) for seed in (1, 2))
    sarcodec.compress(mine, tmp_path / "x.sarc", quality=quality, threads=1)
    right, wrong = (sarcodec.verify(tmp_path / "x.sarc", against=path, threads=1) for path in (mine, other))
    assert right.passed and right.comparison.error_plausible
    assert wrong.comparison.invalid_identical and not wrong.passed
