"""The span reader: a small BERT that points at the words that answer, run by ONNX Runtime."""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from bot.reader.kinds import is_of_kind, titles_of_the_named, wanted_kind
from bot.reader.reading import Reading, Span, missing_words
from bot.reader.spans import best_spans
from corpus.errors import ReaderError
from index.embedding import FloatArray
from index.passage_index import Hit

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

_SPANS_PER_WINDOW = 3
_BATCH_TOKENS = 4096
_BLANK_LINE = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """What is stored beside the weights.

    Attributes:
        model_sha256: SHA-256 of `reader.onnx`.
        max_tokens: Length of a window, the question and three special tokens included.
        max_question_tokens: Where a question is cut.
        overlap: How many tokens two neighbouring windows share.
        max_answer_tokens: The longest answer.
        retrieval_weight: What the retrieval score adds to a passage's margin.
        kind_penalty: What a span loses that is not of the kind the question asks for: a date, a
            number, a person, a place.
        slope: Of the logistic curve from margin to the probability that the answer is right.
        intercept: Of the same curve.
        threshold: The confidence from which on answers are given.
    """

    model_sha256: str
    max_tokens: int
    max_question_tokens: int
    overlap: int
    max_answer_tokens: int
    retrieval_weight: float
    kind_penalty: float
    slope: float
    intercept: float
    threshold: float


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of a passage that is read at once, in tokens of the passage."""

    hit_number: int
    first: int
    last: int


class ExtractiveReader:
    """Reads every passage by itself, in overlapping windows, and compares what it finds in them.

    The score of a span is how far its logits exceed those of "no answer here" (position 0), as in
    BERT's recipe for SQuAD 2.0 (Devlin et al. 2019); it is comparable across passages.
    """

    def __init__(self, model: bytes, tokenizer: str, settings: ReaderSettings) -> None:
        self._model = model
        self._tokenizer_json = tokenizer
        self.settings = settings

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Read a folder of weights: `reader.onnx`, `tokenizer.json`, `reader.json`.

        Args:
            folder: The packaged weights by default.

        Raises:
            ReaderError: A file is missing, unreadable, or not the one that the settings name.
        """
        if folder is None:
            folder = Path(str(resources.files("bot.reader") / "weights"))
        try:
            settings = ReaderSettings(**json.loads((folder / "reader.json").read_text("utf-8")))
            model = (folder / "reader.onnx").read_bytes()
            tokenizer = (folder / "tokenizer.json").read_text("utf-8")
        except (OSError, ValueError, TypeError) as error:
            raise ReaderError(
                f"{folder}: cannot be read as a reader ({error}); reinstall it"
            ) from error
        if hashlib.sha256(model).hexdigest() != settings.model_sha256:
            raise ReaderError(f"{folder / 'reader.onnx'}: was altered; reinstall silent-observer")
        return cls(model, tokenizer, settings)

    @property
    def threshold(self) -> float:
        """The confidence from which on its answers are given."""
        return self.settings.threshold

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """Read passages for the answer to a question that stands alone."""
        asked = self._tokenizer.encode(question, add_special_tokens=False).ids
        asked = asked[: self.settings.max_question_tokens]
        texts = [hit.passage.searchable_text for hit in hits]
        encoded = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        best: dict[int, list[Span]] = {}
        for window, starts, ends in self._logits(asked, encoded):
            number = window.hit_number
            spans = self._spans(hits[number], encoded[number], window, len(asked) + 2, starts, ends)
            best.setdefault(number, []).extend(self._weighed(question, span) for span in spans)
        ranked = sorted(
            (spans for spans in best.values() if spans),
            key=lambda spans: (-max(span.score for span in spans), spans[0].hit.rank),
        )
        every = sorted(
            (span for spans in ranked for span in spans),
            key=lambda span: (-span.score, span.hit.rank, span.start),
        )
        if not every:
            return Reading(spans=(), hits=tuple(hits), confidence=0.0)
        found = [max(spans, key=lambda span: span.score).hit for spans in ranked]
        rest = [hit for hit in hits if hit not in found]
        return Reading(
            spans=tuple(every),
            hits=tuple(found + rest),
            confidence=self._confidence(every[0].score),
            missing=missing_words(question, texts),
        )

    def _weighed(self, question: str, span: Span) -> Span:
        """Add to a margin what the retrieval score and the kind of answer say."""
        passage = span.hit.passage
        following = passage.text[span.end - passage.start :][:60]
        fits = is_of_kind(wanted_kind(question), span.text) and not titles_of_the_named(
            question, span.text, following
        )
        score = span.score + self.settings.retrieval_weight * span.hit.score
        return replace(span, score=score if fits else score - self.settings.kind_penalty)

    def _confidence(self, margin: float) -> float:
        z = self.settings.slope * margin + self.settings.intercept
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, z))))

    def _logits(
        self, asked: list[int], encoded: Sequence["Encoding"]
    ) -> Iterator[tuple[_Window, FloatArray, FloatArray]]:
        """Run the model over all windows, batched by length; yield the logits of each."""
        room = self.settings.max_tokens - len(asked) - 3
        windows = [
            _Window(number, first, min(first + room, len(encoding.ids)))
            for number, encoding in enumerate(encoded)
            for first in _window_starts(len(encoding.ids), room, self.settings.overlap)
        ]
        windows.sort(
            key=lambda window: (window.last - window.first, window.hit_number, window.first)
        )
        batch: list[_Window] = []
        for window in windows:
            width = window.last - window.first + len(asked) + 3
            if batch and (len(batch) + 1) * width > _BATCH_TOKENS:
                yield from self._run(asked, encoded, batch)
                batch = []
            batch.append(window)
        if batch:
            yield from self._run(asked, encoded, batch)

    def _run(
        self, asked: list[int], encoded: Sequence["Encoding"], batch: Sequence[_Window]
    ) -> Iterator[tuple[_Window, FloatArray, FloatArray]]:
        width = max(window.last - window.first for window in batch) + len(asked) + 3
        cls, sep = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        ids = np.zeros((len(batch), width), dtype=np.int64)
        types = np.zeros_like(ids)
        mask = np.zeros_like(ids)
        for row, window in enumerate(batch):
            words = encoded[window.hit_number].ids[window.first : window.last]
            sequence = [cls, *asked, sep, *words, sep]
            ids[row, : len(sequence)] = np.array(sequence)
            types[row, len(asked) + 2 : len(sequence)] = 1
            mask[row, : len(sequence)] = 1
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        starts, ends = self._session.run(["start_logits", "end_logits"], feeds)
        yield from zip(batch, starts, ends, strict=True)

    def _spans(
        self,
        hit: Hit,
        encoding: "Encoding",
        window: _Window,
        offset: int,
        starts: FloatArray,
        ends: FloatArray,
    ) -> list[Span]:
        """Turn the best token spans of a window into spans of the document.

        No span reaches over a blank line: a headline and the line under it are not one answer.
        """
        n_context = len(hit.passage.searchable_text) - len(hit.passage.text)
        offsets = encoding.offsets[window.first : window.last]
        null = float(starts[0] + ends[0])
        spans = []
        for first, last in _paragraphs(hit.passage.text):
            in_paragraph = np.zeros(len(starts), dtype=np.bool_)
            for place, (start, end) in enumerate(offsets, start=offset):
                in_paragraph[place] = first <= start - n_context and end - n_context <= last
            for found in best_spans(
                starts,
                ends,
                in_paragraph,
                max_tokens=self.settings.max_answer_tokens,
                n=_SPANS_PER_WINDOW,
            ):
                start = offsets[found.first - offset][0] - n_context
                end = offsets[found.last - offset][1] - n_context
                start, end = whole_words(hit.passage.text, start, end)
                base = hit.passage.start
                spans.append(Span(hit, base + start, base + end, found.score - null))
        return spans

    @cached_property
    def _session(self) -> "InferenceSession":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(
                self._model, options, providers=["CPUExecutionProvider"]
            )
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


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    bounds = [0, *(place for gap in _BLANK_LINE.finditer(text) for place in gap.span()), len(text)]
    yield from zip(bounds[::2], bounds[1::2], strict=True)


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span of word pieces to whole words: with currency and percent signs, and "U.S."."""
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    if re.match(r"\d", text[start:end]) and start > 0 and text[start - 1] in "$€£¥":
        start -= 1
    if text[end : end + 1] == "%" or (
        text[end : end + 1] == "." and re.search(r"(?:\b[A-Z]\.)+[A-Z]$", text[start:end])
    ):
        end += 1
    return start, end


def _window_starts(n_tokens: int, room: int, overlap: int) -> Iterator[int]:
    yield 0
    step = max(room - overlap, 1)
    start = 0
    while start + room < n_tokens:
        start += step
        yield start
