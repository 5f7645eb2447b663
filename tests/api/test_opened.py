"""A scene that is open in Python: in other processes and threads, closed, shown, and asked in the forms that callers have at hand."""

import copy
import gc
import io
import multiprocessing
import pickle
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import rasterio.windows
from rasterio.crs import CRS

import sarcodec
from api.scenes import amplitude, store
from sarcodec.decoding.kept import Kept
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.scene import GroundControlPoint
from sarcodec.format.tiling import Window

UTM = CRS.from_epsg(32633)
ROWS, COLS = 90, 130
PLACE = Window(30, 40, 50, 60)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    path = tmp_path_factory.mktemp("opened") / "x <&> y.sarc"
    about = {
        "crs_wkt": UTM.to_wkt(),
        "transform": (10.0, 0, 500_000, 0, -10, 6_000_000),
        "descriptions": ("VV", '"VH" <b>'),
    }
    store(path.with_name("in.tif"), amplitude(1, ROWS, COLS, bands=2), units=("DN", None), **about)
    sarcodec.compress(path.with_name("in.tif"), path, effort=0, threads=1)
    return path


@pytest.fixture(scope="module")
def whole(packed):
    with sarcodec.open(packed, threads=1) as scene:
        return scene.read()


@pytest.fixture
def scene(packed):
    with sarcodec.open(packed, threads=1) as scene:
        yield scene


# Other processes, other threads


def test_a_scene_is_pickled_with_its_settings(packed, whole):
    for source in (packed, packed.read_bytes()):
        with sarcodec.open(source, threads=1, reconstruct="log") as scene:
            log = scene.read()
            pickled = pickle.dumps(scene)
        with pickle.loads(pickled) as other:
            np.testing.assert_array_equal(other.read(), log)
    assert (log != whole).any()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_is_a_scene_of_its_own(packed, whole, copied):
    scene = sarcodec.open(packed, threads=1)
    with copied(scene) as other:
        scene.close()
        np.testing.assert_array_equal(other.read(), whole)


def test_a_scene_goes_to_a_spawned_process(scene, whole):
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        np.testing.assert_array_equal(
            pool.submit(scene.read, 1, window=PLACE.slices).result(120), whole[0, *PLACE.slices]
        )


def test_scenes_that_cannot_be_pickled_say_why(packed, tmp_path):
    with packed.open("rb") as file, sarcodec.open(file) as scene, pytest.raises(InvalidArgument, match="file object"):
        pickle.dumps(scene)
    with pytest.raises(InvalidArgument, match="closed"):
        pickle.dumps(scene)
    copied = tmp_path / "copy.sarc"
    copied.write_bytes(packed.read_bytes())
    with sarcodec.open(copied) as scene:
        pickled = pickle.dumps(scene)
    sarcodec.compress(packed.with_name("in.tif"), copied, quality=30, effort=0, threads=1, overwrite=True)
    with pytest.raises(CorruptFile, match="another file than the one that was pickled"):
        pickle.loads(pickled)


def test_a_forked_process_does_not_wait_for_a_thread_that_it_has_not(packed, whole, monkeypatch):
    """The thread that is decoding a tile at the time of the fork does not exist in the child, nor will its result."""
    scene, begun, go_on, get = sarcodec.open(packed, threads=1), threading.Event(), threading.Event(), Kept.get

    def slow(kept, key, make):
        def waiting():
            begun.set()
            go_on.wait(60)
            return make()

        return get(kept, key, waiting)

    monkeypatch.setattr(Kept, "get", slow)
    reader = threading.Thread(target=scene.read)
    reader.start()
    assert begun.wait(60)
    monkeypatch.undo()
    context = multiprocessing.get_context("fork")
    equal = context.Value("i", 0)

    def work():
        equal.value = np.array_equal(scene.read(), whole)

    process = context.Process(target=work)
    process.start()
    process.join(60)
    hangs = process.is_alive()
    process.kill()
    go_on.set()
    reader.join(60)
    assert not hangs and equal.value and np.array_equal(scene.read(), whole)


def test_threads_share_a_scene(scene, whole):
    wrong = []

    def read(seed):
        random = np.random.default_rng(seed)
        for _ in range(10):
            row, col, band = (int(random.integers(n)) for n in (ROWS, COLS, 2))
            window = slice(row, None), slice(col, None)
            if not np.array_equal(scene.read(band + 1, window=window), whole[band, *window]):
                wrong.append(window)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not wrong


