"""Reduced pictures: their power is the ground's, a window is the same pixels of the whole, borders leave no seam, and little of the file is read."""

import io

import numpy as np
import pytest

import sarcodec
from api.scenes import bits
from format.taken_apart import apart, resealed
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.sections import OVERVIEW, REDUCED_MASK, Payload, Section, pack_tile
from sarcodec.format.tiling import Window

ROWS, COLS = 610, 1046  # two by three tiles, the last ones narrow and no multiples of 8
SIDES = (8, 16, 32)


def ground(bands: int) -> np.ndarray:
    """DN (bands, ROWS, COLS) of hills of brightness and two targets, one of them at a tile's border."""
    hills = 20 * np.sin(np.arange(ROWS) / 70)[:, None] * np.cos(np.arange(COLS) / 110)[None] + 40
    noise = np.random.default_rng(5).gamma(4, 0.25, (bands, ROWS, COLS))
    pixels = 10 ** (hills / 20) * np.sqrt(noise)
    pixels[:, 300:303, 100:103] = 20_000
    pixels[:, 200:203, 513:515] = 20_000
    return np.rint(pixels).clip(1, 65_535).astype(np.uint16)


@pytest.fixture(scope="module")
def pixels():
    """Two bands, a ragged part of the first and a tile of the second invalid."""
    found = ground(2)
    found[0][np.add.outer(np.arange(ROWS), np.arange(COLS)) < 300] = 0
    found[1, 512:, 512:1024] = 0
    return found


@pytest.fixture(scope="module")
def data(pixels) -> bytes:
    return sarcodec.encode(pixels, nodata=0, quality=55, threads=1)


@pytest.fixture(scope="module")
def whole(data) -> dict[int, np.ndarray]:
    return {side: sarcodec.decode(data, reduce=side, threads=1) for side in SIDES}


def sums(values: np.ndarray, side: int) -> np.ndarray:
    rows, cols = (np.arange(0, length, side) for length in values.shape)
    return np.add.reduceat(np.add.reduceat(values, rows, axis=0), cols, axis=1)


def mean_power(pixels: np.ndarray, side: int) -> np.ndarray:
    """Of the valid pixels of each square, 0 where there is none."""
    return sums(pixels.astype(float) ** 2, side) / np.maximum(sums((pixels > 0).astype(float), side), 1)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("band", [0, 1])
