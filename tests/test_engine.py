"""The door to the runtimes: what is asked for is what runs, and pixels hardly depend on it; symbols never do."""

import importlib.util

import numpy as np
import pytest
from codec.scenes import speckle, store

import sarcodec
from sarcodec import published
from sarcodec.bitstream.files import FileReader
from sarcodec.codec.decoder import SceneDecoder
from sarcodec.engine import PRECISIONS, RUNTIMES, Engine
from sarcodec.errors import InvalidArgument
from sarcodec.tile import SYNTHESIS_HALO_CELLS, TILE_CELLS

needs_onnxruntime = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed (extra)"
)


def has_bf16() -> bool:
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch):
    for name in ("SARCODEC_RUNTIME", "SARCODEC_PRECISION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def synthesis() -> bytes:
    return published.load().graphs["synthesis"]


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A scene in dB, in float32 so that no rounding hides a difference: 300 x 560 pixels, two tiles."""
    path = tmp_path_factory.mktemp("engine") / "in.tif"
    store(path, (10 * np.log10(speckle(11, 1, 300, 560) + 1e-3) - 10).astype(np.float32))
    sarcodec.compress(path, path.with_suffix(".sarc"), quality=50, domain="db", threads=1)
    return path.with_suffix(".sarc")


def decoded(path, monkeypatch, runtime: str, precision: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Levels in dB of the whole scene and all symbols, by one runtime."""
    monkeypatch.setenv("SARCODEC_RUNTIME", runtime)
    monkeypatch.setenv("SARCODEC_PRECISION", precision)
    with FileReader(path) as file:
        decoder = SceneDecoder(file)
        assert (decoder.codec.engine.runtime, decoder.codec.engine.precision) == (runtime, precision)
        return (
            np.concatenate([decoder.levels(t, 0) for t in range(decoder.grid.count)], 1),
            [decoder.symbols(t, 0) for t in range(decoder.grid.count)],
        )


@needs_onnxruntime
def test_onnx_runtime_and_openvino_give_the_same_pixels(packed, monkeypatch):
    first, symbols = decoded(packed, monkeypatch, "openvino", "f32")
    second, again = decoded(packed, monkeypatch, "onnxruntime", "f32")
    difference = np.abs(first - second)
    assert np.quantile(difference, 0.999) < 0.05 and difference.max() < 0.05
    assert all(np.array_equal(a, b) for a, b in zip(symbols, again, strict=True))


def test_bf16_gives_nearly_the_pixels_of_f32(packed, monkeypatch):
    if not has_bf16():
        pytest.skip("this processor has no bf16")
    first, symbols = decoded(packed, monkeypatch, "openvino", "f32")
    second, again = decoded(packed, monkeypatch, "openvino", "bf16")
    difference = np.abs(first - second)
    assert 0 < np.quantile(difference, 0.999) < 0.05
    assert all(np.array_equal(a, b) for a, b in zip(symbols, again, strict=True))


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
def test_a_graph_gives_a_new_array_each_time_and_leaves_its_input(synthesis, runtime):
    if runtime == "onnxruntime" and importlib.util.find_spec(runtime) is None:
        pytest.skip("onnxruntime is not installed (extra)")
    side = TILE_CELLS + 2 * SYNTHESIS_HALO_CELLS
    x = np.random.default_rng(1).standard_normal((1, 1025, side, side), np.float32)
    kept, graph = x.copy(), Engine(runtime, "f32").open(synthesis)
    first = graph(x)
    before = first.copy()
    second = graph(np.zeros_like(x))
    assert first.dtype == np.float32 and first.shape[-2:] == (512, 512)
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


def test_bf16_is_refused_where_the_processor_has_none(synthesis, monkeypatch):
    import openvino

    class OldProcessor:
        def get_property(self, device, name):
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvino, "Core", OldProcessor)
    with pytest.raises(InvalidArgument, match="bf16"):
        Engine("openvino", "bf16").open(synthesis)


@needs_onnxruntime
def test_bf16_is_refused_by_onnx_runtime(synthesis):
    with pytest.raises(InvalidArgument, match="bf16"):
        Engine("onnxruntime", "bf16").open(synthesis)
