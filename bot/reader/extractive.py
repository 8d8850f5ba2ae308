"""The span reader: a model's logits become quotes that are whole, ranked and comparable."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Self

from bot.reader.abbreviations import asked_abbreviation, find_long_form
from bot.reader.calibration import Calibration
from bot.reader.completion import asks_for_list, completed, is_listed, joined
from bot.reader.onnx_model import OnnxSpanModel
from bot.reader.reading import Reading, Span, missing_words, shares_mentioned
from bot.reader.roles import is_beside, who_is_asked_about
from bot.reader.spans import best_spans
from bot.reader.titles import asks_for_title, find_title
from bot.reader.windows import SpanModel, WindowLogits
from corpus.errors import ReaderError
from corpus.passages import paragraph_spans
from index.lexical import terms
from index.passage_index import Hit

PACKAGED = "packaged"
_MAX_ANSWER_TOKENS = 60
_JOINED_WITHIN = 4.0
# What a span loses that is not what the question asks for by its form.
_MISFIT = 6.0
# What a span loses whose passage has none of the question's words.
_UNMENTIONED = 4.0
_SPANS_PER_PARAGRAPH = 3
# The score of a long form that is found by its letters, or of a title: above what the model gives.
_FOUND_BY_RULE = 15.0


class ExtractiveReader:
    """Reads every passage by itself and compares what it finds in them.

    The score of a span is how far its logits exceed those of "no answer here", as in BERT's recipe
    for SQuAD 2.0 (Devlin et al. 2019); it is comparable across passages.
    """

    def __init__(self, model: SpanModel, calibration: Calibration) -> None:
        """Put a reader together.

        Args:
            model: Gives the logits.
            calibration: Weighs them; fitted for this model.
        """
        self.model = model
        self.calibration = calibration

    @classmethod
    def load(cls, name: str = PACKAGED, calibration: Path | None = None) -> Self:
        """Load a reader.

        Args:
            name: "packaged"; or a folder, or a name on the Hugging Face hub, of a transformers
                model for question answering.
            calibration: A file that `observer tune` wrote; by default the packaged one, and for
                other models none: answers are then given where they beat "no answer".

        Raises:
            ReaderError: A file is missing, altered, or was fitted for another reader.
        """
        if name == PACKAGED:
            folder = packaged_weights()
            model: SpanModel = OnnxSpanModel.load(folder)
            calibration = calibration or folder / "calibration.json"
        else:
            from bot.reader.transformers_model import TransformersSpanModel

            model = TransformersSpanModel(name)
        if calibration is None:
            return cls(model, Calibration(model.fingerprint))
        fitted = Calibration.load(calibration)
        if fitted.fingerprint != model.fingerprint:
            raise ReaderError(
                f"{calibration}: was fitted for another reader than {name}; run observer tune again"
            )
        return cls(model, fitted)

    @property
    def threshold(self) -> float:
        """The confidence from which on its answers are given."""
        return self.calibration.threshold

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """Read passages for the answer to a question that stands alone."""
        texts = [hit.passage.searchable_text for hit in hits]
        weigh = _Weigher(question, texts, self.calibration)
        mentioned = [frozenset(terms(text)) for text in texts]
        losses = [_UNMENTIONED * (1 - share) for share in shares_mentioned(question, mentioned)]
        best: dict[int, list[Span]] = {}
        for window in self.model.logits(question, texts):
            hit = hits[window.text_number]
            found = best.setdefault(window.text_number, [])
            spans = [*weigh.found_by_rule(hit), *_spans(hit, window)]
            found.extend(weigh(span, losses[window.text_number]) for span in spans)
        ranked = sorted(
            (spans for spans in best.values() if spans),
            key=lambda spans: (-max(span.score for span in spans), spans[0].hit.rank),
        )
        every = sorted(
            (span for spans in ranked for span in spans),
            key=lambda span: (-span.score, span.hit.rank, span.start),
        )
        if every:
            every[0] = joined(every[0], _near(every[0], every[1:]))
        found_in = [spans[0].hit for spans in ranked]
        rest = [hit for hit in hits if hit not in found_in]
        return Reading(
            spans=tuple(completed(question, span) for span in every),
            hits=tuple(found_in + rest),
            missing=missing_words(question, mentioned),
        )


class _Weigher:
    """Adds to a margin what the words and the form of the question say, and the retrieval score.

    The latter tells passages of one question apart, not questions: confidence goes without.
    """

    def __init__(self, question: str, texts: Sequence[str], calibration: Calibration) -> None:
        self._name = who_is_asked_about(question, texts)
        self._abbreviation = asked_abbreviation(question)
        self._asks_for_title = asks_for_title(question)
        self._asks_for_list = asks_for_list(question)
        self._calibration = calibration

    def __call__(self, span: Span, loss: float) -> Span:
        margin = span.score - loss
        if not self._fits(span):
            margin -= _MISFIT
        score = margin + self._calibration.retrieval_weight * span.hit.score
        return replace(span, score=score, confidence=self._calibration.confidence(margin))

    def _fits(self, span: Span) -> bool:
        passage = span.hit.passage
        start, end = span.start - passage.start, span.end - passage.start
        if self._abbreviation:
            return find_long_form(passage.text, self._abbreviation) == (start, end)
        if self._asks_for_list and not is_listed(passage.text, start, end):
            return False
        before, after = passage.text[max(0, start - 60) : start], passage.text[end : end + 60]
        return not self._name or is_beside(self._name, before, after)

    def found_by_rule(self, hit: Hit) -> Iterator[Span]:
        """Yield what the question's abbreviation stands for, or the title that it asks for."""
        found = None
        if self._abbreviation:
            found = find_long_form(hit.passage.text, self._abbreviation)
        elif self._asks_for_title:
            found = find_title(hit.passage)
        if found:
            start, end = (hit.passage.start + place for place in found)
            yield Span(hit, start, end, _FOUND_BY_RULE)


def _near(best: Span, spans: Sequence[Span]) -> list[Span]:
    passage = best.hit.passage
    return [
        span
        for span in spans
        if span.hit.passage == passage and span.score >= best.score - _JOINED_WITHIN
    ]


def packaged_weights() -> Path:
    """Return the folder of the weights that come with the bot."""
    return Path(str(resources.files("bot.reader") / "weights"))


def _spans(hit: Hit, window: WindowLogits) -> Iterator[Span]:
    """Turn the best token spans of a window into spans of the document.

    No span reaches over a blank line: a headline and the line under it are not one answer.
    """
    passage = hit.passage
    n_context = len(passage.searchable_text) - len(passage.text)
    places = window.offsets - n_context
    for first, last in paragraph_spans(passage.text):
        for found in best_spans(
            window.starts,
            window.ends,
            (places[:, 0] >= first) & (places[:, 1] <= last) & (places[:, 0] < places[:, 1]),
            max_tokens=_MAX_ANSWER_TOKENS,
            n=_SPANS_PER_PARAGRAPH,
        ):
            start, end = whole_words(
                passage.text, int(places[found.first, 0]), int(places[found.last, 1])
            )
            yield Span(hit, passage.start + start, passage.start + end, found.score - window.null)


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
