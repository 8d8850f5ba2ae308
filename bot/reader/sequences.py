"""Pairs of a question and a passage become token sequences with label positions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from bot.reader.training_data import Pair
from index.embedding import IntArray

MAX_TOKENS = 256
MAX_QUESTION_TOKENS = 48
_ENCODE_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Sequences:
    """Token sequences `[CLS] question [SEP] passage [SEP]`, one behind the other.

    Attributes:
        tokens: All token ids, shape (sum of lengths,).
        bounds: Where each sequence begins, and the end of the last, shape (n + 1,).
        passage_starts: Position of the first passage token in its sequence, shape (n,).
        starts: Position of the answer's first token, 0 for no answer, shape (n,).
        ends: Position of the answer's last token, 0 for no answer, shape (n,).
    """

    tokens: NDArray[np.int32]
    bounds: IntArray
    passage_starts: IntArray
    starts: IntArray
    ends: IntArray

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> IntArray:
        """Tokens of each sequence."""
        return np.diff(self.bounds)

    def row(self, number: int) -> NDArray[np.int32]:
        """Token ids of one sequence."""
        return self.tokens[self.bounds[number] : self.bounds[number + 1]]


def encode(pairs: Sequence[Pair], tokenizer: Tokenizer, rng: np.random.Generator) -> Sequences:
    """Turn pairs into token sequences of at most `MAX_TOKENS`.

    Of a passage that is too long, a window at a random place is kept, with the answer inside.
    """
    tokens: list[NDArray[np.int32]] = []
    labels: list[tuple[int, int, int]] = []
    for row, label in _encoded(pairs, tokenizer, rng):
        tokens.append(np.array(row, dtype=np.int32))
        labels.append(label)
    columns = np.array(labels, dtype=np.int64).reshape(-1, 3)
    lengths = np.array([0, *map(len, tokens)], dtype=np.int64)
    return Sequences(
        np.concatenate(tokens), np.cumsum(lengths), columns[:, 0], columns[:, 1], columns[:, 2]
    )


def _encoded(
    pairs: Sequence[Pair], tokenizer: Tokenizer, rng: np.random.Generator
) -> Iterator[tuple[list[int], tuple[int, int, int]]]:
    cls: int = tokenizer.token_to_id("[CLS]")  # type: ignore[assignment]
    sep: int = tokenizer.token_to_id("[SEP]")  # type: ignore[assignment]
    for begin in range(0, len(pairs), _ENCODE_AT_ONCE):
        part = pairs[begin : begin + _ENCODE_AT_ONCE]
        questions = tokenizer.encode_batch([p.question for p in part], add_special_tokens=False)
        passages = tokenizer.encode_batch([p.passage for p in part], add_special_tokens=False)
        for pair, question, passage in zip(part, questions, passages, strict=True):
            asked = question.ids[:MAX_QUESTION_TOKENS]
            room = MAX_TOKENS - 3 - len(asked)
            span = token_span(passage.offsets, pair.start, pair.end)
            low, high = window(len(passage.ids), room, span, rng)
            offset = len(asked) + 2
            row = [cls, *asked, sep, *passage.ids[low:high], sep]
            if span is None:
                yield row, (offset, 0, 0)
            else:
                last = min(span[1], high - 1)
                yield row, (offset, offset + span[0] - low, offset + last - low)


def token_span(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """Find the first and last token that overlap the characters from start to end."""
    if start < 0:
        return None
    inside = [i for i, (first, last) in enumerate(offsets) if first < end and last > start]
    return (inside[0], inside[-1]) if inside else None


def window(
    n_tokens: int, room: int, span: tuple[int, int] | None, rng: np.random.Generator
) -> tuple[int, int]:
    """Choose which passage tokens are kept: all, or `room` of them around the answer."""
    if n_tokens <= room:
        return 0, n_tokens
    low, high = 0, n_tokens - room
    if span is not None:
        low, high = max(0, span[1] - room + 1), min(span[0], high)
    first = int(rng.integers(low, high + 1)) if high >= low else low
    if span is not None and first > span[0]:
        first = span[0]
    return first, first + room
