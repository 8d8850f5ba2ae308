"""What a reader takes and gives: passages in, spans with a confidence out."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import log1p
from typing import Protocol

from index.lexical import terms, words
from index.passage_index import Hit


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a passage that may answer.

    Attributes:
        hit: The passage they stand in.
        start: Offset of the first character in the document's text.
        end: Offset after the last character.
        score: Larger is better; comparable within one reading only.
        confidence: In [0, 1]: the fitted probability that the words are right.
    """

    hit: Hit
    start: int
    end: int
    score: float
    confidence: float = 0.0

    @property
    def text(self) -> str:
        """The words themselves."""
        offset = self.hit.passage.start
        return self.hit.passage.text[self.start - offset : self.end - offset]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in some passages.

    Attributes:
        spans: Candidate answers, best first; empty when there was nothing to read.
        hits: The passages that were read, those that likeliest hold the answer first.
        missing: Words of the question that none of the passages holds, in the question's order.
    """

    spans: tuple[Span, ...]
    hits: tuple[Hit, ...]
    missing: tuple[str, ...] = ()

    @property
    def confidence(self) -> float:
        """In [0, 1]: the fitted probability that the best span is right; 0 where there is none."""
        return self.spans[0].confidence if self.spans else 0.0


class Reader(Protocol):
    """Finds the answer to a question in passages.

    Attributes:
        threshold: The confidence from which on its answers are given, fitted with its weights.
    """

    @property
    def threshold(self) -> float:
        """The confidence from which on its answers are given."""
        ...

    def read(self, question: str, hits: Sequence[Hit]) -> Reading:
        """Read passages for the answer to a question that stands alone."""
        ...


def missing_words(question: str, mentioned: Iterable[Collection[str]]) -> tuple[str, ...]:
    """Find the words of a question that no passage holds in any form, in the question's order.

    Args:
        question: The question.
        mentioned: The terms of each passage.
    """
    held = set(chain.from_iterable(mentioned))
    return tuple(word for word in dict.fromkeys(words(question)) if set(terms(word)) - held)


def shares_mentioned(question: str, mentioned: Sequence[Collection[str]]) -> list[float]:
    """Say how much of a question each passage mentions, in [0, 1].

    A term weighs by its rarity in these passages, as in BM25; one that none of them holds weighs
    nothing. All are 1 where no term of the question occurs.

    Args:
        question: The question.
        mentioned: The terms of each passage.
    """
    rarities = {}
    for term in dict.fromkeys(terms(question)):
        n_with = sum(term in held for held in mentioned)
        if n_with:
            rarities[term] = log1p((len(mentioned) - n_with + 0.5) / (n_with + 0.5))
    whole = sum(rarities.values())
    return [
        sum(rarity for term, rarity in rarities.items() if term in held) / whole if whole else 1.0
        for held in mentioned
    ]
