"""The door to the runtimes: what is asked for is what runs, files hardly depend on it, and decoding needs none."""

import importlib.util

import numpy as np
import pytest
from codec.scenes import speckle, store

import sarcodec
from sarcodec import published
from sarcodec.engine import PRECISIONS, RUNTIMES, Engine
from sarcodec.errors import InvalidArgument

needs_onnxruntime = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed (extra)"
)


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch):
    for name in ("SARCODEC_RUNTIME", "SARCODEC_PRECISION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def hyper_analysis() -> bytes:
    return published.load().graphs["hyper_analysis"]


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A scene in dB, in float32 so that no rounding hides a difference: 300 x 560 pixels, two tiles."""
    path = tmp_path_factory.mktemp("engine") / "in.tif"
    store(path, (10 * np.log10(speckle(11, 1, 300, 560) + 1e-3) - 10).astype(np.float32))
    sarcodec.compress(path, path.with_suffix(".sarc"), quality=50, domain="db", threads=1)
    return path.with_suffix(".sarc")


def test_decoding_needs_no_runtime(packed, monkeypatch):
    with sarcodec.open(packed, threads=1) as scene:
        before = scene.read()
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in RUNTIMES else find(name))
    with sarcodec.open(packed, threads=1) as scene:
        np.testing.assert_array_equal(scene.read(), before)


@needs_onnxruntime
def test_files_of_another_runtime_are_as_small_and_as_good(packed, tmp_path, monkeypatch):
    source = packed.with_suffix(".tif")
    monkeypatch.setenv("SARCODEC_RUNTIME", "onnxruntime")
    report = sarcodec.compress(source, tmp_path / "out.sarc", quality=50, domain="db", threads=1)
    assert report.bytes == pytest.approx(packed.stat().st_size, rel=0.01)
    monkeypatch.delenv("SARCODEC_RUNTIME")
    one, other = (
        sarcodec.verify(p, against=source, threads=1).comparison.rmse_db for p in (packed, tmp_path / "out.sarc")
    )
    assert one == pytest.approx(other, rel=0.01)


@pytest.mark.parametrize("runtime", ["auto", *RUNTIMES])
def test_a_graph_gives_a_new_array_each_time_and_leaves_its_input(hyper_analysis, runtime):
    if runtime == "onnxruntime" and importlib.util.find_spec(runtime) is None:
        pytest.skip("onnxruntime is not installed (extra)")
    x = np.random.default_rng(1).standard_normal((1, 1041, 16, 16), np.float32)
    kept, graph = x.copy(), Engine(runtime, "f32").open(hyper_analysis)
    first = graph(x)
    before = first.copy()
    second = graph(np.zeros_like(x))
    assert first.dtype == np.float32 and first.shape == (1, 24, 8, 8)
    np.testing.assert_array_equal(first, before)
    np.testing.assert_array_equal(x, kept)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(graph(x), before)


def test_unknown_runtimes_and_precisions_are_refused(monkeypatch):
    for options in ({"runtime": "tensorrt"}, {"precision": "int8"}, {"runtime": ""}):
        with pytest.raises(InvalidArgument, match="expected"):
            Engine(**options)
    for name in ("SARCODEC_RUNTIME", "SARCODEC_PRECISION"):
        monkeypatch.setenv(name, "quick")
        with pytest.raises(InvalidArgument, match="quick"):
            Engine()
        monkeypatch.delenv(name)


def test_environment_stands_in_for_auto_only(monkeypatch):
    monkeypatch.setenv("SARCODEC_PRECISION", "f32")
    assert Engine().precision == "f32" and Engine(precision="bf16").precision == "bf16"
    assert set(PRECISIONS) == {"auto", "f32", "bf16"}


def test_a_runtime_that_is_not_installed_is_named(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in RUNTIMES else find(name))
    for runtime in ("auto", *RUNTIMES):
        with pytest.raises(InvalidArgument, match="pip install"):
            Engine(runtime)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else find(name) or "there")
    assert Engine().runtime == "onnxruntime"


def test_bf16_is_refused_where_the_processor_has_none(hyper_analysis, monkeypatch):
    import openvino

    class OldProcessor:
        def get_property(self, device, name):
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvino, "Core", OldProcessor)
    with pytest.raises(InvalidArgument, match="bf16"):
        Engine("openvino", "bf16").open(hyper_analysis)


@needs_onnxruntime
def test_bf16_is_refused_by_onnx_runtime(hyper_analysis):
    with pytest.raises(InvalidArgument, match="bf16"):
        Engine("onnxruntime", "bf16").open(hyper_analysis)
