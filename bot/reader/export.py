"""Turn trained weights into models for ONNX Runtime: `python -m bot.reader.export`.

The exported graph takes `input_ids`, `attention_mask` and `token_type_ids` and gives `start_logits`
and `end_logits`. It is written in full precision, with float16 weights that are computed with in
float32, and with int8 weights.
"""

import logging
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession
from onnxruntime.quantization import QuantType, quantize_dynamic

from bot.reader.development import DevelopmentSet, measure
from bot.reader.model import SpanReader, load_config, load_tokenizer, make_batch
from bot.reader.sequences import Sequences
from bot.reader.weights_file import Weights, load_weights, mixed
from index.embedding import FloatArray, packaged_model
from index.onnx_session import open_session, write_fused

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUTS = ("start_logits", "end_logits")
_OPSET = 17
_SMALL = 1024  # biases and layer norms stay as they are
_TIMED_RUNS = 15
# What int8 changes most in the logits: the second product of the lowest feed-forward layers.
_SENSITIVE = ("layer.0/output/dense", "layer.1/output/dense")


def reader_of(weights: Weights) -> SpanReader:
    """Make a reader of these weights."""
    reader = SpanReader(load_config(packaged_model()))
    reader.load_state_dict(weights)
    return reader.eval()


def to_onnx(reader: SpanReader) -> ModelProto:
    """Export a reader in full precision; batch and length may vary."""
    example = torch.ones(2, 8, dtype=torch.int64)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's remarks on constants
        file = Path(folder) / "reader.onnx"
        torch.onnx.export(
            reader,
            (example, example, example),
            file,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "batch", 1: "length"} for name in (*INPUTS, *OUTPUTS)},
            opset_version=_OPSET,
            dynamo=False,
        )
        return onnx.load(file)


def with_float16_weights(model: ModelProto) -> ModelProto:
    """Store large float32 weights as float16, and cast them where they are used.

    ONNX Runtime casts matrices once, when it loads the model. Rows of an embedding table are cast
    behind the look-up, so the table stays small in memory.
    """
    halved = ModelProto()
    halved.CopyFrom(model)
    graph = halved.graph
    tables = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    casts = []
    for weight in list(graph.initializer):
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < _SMALL:
            continue
        name = weight.name
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), name)
        if name in tables:
            _cast_rows(halved, name)
        else:
            half.name = f"{name}.float16"
            casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
        weight.CopyFrom(half)
    _prepend(halved, casts)
    return halved


def _cast_rows(model: ModelProto, table: str) -> None:
    nodes = []
    for node in model.graph.node:
        nodes.append(node)
        if node.op_type == "Gather" and node.input[0] == table:
            wanted, raw = node.output[0], f"{node.output[0]}.float16"
            node.output[0] = raw
            nodes.append(helper.make_node("Cast", [raw], [wanted], to=TensorProto.FLOAT))
    _set_nodes(model, nodes)


