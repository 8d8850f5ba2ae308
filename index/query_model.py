"""The query side of an encoder, exported for ONNX Runtime.

A question is embedded in milliseconds; importing torch and sentence-transformers for it takes
seconds. So the encoder is exported once, into the user's cache folder, and asking imports neither.
The cache is shared by all indexes of an encoder; an index stays small, and one that is copied to
another machine is served by that machine's own export.

<cache>/encoders/<name>/
├── model.onnx       the graph, from token numbers to unit vectors
├── weights.bin      its weights, mapped into memory
├── tokenizer.json
├── settings.json    what `QuerySettings` holds
└── failure.txt      instead of all these, why the encoder could not be exported
"""

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from index.onnx_session import open_session, write_fused

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    from index.embedding import FloatArray, IntArray

_FORMAT = 3
_OPSET = 17
_MODEL = "model.onnx"
_WEIGHTS = "weights.bin"
_TOKENIZER = "tokenizer.json"
_SETTINGS = "settings.json"
_FAILURE = "failure.txt"
_PASSAGE_PROMPTS = ("document", "passage", "corpus")
_INPUTS = ("input_ids", "attention_mask")
_BATCH_TOKENS = 512
_MIN_COSINE = 0.9999
_SAMPLE = (
    "Who wrote this?",
    "",
    "In which year did the committee publish its second report, and how many members signed it?",
    "naïve café — 2,200 passengers 🙂",
    "word " * 300,
)


class ExportError(Exception):
    """An encoder cannot be exported; sentence-transformers serves it as well."""


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """What is stored beside an exported model.

    Attributes:
        format: Of the folder.
        prompt: What the encoder puts before a question.
        passage_prompt: What it puts before a passage; None where it embeds passages otherwise.
        max_tokens: Where a question is cut, special tokens included.
        dim: Length of a vector.
        sizes: Bytes of each file.
    """

    format: int
    prompt: str
    passage_prompt: str | None
    max_tokens: int
    dim: int
    sizes: dict[str, int]


