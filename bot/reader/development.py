"""Scores of a span reader on held-back questions, each with its own paragraph given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from bot.metrics import auroc, f1
from bot.reader.model import SpanReader, make_batch, reduced_precision
from bot.reader.sequences import MAX_TOKENS, Sequences, encode
from bot.reader.spans import best_spans
from bot.reader.training_data import Pair, development_pairs
from index.embedding import FloatArray

_N_QUESTIONS = 600


@dataclass(frozen=True, slots=True)
class DevelopmentSet:
    """Held-back questions, each with its own paragraph.

    Attributes:
        pairs: Questions, paragraphs and accepted answers.
        sequences: The same as tokens, none truncated.
        offsets: Of each passage token in its paragraph.
    """

    pairs: list[Pair]
    sequences: Sequences
    offsets: list[list[tuple[int, int]]]

    @classmethod
    def load(cls, folder: Path, tokenizer: Tokenizer) -> "DevelopmentSet":
        """Draw a fixed sample of the questions whose paragraph fits the window whole.

        They come sorted by length, so that batches of neighbours hold little padding.
        """
        rng = np.random.default_rng(0)
        found = development_pairs(folder)
        sample: list[tuple[int, Pair, list[tuple[int, int]]]] = []
        for row in rng.permutation(len(found)):
            pair = found[row]
            passage = tokenizer.encode(pair.passage, add_special_tokens=False)
            question = tokenizer.encode(pair.question, add_special_tokens=False)
            n_tokens = len(passage.ids) + len(question.ids) + 3
            if n_tokens <= MAX_TOKENS:
                sample.append((n_tokens, pair, passage.offsets))
            if len(sample) == _N_QUESTIONS:
                break
        sample.sort(key=lambda entry: entry[0])
        pairs = [pair for _, pair, _ in sample]
        return cls(pairs, encode(pairs, tokenizer, rng), [offsets for *_, offsets in sample])


@dataclass(frozen=True, slots=True)
class Scores:
    """Development figures.

    Attributes:
        f1_answerable: Mean F1 of the best span over answerable questions, without abstention.
        best_f1: Mean F1 over all questions at the best null threshold.
        auroc: How well the margin tells answerable from unanswerable questions.
        threshold: The null threshold of `best_f1`: answered when the margin is at least as high.
    """

    f1_answerable: float
    best_f1: float
    auroc: float
    threshold: float


def best_span(
    start_logits: FloatArray, end_logits: FloatArray, passage_start: int, length: int
) -> tuple[int, int, float]:
    """Find the best span of a sequence.

    Args:
        start_logits: Shape (at least length,).
        end_logits: Shape (at least length,).
        passage_start: Position of the first passage token.
        length: Tokens of the sequence, the last of them `[SEP]`.

    Returns:
        Its first and last token, counted from the start of the passage, and how far its score
        exceeds the null score.
    """
    position = np.arange(len(start_logits))
    in_passage = (position >= passage_start) & (position < length - 1)
    found = best_spans(start_logits, end_logits, in_passage)
    if not found:
        return 0, 0, float("-inf")
    span = found[0]
    margin = span.score - float(start_logits[0] + end_logits[0])
    return span.first - passage_start, span.last - passage_start, margin


def measure(logits: Iterator[tuple[FloatArray, FloatArray]], held: DevelopmentSet) -> Scores:
    """Score start and end logits of every development sequence, in order."""
    values, margins = [], []
    for number, (start, end) in enumerate(logits):
        pair = held.pairs[number]
        first, last, margin = best_span(
            start,
            end,
            int(held.sequences.passage_starts[number]),
            int(held.sequences.lengths[number]),
        )
        offsets = held.offsets[number]
        values.append(f1(pair.passage[offsets[first][0] : offsets[last][1]], pair.answers or ("",)))
        margins.append(margin)
    answerable = [bool(pair.answers) for pair in held.pairs]
    yes = [i for i, flag in enumerate(answerable) if flag]
    no = [i for i, flag in enumerate(answerable) if not flag]
    best, threshold = _best_threshold(margins, values, answerable)
    area = auroc([margins[i] for i in yes], [margins[i] for i in no])
    return Scores(float(np.mean([values[i] for i in yes])), best, area or 0.0, threshold)


def _best_threshold(
    margins: Sequence[float], values: Sequence[float], answerable: Sequence[bool]
) -> tuple[float, float]:
    total = float(sum(not flag for flag in answerable))  # abstaining always
    best, threshold = total, float("inf")
    for i in sorted(range(len(margins)), key=lambda i: -margins[i]):
        total += values[i] if answerable[i] else -1.0
        if total > best:
            best, threshold = total, margins[i]
    return best / len(margins), threshold


def reader_logits(
    reader: SpanReader, sequences: Sequences, batch_size: int = 32
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Compute the logits of every sequence, in order."""
    reader.eval()
    with torch.inference_mode(), reduced_precision(reader.device):
        for begin in range(0, len(sequences), batch_size):
            rows = list(range(begin, min(begin + batch_size, len(sequences))))
            batch = make_batch(sequences, rows).to(reader.device)
            start, end = reader(batch.input_ids, batch.attention_mask, batch.token_type_ids)
            yield from zip(start.cpu().numpy(), end.cpu().numpy(), strict=True)
