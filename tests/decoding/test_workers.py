"""Threads beside each other, which leave the process as it was."""

import multiprocessing
import signal
import threading
import time

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from sarcodec.decoding.workers import thread_count, workers
from sarcodec.errors import CorruptFile, InvalidArgument


def blas() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture
def two():
    """A BLAS of two threads."""
    np.ones((64, 64)) @ np.ones((64, 64))
    before = [(library, library.get_num_threads()) for library in libraries()]
    set_threads([(library, 2) for library, _ in before])
    if blas() != {2}:
        pytest.skip(f"BLAS here has {blas()} threads, not two")
    yield
    set_threads(before)


def libraries():
    return ThreadpoolController().select(user_api="blas").lib_controllers


def set_threads(numbers):
    """Set for good: within `with threadpool_limits` of threadpoolctl 3.8 no other thread may set a number."""
    for library, threads in numbers:
        library.set_num_threads(threads)
        getattr(library, "clear_controlling_thread", lambda **_: None)(force=True)


def test_the_last_one_out_restores_blas(two):
    first, second = workers(1), workers(1)
    first.__enter__()
    second.__enter__()
    assert blas() == {1}
    first.__exit__(None, None, None)
    assert blas() == {1}
    second.__exit__(None, None, None)
    assert blas() == {2}


def test_many_at_once_restore_blas(two):
    found = []

    def work():
        for _ in range(10):
            with workers(1):
                found.append(blas())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert blas() == {2} and found == [{1}] * 40


def test_the_last_one_out_may_be_another_thread_than_the_first_one_in(two):
    first, second, found = workers(1), workers(1), []

    def enter():
        first.__enter__()
        found.append(blas())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(60)
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert found == [{1}] and blas() == {2}


def test_a_limit_of_the_caller_s_own_stays():
    with threadpool_limits(limits=1, user_api="blas"):
        with workers(1):
            pass
        assert blas() == {1}


def test_blas_is_restored_after_an_error(two):
    with pytest.raises(KeyError), workers(1) as pool:
        list(pool.map({}.__getitem__, [1]))
    assert blas() == {2}
    with pytest.raises(InvalidArgument), workers(0):
        pass
    assert blas() == {2}


def test_a_process_that_is_forked_within_has_its_blas_back(two):
    context = multiprocessing.get_context("fork")
    found = context.SimpleQueue()

    def work():
        found.put(blas())
        with workers(1):
            found.put(blas())
        found.put(blas())

    with workers(1):
        process = context.Process(target=work)
        process.start()
        process.join(60)
        process.kill()
        assert blas() == {1}
    assert [found.get() for _ in range(3)] == [{2}, {1}, {2}] and blas() == {2}


def test_an_error_says_where_it_happened():
    with workers(2) as pool:
        with pytest.raises(ZeroDivisionError) as caught:
            list(pool.map(lambda n: 1 // n, [1, 0, 2]))
        assert caught.value.__notes__ == ["sarcodec was at 0"]

        def damaged(_):
            raise CorruptFile("damaged")

        with pytest.raises(CorruptFile) as caught:
            list(pool.map(damaged, [1]))
        assert not hasattr(caught.value, "__notes__")


@pytest.fixture
def interrupts():
    """Interrupts raise, also where whoever started the tests ignores them, as shells do for what runs behind them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_leaves_no_thread(interrupts):
    before = set(threading.enumerate())
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt), workers(2) as pool:
        for _ in pool.map(lambda _: time.sleep(0.05), range(1000)):
            pass
    timer.join()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("threads", [1, np.int64(3), np.uint8(2), np.array(2)])
def test_thread_counts(threads):
    assert thread_count(threads) == int(threads) and type(thread_count(threads)) is int
    assert thread_count(None) >= 1


@pytest.mark.parametrize("threads", [0, -1, 1.0, "2", True, np.True_, [1]])
def test_thread_counts_that_mean_nothing(threads):
    with pytest.raises(InvalidArgument, match="threads is .*expected a whole number of 1 or more"):
        thread_count(threads)