# Closed


def test_a_closed_scene_says_so(packed):
    with sarcodec.open(packed, threads=1) as scene:
        scene.read()
        assert not scene.closed
    scene.close()
    assert scene.closed and scene.shape == (ROWS, COLS) and scene.crs == UTM
    with pytest.raises(InvalidArgument, match="closed") as caught:
        scene.read()
    assert str(packed) in str(caught.value)
    assert "closed" in repr(scene) and "closed" in scene._repr_html_()


def test_a_scene_that_is_closed_while_it_is_read(packed, whole):
    for pause in (0, 0.002, 0.01):
        scene, answers = sarcodec.open(packed, threads=2), []

        def read():
            try:
                answers.append(np.array_equal(scene.read(), whole))
            except InvalidArgument as error:
                answers.append("closed" in str(error))

        thread = threading.Thread(target=read)
        thread.start()
        time.sleep(pause)
        scene.close()
        thread.join(60)
        assert answers == [True]


def test_a_scene_may_be_forgotten(packed):
    sarcodec.open(packed, threads=1).read(window=PLACE.slices)
    gc.collect()


# Shown


def test_repr_says_what_the_scene_is(scene, packed):
    text = repr(scene)
    for word in (
        str(packed),
        "2 bands x 90 rows x 130 cols",
        "uint16",
        "WGS 84 / UTM zone 33N (EPSG:32633)",
        "learned, quality 60",
    ):
        assert word in text
    assert "\n" not in text and "closed" not in text


def test_the_table_says_more_and_is_escaped(scene, packed):
    html = scene._repr_html_()
    for word in (
        "x &lt;&amp;&gt; y.sarc",
        "uint16",
        "UTM zone 33N",
        "500000",
        "1: VV [DN]",
        "2: &quot;VH&quot; &lt;b&gt;",
        "quality 60",
    ):
        assert word in html
    assert f"{packed.stat().st_size:,}" in html and "bits a pixel" in html and "<b>" not in html


@pytest.mark.parametrize(
    "options, about, words",
    [
        ({"lossless": True}, {}, ("lossless", "1 band x", "no CRS")),
        ({"max_error_db": 0.5}, {}, ("bounded, at most 0.5 dB off",)),
        (
            {"lossless": True},
            {
                "gcps": tuple(GroundControlPoint(i, i * i, i, 2 * i) for i in range(5)),
                "gcp_crs_wkt": CRS.from_epsg(4326).to_wkt(),
            },
            ("WGS 84 (EPSG:4326)",),
        ),
    ],
    ids=["lossless", "bounded", "control points"],
)
def test_other_scenes_are_shown_too(tmp_path, options, about, words):
    store(tmp_path / "in.tif", amplitude(2, 40, 30), **about)
    sarcodec.compress(tmp_path / "in.tif", tmp_path / "x.sarc", threads=1, **options)
    with sarcodec.open((tmp_path / "x.sarc").read_bytes(), threads=1) as scene:
        assert all(word in repr(scene) for word in words)
        assert ("5 ground control points" in scene._repr_html_()) == bool(about)


# Windows and bands


@pytest.mark.parametrize(
    "window",
    [
        rasterio.windows.Window(40, 30, 60, 50),
        rasterio.windows.Window(40.0, 30.0, 60.0, 50.0),
        rasterio.windows.Window(*np.array([40, 30, 60, 50], np.uint8)),
        (slice(30, 80), slice(40, 100)),
        ((30, 80), (40, 100)),
        [(np.int64(30), np.array(80)), (40, 100)],
        Window(*np.array([30, 40, 50, 60])),
    ],
)
def test_windows_in_all_forms(scene, whole, window):
    np.testing.assert_array_equal(scene.read(window=window), whole[:, *PLACE.slices])


def test_open_ends_are_the_scene_s_edges(scene, whole):
    np.testing.assert_array_equal(scene.read(window=(slice(None), slice(100, None))), whole[:, :, 100:])
    np.testing.assert_array_equal(scene.read(window=((None, 10), (0, None))), whole[:, :10])