def with_int8_matrices(model: ModelProto, spared: Sequence[str] = ()) -> ModelProto:
    """Store matrices as 7 bits per output channel; activations are quantised as they come.

    With the eighth bit, sums of products overflow on processors without VNNI, and every kind of
    processor would give logits of its own.

    Args:
        model: A model in full precision.
        spared: Parts of names; matrix products with one of them stay in full precision.
    """
    skip = [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul" and any(part in node.name for part in spared)
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=skip,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
        return onnx.load(target)


def with_int8_tables(model: ModelProto) -> ModelProto:
    """Store embedding tables as int8 with one scale per row."""
    small = ModelProto()
    small.CopyFrom(model)
    tables = {node.input[0] for node in small.graph.node if node.op_type == "Gather"}
    for weight in list(small.graph.initializer):
        if weight.name in tables and weight.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(weight)
            if values.ndim == 2 and values.size >= _SMALL:
                _quantise_table(small, weight, values)
    return small


def _quantise_table(model: ModelProto, weight: TensorProto, values: FloatArray) -> None:
    name = weight.name
    scale = (np.abs(values).max(axis=1, keepdims=True) / 127).astype(np.float32)
    scale[scale == 0] = 1
    weight.CopyFrom(numpy_helper.from_array(np.round(values / scale).astype(np.int8), name))
    model.graph.initializer.append(numpy_helper.from_array(scale, f"{name}.scale"))
    nodes = []
    for node in model.graph.node:
        nodes.append(node)
        if node.op_type == "Gather" and node.input[0] == name:
            wanted, raw = node.output[0], f"{node.output[0]}.int8"
            node.output[0] = raw
            nodes += [
                helper.make_node("Cast", [raw], [f"{raw}.float"], to=TensorProto.FLOAT),
                helper.make_node("Gather", [f"{name}.scale", node.input[1]], [f"{raw}.scale"]),
                helper.make_node("Mul", [f"{raw}.float", f"{raw}.scale"], [wanted]),
            ]
    _set_nodes(model, nodes)


def fused(model: ModelProto) -> ModelProto:
    """Let ONNX Runtime fuse what it fuses on every processor, so that loading need not."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fused.onnx"
        write_fused(model.SerializeToString(), file)
        return onnx.load(file)


def _set_nodes(model: ModelProto, nodes: Sequence[onnx.NodeProto]) -> None:
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def _prepend(model: ModelProto, nodes: Sequence[onnx.NodeProto]) -> None:
    _set_nodes(model, [*nodes, *model.graph.node])


PRECISIONS: dict[str, Callable[[ModelProto], ModelProto]] = {
    "float32": lambda model: model,
    "float16": with_float16_weights,
    "int8": lambda model: with_float16_weights(with_int8_matrices(model)),
    "int8-tables": lambda model: with_int8_tables(with_int8_matrices(model)),
    "int8-spared": lambda model: fused(with_int8_tables(with_int8_matrices(model, _SENSITIVE))),
}


def session_logits(
    session: InferenceSession, sequences: Sequences, batch_size: int = 16
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Compute the logits of every sequence, in order."""
    for begin in range(0, len(sequences), batch_size):
        rows = list(range(begin, min(begin + batch_size, len(sequences))))
        batch = make_batch(sequences, rows)
        feeds = {name: getattr(batch, name).numpy() for name in INPUTS}
        starts, ends = session.run(list(OUTPUTS), feeds)
        yield from zip(starts, ends, strict=True)


def milliseconds(session: InferenceSession, n_passages: int, n_tokens: int) -> float:
    """Measure the median time of one batch."""
    rng = np.random.default_rng(0)
    ids: NDArray[np.int64] = rng.integers(1000, 30000, (n_passages, n_tokens))
    types = np.broadcast_to(np.arange(n_tokens) >= n_tokens // 4, ids.shape).astype(np.int64)
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}
    times = []
    for _ in range(_TIMED_RUNS):
        began = time.perf_counter()
        session.run(list(OUTPUTS), feeds)
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * 1000


@click.command()
@click.option("--weights", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--precision", "names", multiple=True, type=click.Choice(sorted(PRECISIONS)))
@click.option(
    "--start",
    type=click.Path(path_type=Path, exists=True),
    help="What the run started from; the WEIGHTS are mixed with it.",
)
@click.option("--share", default=0.6, show_default=True, help="Of the WEIGHTS in the mixture.")
def main(
    weights: Path,
    data: Path,
    output: Path,
    threads: int,
    names: Sequence[str],
    start: Path | None,
    share: float,
) -> None:
    """Write the WEIGHTS as ONNX models to OUTPUT and compare their scores and speed."""
    logging.basicConfig(level=logging.ERROR)  # the quantiser warns of what is not needed
    output.mkdir(parents=True, exist_ok=True)
    held = DevelopmentSet.load(data, load_tokenizer(packaged_model()))
    trained = load_weights(weights)
    if start:
        trained = mixed(load_weights(start), trained, share)
    model = to_onnx(reader_of(trained))
    click.echo(f"{'precision':20} {'MB':>6} {'F1 ans':>7} {'best F1':>7} {'AUROC':>7} ms 10, 36")
    for name in names or PRECISIONS:
        file = output / f"{name}.onnx"
        onnx.save(PRECISIONS[name](model), file)
        session = open_session(file, threads, is_fused=False)
        scores = measure(session_logits(session, held.sequences), held)
        times = [milliseconds(session, n, 80) for n in (10, 36)]
        click.echo(
            f"{name:20} {file.stat().st_size / 1e6:6.1f} {scores.f1_answerable:7.4f} "
            f"{scores.best_f1:7.4f} {scores.auroc:7.4f} {times[0]:.0f}, {times[1]:.0f}"
        )


if __name__ == "__main__":
    main()
