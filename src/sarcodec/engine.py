"""Run a published float graph (ONNX bytes) on this machine: the one door to OpenVINO and ONNX Runtime.

In: graph bytes and float32 arrays of the graph's shapes; out: float32 arrays. Knows no tile, no file and no model.
What a graph gives may differ in the last digits from one runtime or precision to another; nothing that decides which bits
are read comes through here.
"""

import importlib.util
import os
import sys
import threading
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from sarcodec.errors import InvalidArgument

RUNTIMES = ("openvino", "onnxruntime")
PRECISIONS = ("auto", "f32", "bf16")


@dataclass(frozen=True)
class Engine:
    """How graphs are run: runtime 'auto' is OpenVINO where it is installed; precision 'auto' is bf16 where the processor has it.

    The environment variables SARCODEC_RUNTIME and SARCODEC_PRECISION stand in for 'auto'.
    """

    runtime: str = "auto"
    precision: str = "auto"
    threads: int = 1

    def __post_init__(self):
        object.__setattr__(self, "runtime", _runtime(self.runtime))
        precision = os.environ.get("SARCODEC_PRECISION", "auto") if self.precision == "auto" else self.precision
        if precision not in PRECISIONS:
            raise InvalidArgument(f"precision is {precision!r}, expected one of {', '.join(PRECISIONS)}")
        object.__setattr__(self, "precision", precision)

    def open(self, graph: bytes):
        """A callable graph: arrays in the order of the graph's inputs -> its one output. Safe for threads."""
        return (_OpenVinoGraph if self.runtime == "openvino" else _OnnxRuntimeGraph)(graph, self)


def _runtime(asked: str) -> str:
    asked = os.environ.get("SARCODEC_RUNTIME", "auto") if asked == "auto" else asked
    if asked not in ("auto", *RUNTIMES):
        raise InvalidArgument(f"runtime is {asked!r}, expected auto, {' or '.join(RUNTIMES)}")
    here = [name for name in RUNTIMES if importlib.util.find_spec(name)]
    if asked == "auto" and here:
        return here[0]
    if asked not in here:
        found = ", ".join(here) or "none"
        raise InvalidArgument(
            f"runtime {asked!r} is not installed (found: {found}); pip install openvino or onnxruntime"
        )
    return asked


# Two threads that make their first tensors of OpenVINO 2026.4 at once can wait for each other for ever, one with the interpreter's lock
# and one with OpenVINO's (seen once in 300 runs). The graph that is left takes a fortieth of a tile's time: threads take turns.
_ONE_AT_A_TIME = threading.Lock()


_IMPORTING = threading.Lock()


def _openvino() -> ModuleType:
    """OpenVINO, imported as if openvino_telemetry were not installed: else its import sends a message to its makers, leaves files in the
    user's home, and may give the root logger a handler."""
    with _IMPORTING:
        hide = not {"openvino", "openvino_telemetry"} & sys.modules.keys()
        if hide:
            sys.modules["openvino_telemetry"] = None
        try:
            import openvino

            return openvino
        finally:
            if hide:
                del sys.modules["openvino_telemetry"]


class _OpenVinoGraph:
    """One compiled model, one infer request a thread."""

    def __init__(self, graph: bytes, engine: Engine):
        core = _openvino().Core()
        has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if engine.precision == "bf16" and not has_bf16:
            raise InvalidArgument("precision bf16 was asked for, this processor has no bf16 units; use f32 or auto")
        precision = "f32" if engine.precision == "f32" or not has_bf16 else "bf16"
        # One stream of one thread for each of the codec's workers: tiles run beside each other, not threads within a tile.
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "NUM_STREAMS": engine.threads,
            "INFERENCE_NUM_THREADS": engine.threads,
            "ENABLE_CPU_PINNING": False,
        }
        self._model = core.compile_model(core.read_model(graph, b""), "CPU", settings)
        self._local = threading.local()

    def __call__(self, *inputs: np.ndarray) -> np.ndarray:
        with _ONE_AT_A_TIME:
            request = getattr(self._local, "request", None)
            if request is None:
                request = self._local.request = self._model.create_infer_request()
            return next(iter(request.infer(dict(enumerate(inputs)), share_inputs=True).values())).copy()


class _OnnxRuntimeGraph:
    """One session; ONNX Runtime takes calls from many threads."""

    def __init__(self, graph: bytes, engine: Engine):
        import onnxruntime

        if engine.precision == "bf16":
            raise InvalidArgument(
                "precision bf16 was asked for, ONNX Runtime computes in f32 here; use openvino, f32 or auto"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = 1, 1
        self._session = onnxruntime.InferenceSession(graph, options, providers=onnxruntime.get_available_providers())
        self._names = [i.name for i in self._session.get_inputs()]

    def __call__(self, *inputs: np.ndarray) -> np.ndarray:
        return self._session.run(None, dict(zip(self._names, inputs)))[0]
