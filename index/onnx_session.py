"""Models on ONNX Runtime: fused once, when they are written, and opened as they are.

onnxruntime is imported at the first call: its import takes a tenth of a second.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions

# Its kernel for the processor takes eight times as long as an addition and a LayerNormalization.
_SLOW_FUSIONS = ("SkipLayerNormFusion",)
# Weights smaller than this stay in the graph.
_EXTERNAL_FROM_BYTES = "1024"


def open_session(
    model: Path | bytes, threads: int | None = None, *, is_fused: bool = True
) -> "InferenceSession":
    """Open a model for the processor.

    Args:
        model: A file or its content.
        threads: On how many a run computes; all by default.
        is_fused: Whether `write_fused` wrote it; else its operators are fused now.
    """
    options = _options(fuse=not is_fused)
    options.intra_op_num_threads = threads or 0
    return _open(model, options)


def write_fused(model: Path | bytes, target: Path, weights: str | None = None) -> None:
    """Write a model with its operators fused where that makes it faster on every processor.

    Args:
        model: A file or its content.
        target: The file to write.
        weights: Name of a file beside it for the weights, which can then be mapped into memory;
            by default they are written into the model.
    """
    options = _options(fuse=True)
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.disable_prepacking", "1")
    if weights:
        prefix = "session.optimized_model_external_initializers"
        options.add_session_config_entry(f"{prefix}_file_name", weights)
        options.add_session_config_entry(f"{prefix}_min_size_in_bytes", _EXTERNAL_FROM_BYTES)
    _open(model, options)


def _options(*, fuse: bool) -> "SessionOptions":
    from onnxruntime import GraphOptimizationLevel as Level
    from onnxruntime import SessionOptions

    options = SessionOptions()
    options.log_severity_level = 3
    # A thread that waits for the next run would take a processor from other sessions.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.graph_optimization_level = Level.ORT_ENABLE_EXTENDED if fuse else Level.ORT_ENABLE_BASIC
    return options


def _open(model: Path | bytes, options: "SessionOptions") -> "InferenceSession":
    from onnxruntime import InferenceSession

    return InferenceSession(
        model,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=_SLOW_FUSIONS,
    )