class QueryModel:
    """Embeds questions with ONNX Runtime, as the encoder that it was exported from does."""

    def __init__(self, folder: Path, settings: QuerySettings) -> None:
        self._folder = folder
        self.settings = settings

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Open an export; None where there is none, or none that is whole."""
        try:
            settings = QuerySettings(**json.loads((folder / _SETTINGS).read_text("utf-8")))
            sizes = {file: (folder / file).stat().st_size for file in settings.sizes}
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        if settings.format != _FORMAT or sizes != settings.sizes:
            return None
        return cls(folder, settings)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.settings.dim

    @property
    def max_tokens(self) -> int:
        """Where a text is cut, special tokens included."""
        return self.settings.max_tokens

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a text, without the special ones."""
        return len(self._whole_tokenizer.encode(text, add_special_tokens=False).ids)

    def encode(self, texts: Sequence[str]) -> "FloatArray":
        """Embed questions as unit vectors of shape (n_texts, dim)."""
        vectors = np.empty((len(texts), self.settings.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            ids = np.array([self._tokenizer.encode(self.settings.prompt + text).ids])
            feeds = dict(zip(_INPUTS, (ids, np.ones_like(ids)), strict=True))
            [[vectors[row]]] = self._session.run(None, feeds)
        return vectors

    @property
    def embeds_passages(self) -> bool:
        """Whether passages are embedded by the same weights as questions."""
        return self.settings.passage_prompt is not None

    def encode_passages(
        self, texts: Sequence[str], compute: Callable[..., "FloatArray"] | None = None
    ) -> "FloatArray":
        """Embed passages as unit vectors of shape (n_texts, dim).

        Those of like length go together, in batches side by side, a processor each.

        Args:
            texts: The passages.
            compute: Turns token numbers and mask, each of shape (batch, length), into vectors on
                one thread; by default ONNX Runtime.
        """
        compute = compute or self._compute
        prompt = self.settings.passage_prompt or ""
        tokens = [part.ids for part in self._tokenizer.encode_batch([prompt + t for t in texts])]
        vectors = np.empty((len(texts), self.settings.dim), dtype=np.float32)

        def embed(rows: list[int]) -> None:
            ids = np.zeros((len(rows), max(len(tokens[row]) for row in rows)), dtype=np.int64)
            mask = np.zeros_like(ids)
            for place, row in enumerate(rows):
                ids[place, : len(tokens[row])] = tokens[row]
                mask[place, : len(tokens[row])] = 1
            vectors[rows] = compute(ids, mask)

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(embed, _batches([len(part) for part in tokens])))
        return vectors

    def _compute(self, ids: "IntArray", mask: "IntArray") -> "FloatArray":
        feeds = dict(zip(_INPUTS, (ids, mask), strict=True))
        [vectors] = self._passage_session.run(None, feeds)
        return np.asarray(vectors)

    def warm_up(self) -> None:
        """Load weights and tokenizer, which the first call would wait for."""
        _ = self._session, self._tokenizer

    @cached_property
    def _session(self) -> "InferenceSession":
        return open_session(self._folder / _MODEL)

    @cached_property
    def _passage_session(self) -> "InferenceSession":
        """A session whose runs take a thread each."""
        return open_session(self._folder / _MODEL, threads=1)

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        tokenizer = self._read_tokenizer()
        tokenizer.enable_truncation(self.settings.max_tokens)
        return tokenizer

    @cached_property
    def _whole_tokenizer(self) -> "Tokenizer":
        """The tokenizer that cuts nothing off."""
        tokenizer = self._read_tokenizer()
        tokenizer.no_truncation()
        return tokenizer

    def _read_tokenizer(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        tokenizer: Tokenizer = Tokenizer.from_file(str(self._folder / _TOKENIZER))
        tokenizer.no_padding()
        return tokenizer


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Put texts of like length into batches, long ones first.

    Args:
        lengths: Tokens of each text.

    Returns:
        Row numbers; a batch holds at most `_BATCH_TOKENS`, padding included, or one text.
    """
    batches: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= _BATCH_TOKENS:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def export_query_model(model: "SentenceTransformer", folder: Path) -> QueryModel:
    """Export the query side of a sentence-transformers model, in place of what the folder holds.

    Args:
        model: The model.
        folder: Made where it is missing.

    Returns:
        The export; on a sample of texts its vectors are those of the model.

    Raises:
        ExportError: The model has no fast tokenizer or a part that ONNX cannot express, its export
            gives other vectors, or the folder cannot be written. The reason is left in the folder.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-") as name:
            made = Path(name) / "export"
            made.mkdir()
            reason = _written(model, made)
            shutil.rmtree(folder, ignore_errors=True)
            made.replace(folder)
    except OSError as error:
        raise ExportError(f"{error.filename}: {error.strerror}") from error
    exported = QueryModel.load(folder)
    if exported is None:
        raise ExportError(reason)
    return exported


def export_failure(folder: Path) -> str | None:
    """Say why an earlier export failed; None where none did."""
    try:
        return (folder / _FAILURE).read_text("utf-8")
    except OSError:
        return None


def _written(model: "SentenceTransformer", folder: Path) -> str:
    """Write an export, or else the reason why there is none; return the reason."""
    try:
        _write(model, folder)
        settings = _checked(model, QueryModel(folder, _settings(model, folder)))
    except OSError:
        raise
    # Models differ, and so do the errors of torch, transformers and ONNX Runtime.
    except Exception as error:  # noqa: BLE001
        reason = f"{type(error).__name__}: {error}".split("\n", 1)[0]
        (folder / _FAILURE).write_text(reason, "utf-8")
        return reason
    (folder / _SETTINGS).write_text(json.dumps(asdict(settings), indent=2) + "\n", "utf-8")
    return ""


def _write(model: "SentenceTransformer", folder: Path) -> None:
    import torch

    class QueryGraph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            vectors: torch.Tensor = self.model(features)["sentence_embedding"]
            return torch.nn.functional.normalize(vectors, dim=-1)

    (folder / _TOKENIZER).write_text(model.tokenizer.backend_tokenizer.to_str(), "utf-8")
    example = torch.ones(2, 8, dtype=torch.int64, device=model.device)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's remarks on constants
        traced = Path(name) / _MODEL
        torch.onnx.export(
            QueryGraph().eval(),
            (example, example),
            traced,
            input_names=list(_INPUTS),
            output_names=["vectors"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in _INPUTS},
            opset_version=_OPSET,
            dynamo=False,
        )
        write_fused(traced, folder / _MODEL, weights=_WEIGHTS)


def _settings(model: "SentenceTransformer", folder: Path) -> QuerySettings:
    default = model.prompts.get(model.default_prompt_name) if model.default_prompt_name else None
    # As sentence-transformers' `encode_document` chooses.
    named = [model.prompts[name] for name in _PASSAGE_PROMPTS if name in model.prompts]
    return QuerySettings(
        format=_FORMAT,
        prompt=model.prompts.get("query") or default or "",
        passage_prompt=named[0] if named else default or "",
        max_tokens=int(model.max_seq_length or 512),
        dim=int(model.get_embedding_dimension() or 0),
        sizes={name: (folder / name).stat().st_size for name in (_MODEL, _WEIGHTS, _TOKENIZER)},
    )


def _checked(model: "SentenceTransformer", exported: QueryModel) -> QuerySettings:
    """Compare an export with its model on a sample; its settings say if it embeds passages too."""
    options: dict[str, Any] = {"normalize_embeddings": True, "show_progress_bar": False}
    queries = model.encode_query(list(_SAMPLE), **options)
    cosine = float((queries * exported.encode(_SAMPLE)).sum(axis=1).min())
    if not cosine >= _MIN_COSINE:
        raise ExportError(f"its vectors differ from the model's, cosine {cosine:.4f}")
    passages = model.encode_document(list(_SAMPLE), **options)
    cosine = float((passages * exported.encode_passages(_SAMPLE)).sum(axis=1).min())
    agrees = cosine >= _MIN_COSINE
    return exported.settings if agrees else replace(exported.settings, passage_prompt=None)