def test_power_is_the_grounds(pixels, whole, side, band):
    wanted, found = mean_power(pixels[band], side), whole[side][band].astype(float) ** 2
    assert found.shape == (-(-ROWS // side), -(-COLS // side))
    np.testing.assert_array_equal(found > 0, wanted > 0)
    assert abs(10 * np.log10(found.sum() / wanted.sum())) < 0.1
    valid = wanted > 0
    error_db = 10 * np.log10(found[valid] / wanted[valid])
    assert np.sqrt(np.mean(error_db**2)) < {8: 1, 16: 0.9, 32: 0.9}[side]


def test_targets_are_there(pixels, whole):
    """Also where the neighbour has a say in the level."""
    for row, col in ((300 // 8, 100 // 8), (200 // 8, 513 // 8)):
        wanted, found = (10 * np.log10(x[row, col]) for x in (mean_power(pixels[0], 8), whole[8][0].astype(float) ** 2))
        assert found == pytest.approx(wanted, abs=0.3)


def test_borders_of_tiles_leave_no_seam(pixels, whole):
    """The error beside a border is what it is elsewhere."""
    error = np.abs(10 * np.log10(mean_power(pixels[1], 8)[:60] / whole[8][1][:60].astype(float) ** 2))
    beside = error[:, [62, 63, 64, 65, 126, 127, 128, 129]]
    assert np.median(beside) < 1.3 * np.median(error)


def test_coarser_pictures_are_made_of_the_eighth(whole):
    for side in (16, 32):
        wanted = np.sqrt(mean_power(whole[8][1], side // 8))
        valid = wanted > 0
        np.testing.assert_allclose(whole[side][1][valid], wanted[valid], rtol=0.005, atol=1)
        np.testing.assert_array_equal(whole[side][1] > 0, valid)


@pytest.mark.parametrize(
    "window",
    [
        Window(0, 0, 1, 1),
        Window(ROWS - 1, COLS - 1, 1, 1),
        Window(505, 500, 20, 546),
        Window(77, 1025, 300, 20),
        Window(512, 512, 98, 512),
    ],
)
@pytest.mark.parametrize("side", SIDES)
def test_a_window_is_the_same_pixels_of_the_whole(data, whole, window, side):
    with sarcodec.open(data, threads=2) as scene:
        found = scene.read(window=window, reduce=side)
        place = np.s_[window.row // side : -(-window.row_end // side), window.col // side : -(-window.col_end // side)]
        np.testing.assert_array_equal(found, whole[side][:, place[0], place[1]])
        np.testing.assert_array_equal(scene.read(2, window=window, reduce=side), found[1])
        np.testing.assert_array_equal(scene.read_masks(2, window=window, reduce=side), 255 * (found[1] > 0))
        masked = scene.read(1, window=window, reduce=side, masked=True)
        np.testing.assert_array_equal(np.ma.getmaskarray(masked), found[0] == 0)


class Counting(io.BytesIO):
    """Counts reads and their bytes."""

    reads: list[int]

    def read(self, size: int = -1) -> bytes:
        found = super().read(size)
        self.reads.append(len(found))
        return found


def test_the_whole_scene_takes_one_read_behind_the_head(data, whole):
    file = Counting(data)
    file.reads = []
    with sarcodec.open(file, threads=1) as scene:
        opening = len(file.reads)
        found = scene.read(reduce=8)
        base = scene._file.directory.base_bytes
    np.testing.assert_array_equal(found, whole[8])
    assert file.reads[opening:] == [base]
    assert base < len(data) / 4


def test_the_rest_of_the_file_is_not_needed(data, whole):
    pieces = apart(data)
    hollow = resealed(data, {n: Payload(payload.base, b"\xfe") for n, payload in enumerate(pieces.payloads)})
    np.testing.assert_array_equal(sarcodec.decode(hollow, reduce=8, threads=1), whole[8])


def without(data: bytes, *kinds: int) -> bytes:
    pieces = apart(data)
    kept = {n: pack_tile(s for s in pieces.sections(n) if s.kind not in kinds) for n in range(len(pieces.payloads))}
    return resealed(data, kept)


def test_a_reader_of_pixels_needs_neither_section(data):
    np.testing.assert_array_equal(
        sarcodec.decode(without(data, OVERVIEW, REDUCED_MASK), threads=1), sarcodec.decode(data, threads=1)
    )


def test_without_an_overview_the_power_is_that_of_the_mean_level(data, whole):
    found = sarcodec.decode(without(data, OVERVIEW), reduce=8, threads=1)
    valid = whole[8][1] > 0
    assert -5 < np.median(20 * np.log10(found[1][valid] / whole[8][1][valid])) < -0.3


@pytest.mark.parametrize(
    "kind, contents",
    [
        (OVERVIEW, b""),
        (OVERVIEW, b"\0" * 5),
        (OVERVIEW, b"\2" * 6),
        (REDUCED_MASK, b"\xff"),
        (REDUCED_MASK, b"\1\1\0\0"),
    ],
)
def test_sections_that_no_encoder_writes(data, kind, contents):
    pieces = apart(data)
    some = [section for section in pieces.sections(0) if section.kind != kind]
    broken = resealed(data, {0: pack_tile([*some, Section(kind, contents)])})
    with pytest.raises(CorruptFile):
        sarcodec.decode(broken, reduce=8, threads=1)
    with pytest.raises(CorruptFile):
        sarcodec.verify(broken, threads=1)
    np.testing.assert_array_equal(sarcodec.decode(broken, threads=1), sarcodec.decode(data, threads=1))


def test_a_reference_without_latents_cannot_be_leaned_on(data):
    broken = resealed(data, {0: pack_tile([])})
    with pytest.raises(CorruptFile, match="leans"):
        sarcodec.decode(broken, reduce=8, indexes=2, threads=1)


@pytest.mark.parametrize("options", [{"effort": 0}, {"effort": 1, "target_bpp": 0.4}, {"effort": 2}])
def test_every_effort_and_every_target(options):
    pixels = ground(1)[0, :200, :300]
    data = sarcodec.encode(pixels, threads=1, **options)
    wanted, found = mean_power(pixels, 8), sarcodec.decode(data, reduce=8, threads=1).astype(float) ** 2
    assert abs(10 * np.log10(found.sum() / wanted.sum())) < 0.1


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("lossless", [False, True])
def test_bounded_bands_are_decoded_and_reduced(pixels, side, lossless):
    some = pixels[0, :200, :530]
    data = sarcodec.encode(some, nodata=0, threads=1, **({"lossless": True} if lossless else {"max_error_db": 0.5}))
    decoded, found = sarcodec.decode(data, threads=1), sarcodec.decode(data, reduce=side, threads=1)
    np.testing.assert_allclose(found, np.sqrt(mean_power(decoded, side)), atol=0.51)
    with sarcodec.open(data) as scene:
        assert scene.overviews(1) == []


@pytest.mark.parametrize("side", SIDES)
def test_exact_bands_and_masks(side):
    """Numbers of classes are not averaged; a reduced pixel is masked where all of it is."""
    classes = np.random.default_rng(1).integers(0, 9, (100, 530), dtype=np.uint8)
    mask = np.zeros((100, 530), np.uint8)
    mask[50:, 9:] = 255
    data = sarcodec.encode(classes, mask=mask, exact_bands=1, threads=1)
    with sarcodec.open(data, threads=1) as scene:
        found, masks = scene.read(1, reduce=side), scene.read_masks(1, reduce=side)
        assert scene.overviews(1) == []
        assert scene.dataset_mask(reduce=side).shape == found.shape
    for row, col in np.ndindex(*found.shape):
        square = np.s_[side * row : side * row + side, side * col : side * col + side]
        rows, cols = classes[square].shape
        assert found[row, col] == classes[square][rows // 2, cols // 2]
        assert masks[row, col] == mask[square].max()


def test_invalid_bits_come_back():
    pixels = ground(1)[0, :128, :128].astype(np.float32)
    pixels[:40, :40] = np.nan
    pixels[:24, :16] = np.inf
    pixels[64:, 64:] = -7
    data = sarcodec.encode(pixels, nodata=-7, threads=1, domain="amplitude")
    found = sarcodec.decode(data, reduce=8, threads=1)
    np.testing.assert_array_equal(bits(found[8:, 8:]), bits(np.full((8, 8), -7, np.float32)))
    assert np.isnan(found[:5, :5]).sum() == 25 - 6 and np.isposinf(found[:3, :2]).all()


@pytest.mark.parametrize("dtype, domain", [("float32", "db"), ("float32", "power"), ("uint8", "amplitude")])
def test_other_domains(dtype, domain):
    amplitude = np.minimum(ground(1)[0, :160, :200], 255).astype(float)
    pixels = {"db": 20 * np.log10(amplitude), "power": amplitude**2, "amplitude": amplitude}[domain].astype(dtype)
    found = sarcodec.decode(sarcodec.encode(pixels, domain=domain, threads=1), reduce=16, threads=1).astype(float)
    power = 10 ** (found / 10) if domain == "db" else found if domain == "power" else found**2
    assert abs(10 * np.log10(power.mean() / mean_power(amplitude, 16).mean())) < 0.15


@pytest.mark.parametrize("reduce", [0, 1, 2, 4, 64, 8.5, "8", True])
def test_other_reductions_are_refused(data, reduce):
    with sarcodec.open(data) as scene, pytest.raises(InvalidArgument, match="8, 16, 32"):
        scene.read(reduce=reduce)


def test_overviews_as_rasterio_lists_them(data):
    with sarcodec.open(data) as scene:
        assert [scene.overviews(band) for band in scene.indexes] == [[8, 16, 32], [8, 16, 32]]
        with pytest.raises(InvalidArgument, match="no band 3"):
            scene.overviews(3)


def test_a_geotiff_of_a_reduced_window(tmp_path, pixels, whole):
    rasterio = pytest.importorskip("rasterio")
    data = sarcodec.encode(
        pixels, nodata=0, quality=55, threads=1, crs="EPSG:32633", transform=(10, 0, 5e5, 0, -10, 4e6)
    )
    report = sarcodec.decompress(
        data, tmp_path / "small.tif", window=((20, 600), (100, 900)), indexes=[2], reduce=16, threads=1
    )
    assert (report.rows, report.cols, report.bands) == (37, 51, 1)
    with rasterio.open(tmp_path / "small.tif") as found:
        np.testing.assert_array_equal(found.read(1), whole[16][1, 1:38, 6:57])
        assert tuple(found.transform)[:6] == (160, 0, 5e5 + 960, 0, -160, 4e6 - 160)
        assert found.tags(ns="SARCODEC")["REDUCE"] == "16" and "SPECKLE" not in found.tags(ns="SARCODEC")
        assert found.nodata == 0
