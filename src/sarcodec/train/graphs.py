"""The trained hyper analysis as an ONNX graph: a torch module in, bytes out. Stored in float16, computed in float32.

Written node by node, so that the published graph holds nothing but convolutions, sums and ReLUs.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from sarcodec.networks.entropy_model import HyperAnalysis, PaddedResidual

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

    def residual(self, x: str, block) -> str:
        inner = self.conv(self.add("Relu", [self.conv(x, block.first)]), block.second)
        return self.add("Add", [x, inner])

    def sequence(self, x: str, layers) -> str:
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                x = self.conv(x, layer)
            elif isinstance(layer, PaddedResidual):
                x = self.residual(x, layer)
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


def hyper_graph(module: HyperAnalysis) -> bytes:
    """Features (1, 1041, rows, cols), even sizes -> z (1, 24, rows / 2, cols / 2), any size."""
    g = GraphWriter()
    x = g.sequence("features", module.layers)
    inputs = module.layers[0].in_channels
    return g.finish(
        x, {"features": [1, inputs, "rows", "cols"]}, [1, module.layers[-1].out_channels, "z_rows", "z_cols"]
    )
