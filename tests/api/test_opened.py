"""A scene that is open in Python: in other processes and threads, and closed."""

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

import sarcodec
from api.opened import COLS, PLACE, ROWS, UTM
from sarcodec.decoding.kept import Kept
from sarcodec.errors import CorruptFile, InvalidArgument

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


def test_a_scene_is_no_sequence(scene):
    with pytest.raises(TypeError):
        iter(scene)
    with pytest.raises(TypeError):
        len(scene)


def test_a_file_object_is_read_where_it_was_opened(packed, whole):
    with sarcodec.open(io.BytesIO(packed.read_bytes()), threads=1) as scene:
        np.testing.assert_array_equal(scene.read(), whole)
