"""What a reader takes and gives: passages in, spans with a confidence out."""

from collections.abc import Sequence
from dataclasses import dataclass
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


def missing_words(question: str, passages: Sequence[str]) -> tuple[str, ...]:
    """Find the words of a question that no passage holds in any form, in the question's order."""
    held = {term for passage in passages for term in terms(passage)}
    return tuple(word for word in dict.fromkeys(words(question)) if set(terms(word)) - held)
