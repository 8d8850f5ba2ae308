"""Activations that stand out are made smaller before a matrix product, its rows larger.

An int8 product has one scale for all activations of a batch: one channel of 28 among others of 6
costs these two bits. The product stays the same (Xiao et al. 2023, SmoothQuant; here only channels
beyond a bound are changed).
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from bot.reader.weights_file import FACTORS, part_of
from index.embedding import FloatArray
from index.onnx_session import open_session

Feeds = dict[str, NDArray[np.int64]]


def with_bounded_inputs(
    model: ModelProto, parts: Sequence[str], sample: Iterable[Feeds], bound: float = 4.0
) -> ModelProto:
    """Multiply channels that exceed a bound in a sample by what brings them back to it.

    Args:
        model: A model in full precision.
        parts: What the products of concern compute, such as `encoder.layer.0.output.dense`.
        sample: Inputs of the model.
        bound: Of an activation's absolute value.
    """
    bounded = ModelProto()
    bounded.CopyFrom(model)
    products = [(part, _product(bounded, part)) for part in parts]
    peaks = _peaks(bounded, [node.input[0] for _, node in products], sample)
    for part, node in products:
        factors = (bound / np.maximum(peaks[node.input[0]], bound)).astype(np.float32)
        _multiply(bounded, node, factors, f"{part}.{FACTORS}")
    return bounded


def _product(model: ModelProto, part: str) -> NodeProto:
    node: NodeProto
    for node in model.graph.node:
        if node.op_type == "MatMul" and part_of(node) == part:
            return node
    raise ValueError(f"the model has no matrix product {part}")


def _peaks(
    model: ModelProto, names: Sequence[str], sample: Iterable[Feeds]
) -> dict[str, FloatArray]:
    watched = ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_tensor_value_info(name, 1, None) for name in names)
    session = open_session(watched.SerializeToString())
    peaks: dict[str, FloatArray] = {}
    for feeds in sample:
        for name, values in zip(names, session.run(list(names), feeds), strict=True):
            found = np.abs(values).max(axis=(0, 1))
            peaks[name] = np.maximum(peaks.get(name, found), found)
    return peaks


def _multiply(model: ModelProto, product: NodeProto, factors: FloatArray, name: str) -> None:
    weights = next(part for part in model.graph.initializer if part.name == product.input[1])
    rows = numpy_helper.to_array(weights) / factors[:, None]
    weights.CopyFrom(numpy_helper.from_array(rows, weights.name))
    model.graph.initializer.append(numpy_helper.from_array(factors, name))
    smaller = f"{product.input[0]}.bounded"
    node = helper.make_node("Mul", [product.input[0], name], [smaller])
    place = list(model.graph.node).index(product)
    product.input[0] = smaller
    model.graph.node.insert(place, node)