@pytest.mark.parametrize(
    "window, words",
    [
        (rasterio.windows.Window(40.5, 30, 60, 50), "col_off is 40.5; a window is of whole pixels"),
        (rasterio.windows.Window(40, 30, 60, 50.25), "round_lengths"),
        (rasterio.windows.Window(-1, 30, 60, 50), "-1"),
        (rasterio.windows.Window(40, 30, 100, 50), "leaves the scene of 90 rows and 130 columns"),
        (rasterio.windows.Window(40, 30, 0, 50), "0"),
        ((slice(-10, None), slice(None)), "no counting from the end"),
        ((slice(0, 10, 2), slice(None)), "step of 2"),
        ((slice(10, 10), slice(None)), "without pixels"),
        ((slice(0, 91), slice(None)), "leaves the scene"),
        ((0, 0, 10, 10), "expected rasterio.windows.Window"),
        ((10, 20), "expected rasterio.windows.Window"),
        ("all", "expected rasterio.windows.Window"),
        (((0, "x"), (0, 1)), "expected a whole number"),
        (((0, float("nan")), (0, 1)), "whole"),
    ],
)
def test_windows_that_mean_nothing(scene, window, words):
    with pytest.raises(InvalidArgument, match=words):
        scene.read(window=window)


@pytest.mark.parametrize(
    "indexes, order",
    [
        (2, 1),
        (np.int64(2), 1),
        (np.uint8(2), 1),
        (np.array(2), 1),
        (np.array([2]), [1]),
        ([np.int64(2), 1], [1, 0]),
        (range(1, 3), [0, 1]),
        ((2, 2, 1), [1, 1, 0]),
        ((b for b in (2, 1)), [1, 0]),
        (np.arange(1, 3, dtype=np.int8)[::-1], [1, 0]),
    ],
)
def test_bands_in_all_forms(scene, whole, indexes, order):
    np.testing.assert_array_equal(scene.read(indexes), whole[order])


@pytest.mark.parametrize(
    "indexes, words",
    [
        (3, "no band 3; the scene has the bands 1 to 2"),
        (0, "no band 0; the scene has the bands 1 to 2"),
        (-1, "no band -1"),
        ([1, np.int64(3)], "no band 3"),
        ([], "no band was asked for"),
        (np.array([]), "no band was asked for"),
        (True, "flatnonzero"),
        (np.array([True, False]), "flatnonzero"),
        (1.0, "whole numbers"),
        (np.array([1.0]), "whole numbers"),
        ("VV", "whole numbers"),
        (["1"], "whole numbers"),
        ({1}, "whole numbers"),
        (np.array([[1]]), "whole numbers"),
    ],
)
def test_bands_that_mean_nothing(scene, indexes, words):
    with pytest.raises(InvalidArgument, match=words):
        scene.read(indexes)


def test_programs_that_count_bands_from_0_still_run(scene, whole):
    part = whole[:, *PLACE.slices]
    for window in (
        sarcodec.Window(30, 40, 50, 60),
        rasterio.windows.Window(40, 30, 60, 50),
        (slice(30, 80), slice(40, 100)),
    ):
        np.testing.assert_array_equal(scene.read(window), part)
        np.testing.assert_array_equal(scene.read(window, bands=[1]), part[1:])
        np.testing.assert_array_equal(scene.read(window=window, bands=np.int64(1)), part[1:])
    with pytest.raises(InvalidArgument, match=r"no band 3 \(number 2 in `bands`, which counts from 0\)"):
        scene.read(bands=2)
    with pytest.raises(InvalidArgument, match="expected one of them"):
        scene.read(1, bands=[0])


def test_decompress_takes_the_same_forms(packed, whole, tmp_path):
    window = rasterio.windows.Window(40, 30, 60, 50)
    sarcodec.decompress(packed, tmp_path / "out.tif", window=window, indexes=np.int64(2), threads=np.int64(1))
    with rasterio.open(tmp_path / "out.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), whole[1:, *PLACE.slices])


def test_a_scene_is_no_sequence(scene):
    with pytest.raises(TypeError):
        iter(scene)
    with pytest.raises(TypeError):
        len(scene)


def test_a_file_object_is_read_where_it_was_opened(packed, whole):
    with sarcodec.open(io.BytesIO(packed.read_bytes()), threads=1) as scene:
        np.testing.assert_array_equal(scene.read(), whole)
