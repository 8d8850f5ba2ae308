"""What a span model gives back: logits, window by window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from index.embedding import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class WindowLogits:
    """What a model says of one window, a stretch of a text that is read at once.

    Attributes:
        text_number: Which text the window is of, counted from 0.
        offsets: Start and end in that text of each of the window's n tokens, shape (n, 2).
        starts: Logits of an answer that begins at each token, shape (n,).
        ends: Logits of an answer that ends at each token, shape (n,).
        null: Score of "no answer in this window", on the scale of a start and an end logit added.
    """

    text_number: int
    offsets: IntArray
    starts: FloatArray
    ends: FloatArray
    null: float


class SpanModel(Protocol):
    """A model that reads texts for the words that answer a question."""

    @property
    def fingerprint(self) -> str:
        """Tells this model from any other; a calibration holds for one of them."""
        ...

    def warm_up(self) -> None:
        """Load what the first reading would wait for."""
        ...

    def logits(self, question: str, texts: Sequence[str]) -> Iterator[WindowLogits]:
        """Read texts, each in windows that overlap; windows come in any order."""
        ...


def window_starts(n_tokens: int, room: int, overlap: int) -> Iterator[int]:
    """Yield where the windows of a text begin.

    Args:
        n_tokens: Length of the text.
        room: Length of a window.
        overlap: How many tokens two neighbours share.
    """
    yield 0
    start = 0
    while start + room < n_tokens:
        start += max(room - overlap, 1)
        yield start
