"""Read the weights of a training run, or multiply them out of a packaged reader, and mix them."""

import re
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

# Of matrices: in float32, of integers, of integers with what goes before or after fused in.
_PRODUCTS = ("MatMul", "MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul")

Weights = dict[str, Tensor]


def load_weights(file: Path) -> Weights:
    """Read float32 weights by the names that `SpanReader` gives them.

    Args:
        file: Written by `bot.reader.train`, or a `reader.onnx` of `bot.reader.export`, whose
            integers are multiplied by their scales; what rounding took from them is lost.
    """
    if file.suffix == ".onnx":
        return _multiplied_out(file)
    return load_file(file)


def mixed(start: Weights, trained: Weights, share: float) -> Weights:
    """Weigh the weights of a run against those that it started from (Wortsman et al. 2022).

    Args:
        start: What the run started from.
        trained: What it ended with.
        share: Of the trained weights, from 0 to 1.
    """
    return {name: torch.lerp(start[name], tensor, share) for name, tensor in trained.items()}


def _multiplied_out(file: Path) -> Weights:
    import onnx
    from onnx import numpy_helper

    model = onnx.load(file)
    arrays = {part.name: numpy_helper.to_array(part) for part in model.graph.initializer}
    found = {
        name: _float(arrays, name)
        for name in arrays
        if name.startswith(("encoder.", "head.")) and not name.endswith(".scale")
    }
    for node in model.graph.node:
        if node.op_type in _PRODUCTS and node.input[1] in arrays:
            path = re.sub(r"/MatMul(_quant)?$", "", node.name).strip("/")
            name = path.replace("encoder/encoder/", "encoder.encoder.").replace("/", ".")
            found[f"{name}.weight"] = _float(arrays, node.input[1]).T
    return {
        name: torch.from_numpy(np.array(values, dtype=np.float32)) for name, values in found.items()
    }


def _float(arrays: dict[str, NDArray[np.generic]], name: str) -> NDArray[np.float32]:
    values = arrays[name].astype(np.float32)
    for scale in (f"{name}.scale", name.replace("_quantized", "_scale")):
        if scale != name and scale in arrays:
            values = values * arrays[scale].astype(np.float32)
    return values
