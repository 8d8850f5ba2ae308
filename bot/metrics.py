"""How good answers are: exact match and F1 of SQuAD 2.0, AUROC, and the means of a report."""

import math
import re
import string
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise_answer(text: str) -> str:
    """Reduce an answer to what SQuAD 2.0 compares.

    Lower case, without ASCII punctuation, without English articles, white space unified, in the
    order of the official script. As there, curly quotes and other punctuation beyond ASCII stay.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """Score 1.0 for an answer equal to one of the expected ones after normalisation, else 0.0.

    Args:
        prediction: The given answer; "" for an abstention.
        answers: The expected answers. As in the official script those that normalise to nothing
            are left out, and where none is left only an abstention is right.
    """
    given = normalise_answer(prediction)
    return float(any(given == expected for expected in _expected(answers)))


def f1(prediction: str, answers: Sequence[str]) -> float:
    """Score the overlap in words with the most similar expected answer, in [0, 1].

    Args:
        prediction: The given answer; "" for an abstention.
        answers: The expected answers, treated as by `exact_match`.
    """
    given = normalise_answer(prediction).split()
    return max(_overlap(given, expected.split()) for expected in _expected(answers))


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Return the probability that a positive scores above a negative; a tie counts half.

    Returns:
        The area under the ROC curve, in [0, 1]; None where either side is empty.
    """
    if not positives or not negatives:
        return None
    ordered = sorted(negatives)
    # Twice the wins, so that ties stay whole numbers and the sum is exact.
    wins = sum(bisect_left(ordered, score) + bisect_right(ordered, score) for score in positives)
    return wins / (2 * len(positives) * len(negatives))


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean; None of no values."""
    return math.fsum(values) / len(values) if values else None


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the value below which `percent` of the values lie, interpolated linearly.

    Args:
        values: In any order.
        percent: In [0, 100]; 50 gives the median.

    Returns:
        A number between the least and the greatest value; None of no values.

    Raises:
        ValueError: `percent` is outside [0, 100].
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"percent must be between 0 and 100, got {percent}")
    if not values:
        return None
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    share = position - low
    return ordered[low] * (1 - share) + ordered[high] * share


def _expected(answers: Sequence[str]) -> list[str]:
    return [text for answer in answers if (text := normalise_answer(answer))] or [""]


def _overlap(given: list[str], expected: list[str]) -> float:
    """Return the harmonic mean of precision and recall; without words, 1 only for two of a kind."""
    if not given or not expected:
        return float(given == expected)
    n_common = sum((Counter(given) & Counter(expected)).values())
    return 2 * n_common / (len(given) + len(expected))
