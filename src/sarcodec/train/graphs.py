"""Trained convolutional branches as ONNX graphs: torch modules in, bytes out. Stored in float16, computed in float32.

Written node by node, so that the published graph holds nothing but convolutions, sums, ReLUs and shuffles.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from sarcodec.networks.entropy_model import HyperAnalysis, PaddedResidual
from sarcodec.networks.transforms import (
    ANALYSIS_HALO_CELLS,
    BLOCK,
    CHANNELS,
    SYNTHESIS_HALO_CELLS,
    Analysis,
    ResidualBlock,
    Synthesis,
)

OPSET = 17


class GraphWriter:
    """Appends nodes; every method takes and gives the name of a tensor."""

    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0

    def add(self, kind: str, inputs: list[str], **attributes) -> str:
        self.count += 1
        name = f"t{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, value: np.ndarray, half: bool = False) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value.astype(np.float16) if half else value, name))
        return self.add("Cast", [name], to=TensorProto.FLOAT) if half else name

    def conv(self, x: str, layer: nn.Conv2d) -> str:
        weight = self.constant(layer.weight.detach().numpy(), half=True)
        bias = self.constant(layer.bias.detach().numpy().astype(np.float32))
        pads = [*layer.padding, *layer.padding]
        return self.add(
            "Conv", [x, weight, bias], strides=list(layer.stride), pads=pads, kernel_shape=list(layer.kernel_size)
        )

    def crop(self, x: str, margin: int) -> str:
        limits = [np.array(v, np.int64) for v in ([margin] * 2, [-margin] * 2, [2, 3])]
        return self.add("Slice", [x, *(self.constant(v) for v in limits)])

    def residual(self, x: str, block) -> str:
        inner = self.conv(self.add("Relu", [self.conv(x, block.first)]), block.second)
        return self.add("Add", [x if isinstance(block, PaddedResidual) else self.crop(x, 2), inner])

    def sequence(self, x: str, layers) -> str:
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                x = self.conv(x, layer)
            elif isinstance(layer, (ResidualBlock, PaddedResidual)):
                x = self.residual(x, layer)
            elif isinstance(layer, nn.PixelShuffle):
                x = self.add("DepthToSpace", [x], blocksize=layer.upscale_factor, mode="CRD")
            elif isinstance(layer, nn.PixelUnshuffle):  # one channel: the two orders of depth agree
                x = self.add("SpaceToDepth", [x], blocksize=layer.downscale_factor)
            elif isinstance(layer, nn.ReLU):
                x = self.add("Relu", [x])
            else:
                raise TypeError(f"no ONNX form for {type(layer).__name__}")
        return x

    def finish(self, last: str, inputs: dict[str, list], output: list) -> bytes:
        def value(name: str, shape: list):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            self.nodes, "sarcodec", [value(k, v) for k, v in inputs.items()], [value(last, output)], self.weights
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9, producer_name="sarcodec"
        )
        onnx.checker.check_model(model)
        return model.SerializeToString()


def analysis_graph(module: Analysis, cells: int) -> bytes:
    """Pixels (1, 1, 32 (cells + 2), same) in units of 10 dB -> branch latents (1, 1024, cells, cells) in deviations."""
    g = GraphWriter()
    x = g.crop(g.sequence("pixels", module.quarter), 1)
    x = g.sequence(g.residual(g.conv(x, module.eighth_in), module.eighth), module.deeper)
    side = BLOCK * (cells + 2 * ANALYSIS_HALO_CELLS)
    return g.finish(g.conv(x, module.last), {"pixels": [1, 1, side, side]}, [1, CHANNELS, cells, cells])


def synthesis_graph(module: Synthesis, cells: int) -> bytes:
    """Latents in deviations, step plane (1, 1025, cells + 4, same) -> branch pixels (1, 1, 32 cells, same) in 10 dB."""
    g = GraphWriter()
    x = g.sequence(g.residual(g.sequence("latents", module.enter), module.sixteenth), module.up)
    x = g.conv(g.residual(g.crop(x, 1), module.eighth), module.last)
    x = g.add("DepthToSpace", [x], blocksize=8, mode="CRD")
    side = cells + 2 * SYNTHESIS_HALO_CELLS
    return g.finish(x, {"latents": [1, CHANNELS + 1, side, side]}, [1, 1, BLOCK * cells, BLOCK * cells])


def hyper_graph(module: HyperAnalysis) -> bytes:
    """Features (1, 1041, rows, cols), even sizes -> z (1, 24, rows / 2, cols / 2), any size."""
    g = GraphWriter()
    x = g.sequence("features", module.layers)
    inputs = module.layers[0].in_channels
    return g.finish(
        x, {"features": [1, inputs, "rows", "cols"]}, [1, module.layers[-1].out_channels, "z_rows", "z_cols"]
    )
