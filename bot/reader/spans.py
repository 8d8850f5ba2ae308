"""From logits to spans of tokens. numpy only."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.embedding import FloatArray

# Keeps a span from reaching from one good answer to another; chosen on the development articles.
LENGTH_PENALTY = 0.03


class TokenSpan(NamedTuple):
    """A candidate answer, in tokens.

    Attributes:
        first: Its first token.
        last: Its last token, at least `first`.
        score: Start logit plus end logit, less the penalty for its length.
    """

    first: int
    last: int
    score: float


def best_spans(
    start_scores: FloatArray,
    end_scores: FloatArray,
    in_passage: NDArray[np.bool_],
    *,
    max_tokens: int = 30,
    n: int = 1,
    length_penalty: float = LENGTH_PENALTY,
) -> list[TokenSpan]:
    """Find the best spans of a window.

    Args:
        start_scores: Logits, shape (n_tokens,).
        end_scores: Logits, shape (n_tokens,).
        in_passage: Which tokens may be part of an answer, shape (n_tokens,).
        max_tokens: The longest span.
        n: How many spans; no two of them overlap.
        length_penalty: What a span loses for each token after its first.

    Returns:
        Spans, best first; equal scores in the order of the text. Fewer than n, or none, where the
        passage has no more.
    """
    rows = np.flatnonzero(in_passage)
    if not len(rows):
        return []
    length = min(max_tokens, len(rows))
    # scores[i, j]: the span from rows[i] to j tokens further, -inf beyond the passage.
    ends = np.full(len(rows) + length - 1, -np.inf, dtype=np.float32)
    ends[: len(rows)] = end_scores[rows]
    scores = start_scores[rows][:, None] + np.lib.stride_tricks.sliding_window_view(ends, length)
    scores = scores - length_penalty * np.arange(length, dtype=np.float32)
    spans: list[TokenSpan] = []
    while len(spans) < n:
        i, j = divmod(int(scores.argmax()), length)
        if scores[i, j] == -np.inf:
            break
        spans.append(TokenSpan(int(rows[i]), int(rows[i + j]), float(scores[i, j])))
        # Spans that reach into the one just taken are no candidates any more.
        scores[i : i + j + 1] = -np.inf
        for before in range(max(0, i - length + 1), i):
            scores[before, i - before :] = -np.inf
    return spans
