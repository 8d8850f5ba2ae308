"""Where the true figures of a bot lie with 95 % confidence, seen from these questions.

Answers of one dialogue lean on each other, so the variance is that between dialogues. All of it is
in closed form: a set of 100,000 questions takes a second, where drawing it anew again and again
would take minutes for the AUROC.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bot.evaluate import Prediction
from bot.questions import Question
from bot.resampling import FloatArray

Interval = tuple[float, float]

_Z = 1.959964
_PERCENTILES = {"seconds_median": 50, "seconds_p95": 95}


def intervals(
    questions: Sequence[Question],
    predictions: Mapping[str, Prediction],
    scores: Mapping[str, Mapping[str, float]],
    dialogue_of: Mapping[str, int],
) -> dict[str, Interval]:
    """Find the intervals of the metrics of a report, those that have one.

    Args:
        questions: All of a set, or some.
        predictions: One for each of them.
        scores: What `bot.evaluate.question_scores` says of them.
        dialogue_of: The number of each question's dialogue, by question id.
    """
    found = {name: mean_interval(part, dialogue_of) for name, part in scores.items() if part}
    scored = [question for question in questions if question.answers is not None]
    dialogues = [dialogue_of[question.id] for question in scored]
    confidences = [predictions[question.id].confidence for question in scored]
    answerable = np.array([question.answerable for question in scored])
    if scored and None not in confidences and len(set(answerable.tolist())) == 2:
        found["auroc"] = auroc_interval(np.array(confidences), answerable, dialogues)
    seconds = [predictions[question.id].seconds for question in questions]
    if seconds and None not in seconds:
        dialogues = [dialogue_of[question.id] for question in questions]
        for name, percent in _PERCENTILES.items():
            if interval := percentile_interval(np.array(seconds), percent, dialogues):
                found[name] = interval
    return found


def mean_interval(scores: Mapping[str, float], dialogue_of: Mapping[str, int]) -> Interval:
    """Find the interval of a mean of scores in [0, 1].

    Args:
        scores: By question id, at least one.
        dialogue_of: The number of each question's dialogue, by question id.
    """
    values = np.array(list(scores.values()), dtype=np.float64)
    mean = float(values.mean())
    dialogues = [dialogue_of[name] for name in scores]
    return wilson(mean, _variance((values - mean) / len(values), dialogues), len(values))


def auroc_interval(
    confidences: FloatArray, answerable: NDArray[np.bool_], dialogues: Sequence[int]
) -> Interval:
    """Find the interval of the AUROC, with the variance of Obuchowski (1997) for clustered data.

    Without dialogues that is DeLong's (1988). Wilson's interval makes of it one that stays in
    [0, 1] and does not take an AUROC of 1 for certain.

    Args:
        confidences: Of the scored questions, shape (n,).
        answerable: Which of them the documents answer, shape (n,); some and not all.
        dialogues: The number of the dialogue of each, n of them.
    """
    yes, no = confidences[answerable], confidences[~answerable]
    # Of each question the share of those of the other kind that it is on the right side of.
    placements = np.empty(len(confidences))
    placements[answerable] = _share_below(no, yes)
    placements[~answerable] = 1 - _share_below(yes, no)
    auroc = float(placements[answerable].mean())
    off = (placements - auroc) / np.where(answerable, len(yes), len(no))
    variance = _variance(off, dialogues)
    return wilson(auroc, variance, len(off) if variance > 0 else min(len(yes), len(no)))


def percentile_interval(
    values: FloatArray, percent: float, dialogues: Sequence[int]
) -> Interval | None:
    """Find the interval of a percentile as Woodruff (1952) does: values by their place in order.

    Args:
        values: Shape (n,).
        percent: Between 0 and 100; 50 for the median.
        dialogues: The number of the dialogue of each value, n of them.

    Returns:
        None where there are too few values, and all may well lie on one side of it.
    """
    share, n = percent / 100, len(values)
    off = (values <= np.percentile(values, percent)).astype(np.float64) - share
    # Values that lean on each other are worth no more than as many that do not.
    variance = max(_variance(off, dialogues), n * share * (1 - share))
    half = _Z * math.sqrt(variance)
    # With a correction for continuity: of 20 values, the 6th and the 15th.
    first, last = math.floor(n * share - half + 0.5), math.ceil(n * share + half + 0.5)
    if first < 1 or last > n:
        return None
    ordered = np.sort(values)
    return float(ordered[first - 1]), float(ordered[last - 1])


def wilson(share: float, variance: float, n: int) -> Interval:
    """Return Wilson's 95 % interval (1927) of a share for as many cases as have this variance.

    Args:
        share: In [0, 1].
        variance: Of the share, however it came about.
        n: How many cases there are; they count as no more than these.
    """
    cases = min(n, share * (1 - share) / variance) if variance > 0 else n
    if cases == 0:
        cases = n
    centre = (share + _Z**2 / (2 * cases)) / (1 + _Z**2 / cases)
    half = _Z / (1 + _Z**2 / cases) * np.sqrt(share * (1 - share) / cases + (_Z / cases / 2) ** 2)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _variance(parts: FloatArray, dialogues: Sequence[int]) -> float:
    """Return the variance of a sum whose parts come in dialogues and have mean 0."""
    _, numbers = np.unique(dialogues, return_inverse=True)
    sums = np.bincount(numbers, parts)
    return float(np.square(sums).sum() * len(sums) / max(len(sums) - 1, 1))


def _share_below(others: FloatArray, values: FloatArray) -> FloatArray:
    """Return the share of other values below each value; an equal one counts half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return below / (2 * len(ordered))
