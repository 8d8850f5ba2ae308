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


def open_session(model: Path | bytes, threads: int | None = None) -> "InferenceSession":
    """Open a model for the processor.

    Args:
        model: A file or its content.
        threads: On how many a run computes; all by default.
    """
    import onnxruntime

    options = _options()
    options.intra_op_num_threads = threads or 0
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def write_fused(model: Path | bytes, target: Path, weights: str | None = None) -> None:
    """Write a model with its operators fused where that makes it faster on every processor.

    Args:
        model: A file or its content.
        target: The file to write.
        weights: Name of a file beside it for the weights, which can then be mapped into memory;
            by default they are written into the model.
    """
    import onnxruntime

    options = _options()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.disable_prepacking", "1")
    if weights:
        prefix = "session.optimized_model_external_initializers"
        options.add_session_config_entry(f"{prefix}_file_name", weights)
        options.add_session_config_entry(f"{prefix}_min_size_in_bytes", _EXTERNAL_FROM_BYTES)
    onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOW_FUSIONS
    )


def _options() -> "SessionOptions":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return options
