"""The packaged span model: a small BERT on ONNX Runtime."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from bot.reader.windows import WindowLogits, window_starts
from corpus.errors import ReaderError
from index.embedding import IntArray
from index.onnx_session import open_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

_BATCH_TOKENS = 256


@dataclass(frozen=True, slots=True)
class OnnxModelSettings:
    """What is stored beside the weights, in `model.json`.

    Attributes:
        sha256: SHA-256 of `reader.onnx`.
        max_tokens: Length of a window, the question and three special tokens included.
        max_question_tokens: Where a question is cut.
        overlap: How many tokens two neighbouring windows share.
    """

    sha256: str
    max_tokens: int = 256
    max_question_tokens: int = 48
    overlap: int = 64


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A text in tokens.

    Attributes:
        ids: Token numbers, shape (n,).
        offsets: Where each starts and ends in the text, shape (n, 2).
    """

    ids: IntArray
    offsets: IntArray

    @classmethod
    def of(cls, encoding: "Encoding") -> Self:
        """Take what a tokenizer found."""
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        return cls(np.array(encoding.ids, dtype=np.int64), offsets)


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of a text, in its tokens."""

    text_number: int
    first: int
    last: int


def _batches(windows: Sequence[_Window], n_around: int) -> list[list[_Window]]:
    """Put windows of like length into batches, short ones first.

    Args:
        windows: Of any length.
        n_around: Tokens that come to each: the question and three special ones.
    """
    batches: list[list[_Window]] = []
    for window in sorted(windows, key=lambda w: (w.last - w.first, w.text_number, w.first)):
        width = window.last - window.first + n_around
        if batches and (len(batches[-1]) + 1) * width <= _BATCH_TOKENS:
            batches[-1].append(window)
        else:
            batches.append([window])
    return batches


class OnnxSpanModel:
    """Reads `[CLS] question [SEP] text [SEP]`; position 0 stands for "no answer here"."""

    def __init__(self, model: bytes, tokenizer: str, settings: OnnxModelSettings) -> None:
        self._model = model
        self._tokenizer_json = tokenizer
        self._settings = settings
        self._known: dict[str, _Tokens] = {}

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder of weights: `reader.onnx`, `tokenizer.json`, `model.json`.

        Raises:
            ReaderError: A file is missing, unreadable, or not the one that the settings name.
        """
        try:
            settings = OnnxModelSettings(**json.loads((folder / "model.json").read_text("utf-8")))
            model = (folder / "reader.onnx").read_bytes()
            tokenizer = (folder / "tokenizer.json").read_text("utf-8")
        except (OSError, ValueError, TypeError) as error:
            raise ReaderError(
                f"{folder}: cannot be read as a reader ({error}); reinstall it"
            ) from error
        if hashlib.sha256(model).hexdigest() != settings.sha256:
            raise ReaderError(f"{folder / 'reader.onnx'}: was altered; reinstall silent-observer")
        return cls(model, tokenizer, settings)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights."""
        return self._settings.sha256

    def warm_up(self) -> None:
        """Load weights and tokenizer, which the first reading would wait for."""
        _ = self._session, self._tokenizer, self._pool

    def logits(self, question: str, texts: Sequence[str]) -> Iterator[WindowLogits]:
        """Read texts in overlapping windows, those of like length together."""
        asked = self._tokenizer.encode(question, add_special_tokens=False).ids
        asked = asked[: self._settings.max_question_tokens]
        encoded = self._tokenized(texts)
        room = self._settings.max_tokens - len(asked) - 3
        windows = [
            _Window(number, first, min(first + room, len(encoding.ids)))
            for number, encoding in enumerate(encoded)
            for first in window_starts(len(encoding.ids), room, self._settings.overlap)
        ]
        run = partial(self._run, self._session, asked, encoded)
        # The longest first, so that the processors finish together.
        for found in self._pool.map(run, reversed(_batches(windows, len(asked) + 3))):
            yield from found

    def _run(
        self,
        session: "InferenceSession",
        asked: list[int],
        encoded: Sequence[_Tokens],
        batch: Sequence[_Window],
    ) -> list[WindowLogits]:
        offset = len(asked) + 2
        width = max(window.last - window.first for window in batch) + offset + 1
        cls: int = self._tokenizer.token_to_id("[CLS]")  # type: ignore[assignment]
        sep: int = self._tokenizer.token_to_id("[SEP]")  # type: ignore[assignment]
        ids = np.zeros((len(batch), width), dtype=np.int64)
        types = np.zeros_like(ids)
        mask = np.zeros_like(ids)
        for row, window in enumerate(batch):
            words = encoded[window.text_number].ids[window.first : window.last]
            end = offset + len(words) + 1
            ids[row, :offset] = [cls, *asked, sep]
            ids[row, offset : end - 1] = words
            ids[row, end - 1] = sep
            types[row, offset:end] = 1
            mask[row, :end] = 1
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        starts, ends = session.run(["start_logits", "end_logits"], feeds)
        return [
            WindowLogits(
                window.text_number,
                encoded[window.text_number].offsets[window.first : window.last],
                start[offset : offset + window.last - window.first],
                end[offset : offset + window.last - window.first],
                float(start[0] + end[0]),
            )
            for window, start, end in zip(batch, starts, ends, strict=True)
        ]

    def _tokenized(self, texts: Sequence[str]) -> list[_Tokens]:
        """Split texts into tokens; those of the last question's passages are at hand."""
        known = self._known
        unknown = [text for text in dict.fromkeys(texts) if text not in known]
        made = self._tokenizer.encode_batch(unknown, add_special_tokens=False)
        found = dict(zip(unknown, map(_Tokens.of, made), strict=True))
        self._known = read = {text: found.get(text) or known[text] for text in texts}
        return [read[text] for text in texts]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        # Batches side by side, each on one thread, are read a fifth faster than one after the
        # other on all: only the matrix products of a batch gain by a second thread.
        return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="reader")

    @cached_property
    def _session(self) -> "InferenceSession":
        try:
            return open_session(self._model, threads=1)
        # onnxruntime's own exceptions derive from RuntimeError or Exception as it pleases.
        except (RuntimeError, ValueError) as error:
            raise ReaderError(f"the reader's weights cannot be loaded: {error}") from error

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        tokenizer: Tokenizer = Tokenizer.from_str(self._tokenizer_json)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer
