"""A window is the same pixels of the whole, bit for bit; threads change neither a file nor a pixel; tiles leave no seam."""

import dataclasses

import numpy as np
import pytest

import sarcodec
from api.scenes import amplitude, bits, store, walk
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.encoding.sampling import sample_band
from sarcodec.encoding.tile_analysis import LearnedBand, TileAnalysis
from sarcodec.errors import InvalidArgument
from sarcodec.format.measure import Measure
from sarcodec.format.reader import FileReader
from sarcodec.format.tiling import Window
from sarcodec.models import published
from sarcodec.raster.geotiff import open_scene, read_array
from sarcodec.signal.lapped import joined
from sarcodec.signal.radiometry import normalise

ROWS, COLS = 1100, 700  # three by two tiles, the last of each cut


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Two bands, the second with an invalid tile and a ragged border; rather flat, as the seams are looked for."""
    random = np.random.default_rng(12)
    pixels = np.rint(250 * np.sqrt(random.gamma(4, 0.25, (2, ROWS, COLS)))).clip(1).astype(np.uint16)
    pixels[1, :530, :515] = 0
    pixels[1][np.add.outer(np.arange(ROWS), np.arange(COLS)) > 1700] = 0
    return store(tmp_path_factory.mktemp("windows") / "in.tif", pixels)


@pytest.fixture(scope="module")
def packed(scene):
    sarcodec.compress(scene, scene.with_name("one.sarc"), quality=55, threads=1)
    return scene.with_name("one.sarc")


@pytest.fixture(scope="module")
def whole(packed):
    sarcodec.decompress(packed, packed.with_name("whole.tif"), threads=1)
    return read_array(packed.with_name("whole.tif"))[0]


def random_windows(seed: int, count: int) -> list[Window]:
    random = np.random.default_rng(seed)
    found = [Window(0, 0, 1, 1), Window(ROWS - 1, COLS - 1, 1, 1), Window(511, 511, 2, 2), Window(1023, 0, 77, COLS)]
    while len(found) < count:
        row, col = int(random.integers(ROWS)), int(random.integers(COLS))
        found.append(
            Window(
                row,
                col,
                int(random.integers(1, min(400, ROWS - row) + 1)),
                int(random.integers(1, min(300, COLS - col) + 1)),
            )
        )
    return found


@pytest.mark.parametrize("window", random_windows(1, 12), ids=lambda w: f"{w.row}-{w.col}-{w.rows}x{w.cols}")
def test_a_window_is_the_same_pixels_of_the_whole(packed, whole, window):
    with sarcodec.open(packed, threads=1) as scene:  # a fresh one, so that nothing is kept from another window
        assert scene.array_shape == (2, ROWS, COLS) and scene.dtype == np.uint16
        np.testing.assert_array_equal(scene.read(window=window.slices), whole[:, *window.slices])
        np.testing.assert_array_equal(scene.read([2], window=window.slices), whole[1:, *window.slices])


def test_windows_in_any_order_from_one_open_scene(packed, whole):
    with sarcodec.open(packed, threads=1) as scene:
        for window in random_windows(2, 8):
            np.testing.assert_array_equal(scene.read([2, 1], window=window.slices), whole[::-1, *window.slices])


def test_a_window_and_a_band_as_a_geotiff(packed, whole, tmp_path):
    window = Window(500, 490, 130, 200)
    sarcodec.decompress(packed, tmp_path / "out.tif", window=window.slices, indexes=2, threads=1)
    np.testing.assert_array_equal(read_array(tmp_path / "out.tif")[0], whole[1:, *window.slices])


def test_a_window_reads_its_tiles_and_their_neighbours_only(packed, monkeypatch):
    asked = []
    read = FileReader.payload
    monkeypatch.setattr(
        FileReader, "payload", lambda self, tile, band: asked.append((tile, band)) or read(self, tile, band)
    )
    with sarcodec.open(packed, threads=1) as scene:
        scene.read(1, window=((0, 10), (600, 610)))
    assert set(asked) == {(t, 0) for t in range(4)}  # tile 1; beside and below it 0, 2, 3; never the last row of tiles


@pytest.mark.parametrize("window", [(0, 0, ROWS + 1, 1), (ROWS, 0, 1, 1), (0, 699, 1, 2)])
def test_windows_outside_are_refused(packed, window, tmp_path):
    with pytest.raises(InvalidArgument), sarcodec.open(packed, threads=1) as scene:
        scene.read(window=Window(*window))
    with pytest.raises(InvalidArgument):
        sarcodec.decompress(packed, tmp_path / "out.tif", window=Window(*window))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("index", [-1, 0, 3])
def test_bands_outside_are_refused(packed, index, tmp_path):
    with pytest.raises(InvalidArgument):
        sarcodec.decompress(packed, tmp_path / "out.tif", indexes=index)
    assert not list(tmp_path.iterdir())


def test_threads_change_neither_file_nor_pixels(scene, packed, whole):
    sarcodec.compress(scene, scene.with_name("two.sarc"), quality=55, threads=2)
    assert scene.with_name("two.sarc").read_bytes() == packed.read_bytes()
    sarcodec.decompress(packed, packed.with_name("two.tif"), threads=2)
    np.testing.assert_array_equal(read_array(packed.with_name("two.tif"))[0], whole)
    one, two = (sarcodec.verify(packed, against=scene, threads=n) for n in (1, 2))
    assert one.passed and dataclasses.replace(one, seconds=0) == dataclasses.replace(two, seconds=0)


def test_decoded_file_is_kept_bit_by_bit_by_every_reader(packed, whole):
    with FileReader(packed) as file:
        decoder = SceneDecoder(file)
        tiles = [decoder.tile_pixels(t, b) for t in (5, 0, 3) for b in (1, 0)]
    for tile, (t, b) in zip(tiles, [(t, b) for t in (5, 0, 3) for b in (1, 0)]):
        np.testing.assert_array_equal(bits(tile), bits(whole[b][decoder.grid.window(t).slices]))


def test_tiles_leave_no_seam(scene, whole):
    """Errors beside tile borders are as large as elsewhere; the sample is small, so within 5 %."""
    pixels = read_array(scene)[0][0]
    error = np.square(20 * np.log10(whole[0] / pixels.astype(float)))
    error = error[:1088, :672]  # whole cells
    near = np.zeros(error.shape, bool)
    for row in (512, 1024):
        near[row - 8 : row + 8] = True
    near[:, 504:520] = True
    assert np.sqrt(error[near].mean()) == pytest.approx(np.sqrt(error[~near].mean()), rel=0.05)


# What a tile sees of its neighbours, beside what the whole scene holds there


class Given:
    """Stands for a tile decoder; keeps the cells that it is given."""

    def __init__(self, codec):
        self.codec, self.seen = codec, []

    def __getattr__(self, name):
        return getattr(self.codec, name)

    def synthesise(self, around, borders, offset_db):
        self.seen.append(around)
        return self.codec.synthesise(around, borders, offset_db)


def test_synthesis_sees_the_neighbours_latents_in_their_places(packed):
    with FileReader(packed) as file:
        decoder = SceneDecoder(file).learned
        for band in (0, 1):
            whole = np.zeros((3 * 16 + 2, 2 * 16 + 2, 1024), np.float32)
            for tile in range(6):
                window, latents = decoder.grid.window(tile), decoder.latents(tile, band)
                row, col = window.row // 32 + 1, window.col // 32 + 1
                rows, cols = decoder.cells(tile)
                if latents is not None:
                    in_db = decoder.codec.dequantise(latents, rows, cols)
                    whole[row : row + rows, col : col + cols] = in_db
            for tile in range(6):
                window, (rows, cols) = decoder.grid.window(tile), decoder.cells(tile)
                row, col = window.row // 32, window.col // 32
                decoder.codec = Given(decoder.codec)
                decoder.levels(tile, band)
                seen = [joined(around, rows, cols) for around in decoder.codec.seen]
                decoder.codec = decoder.codec.codec
                if seen:  # the others have no latents
                    np.testing.assert_array_equal(seen[0], whole[row : row + rows + 2, col : col + cols + 2])


class Watcher:
    """Stands for a tile codec; keeps the levels that it is given."""

    effort = 1

    def __init__(self):
        self.seen, self.borders, self.model = [], [], published.load()

    def analyse(self, levels_db, borders):
        self.seen.append(levels_db.copy())
        self.borders.append(borders)
        return np.zeros((16, 16, 1024), np.float32)


def test_analysis_sees_the_pixels_around_a_tile(scene):
    watcher = Watcher()
    with open_scene(scene) as reader:
        measure = Measure("amplitude")
        band = LearnedBand.of(measure, (), sample_band(reader, 0))
        encoder = TileAnalysis(reader, {0: band}, watcher)
        for tile in range(6):
            encoder.analyse(tile, 0)
        level = normalise(reader.read(0, Window(0, 0, ROWS, COLS)), measure)[0] - np.float32(band.offset_db)
    whole = np.zeros((3 * 512 + 64, 2 * 512 + 64), np.float32)
    whole[32 : 32 + ROWS, 32 : 32 + COLS] = level
    made_up = np.zeros(whole.shape, bool)  # the rest of cells that the scene's edge cuts
    made_up[32 : 32 + 1120, 32 : 32 + 704] = True
    made_up[32 : 32 + ROWS, 32 : 32 + COLS] = False
    for tile, seen in enumerate(watcher.seen):
        part = encoder.grid.window(tile)
        place = slice(part.row, part.row + 576), slice(part.col, part.col + 576)
        assert seen.shape == (576, 576) and seen.dtype == np.float32
        np.testing.assert_array_equal(seen[~made_up[place]], whole[place][~made_up[place]])
        filled = seen[made_up[place]]
        assert filled.size == 0 or (filled.min() >= level.min() and filled.max() <= level.max() and filled.any())
        first_row, first_col = part.row // 32, part.col // 32
        inside = [0 < first_row + k < 35 for k in range(17)], [0 < first_col + k < 22 for k in range(17)]
        borders = watcher.borders[tile]
        assert borders.rows.tolist() == inside[0] and borders.cols.tolist() == inside[1]


@pytest.mark.parametrize("cut", [1, 2, 9])
def test_a_thin_strip_at_the_edge_keeps_its_error(cut):
    """A few rows in a cell of 32: continued so that they are not lost among the frequencies of the cell."""
    walked = walk(amplitude(cut, 96 + cut, 128), quality=55)
    square = np.square(20 * np.log10(walked.after / walked.before.astype(float)))
    assert np.sqrt(square[..., 96:, :].mean() / square[..., :96, :].mean()) < 1.25
