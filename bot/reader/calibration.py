"""From a span's lead over "no answer" to the probability that it is right, and when to be silent.

A retrieval weight, a logistic curve (Platt 1999) and a threshold are fitted on questions whose
answers are known; the weights of the reader must not have seen them.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bot.metrics import f1
from corpus.errors import ReaderError

RETRIEVAL_WEIGHTS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
RIGHT_FROM_F1 = 0.5
_ABOUT = 0.005  # of F1


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the scores of one reader are weighed.

    Attributes:
        fingerprint: Of the reader that it was fitted for.
        retrieval_weight: What the retrieval score adds to a passage's margin in their ranking.
        slope: Of the logistic curve from margin to the probability that the answer is right.
        intercept: Of the same curve.
        threshold: The confidence from which on answers are given.
        index: Fingerprint of the index whose questions it was fitted on; None where it is for any.
    """

    FORMAT: ClassVar[int] = 2  # since the curve takes the margin without the retrieval score

    fingerprint: str
    retrieval_weight: float = 0.0
    slope: float = 1.0
    intercept: float = 0.0
    threshold: float = 0.5
    index: str | None = None

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a calibration.

        Raises:
            ReaderError: The file is missing or holds something else.
        """
        try:
            record = json.loads(file.read_text("utf-8"))
            if record.pop("format", 1) != cls.FORMAT:
                raise ReaderError(
                    f"{file}: was fitted by another version of the bot; run observer tune again"
                )
            found = cls(**record)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ReaderError(f"{file}: cannot be read as a calibration ({error})") from error
        numbers = (found.retrieval_weight, found.slope, found.intercept, found.threshold)
        if not all(isinstance(value, int | float) for value in numbers):
            raise ReaderError(f"{file}: holds values that are no numbers; fit it again")
        return found

    def save(self, file: Path) -> None:
        """Write the calibration as JSON, beside the file and then over it.

        Raises:
            ReaderError: The file cannot be written.
        """
        beside = file.with_name(f"{file.name}.new")
        try:
            record = {"format": self.FORMAT, **asdict(self)}
            record = {key: value for key, value in record.items() if value is not None}
            beside.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            beside.replace(file)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise ReaderError(
                f"{file}: cannot be written ({error.strerror}); name another file"
            ) from error

    def confidence(self, margin: float) -> float:
        """Return the probability, in [0, 1], that a span of this margin is right."""
        return float(logistic(np.float64(self.slope * margin + self.intercept)))


def logistic(z: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-z)) without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -60, 60))))


@dataclass(frozen=True, slots=True)
class Example:
    """A question and what the reader found, before any weight or threshold.

    Attributes:
        margins: Best span of each passage, less its null score, shape (n,).
        scores: Retrieval scores of the same passages, shape (n,).
        f1s: F1 of the same spans, 0 for a question without an answer, shape (n,).
        answerable: Whether the documents answer.
    """

    margins: NDArray[np.float64]
    scores: NDArray[np.float64]
    f1s: NDArray[np.float64]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best span of each question under one retrieval weight, in arrays of shape (n,)."""

    margins: NDArray[np.float64]
    f1s: NDArray[np.float64]
    answerable: NDArray[np.bool_]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether giving the span is right: it shares at least half its words with an answer."""
        return self.f1s >= RIGHT_FROM_F1

    def f1_answering(self, answered: NDArray[np.bool_]) -> float:
        """Mean F1 as in SQuAD 2.0: an abstention is worth 1 where there is no answer."""
        return float(np.where(answered, self.f1s, ~self.answerable).mean())

    def best_threshold(self) -> tuple[float, float]:
        """Find the margin from which answering gives the best mean F1, and that F1."""
        candidates = [*np.unique(self.margins), np.inf]
        scores = [self.f1_answering(self.margins >= margin) for margin in candidates]
        best = int(np.argmax(scores))
        return float(candidates[best]), scores[best]


def outcome(examples: Sequence[Example], retrieval_weight: float) -> Outcome:
    """Choose the best span of each example; its margin stays what it is."""
    best = [
        int((example.margins + retrieval_weight * example.scores).argmax()) for example in examples
    ]
    chosen = list(zip(examples, best, strict=True))
    return Outcome(
        np.array([e.margins[i] for e, i in chosen]),
        np.array([e.f1s[i] for e, i in chosen]),
        np.array([e.answerable for e in examples]),
    )


def fit_logistic(margins: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit slope and intercept of a logistic curve by Newton's method, lightly damped."""
    design = np.stack([margins, np.ones_like(margins)], axis=1)
    beta = np.zeros(2)
    for _ in range(50):
        p = logistic(design @ beta)
        gradient = design.T @ (right - p) - 1e-3 * beta
        hessian = (design.T * (p * (1 - p))) @ design + 1e-3 * np.eye(2)
        beta += np.linalg.solve(hessian, gradient)
    return float(beta[0]), float(beta[1])


def calibration_error(
    probabilities: NDArray[np.float64], right: NDArray[np.bool_], n_bins: int = 10
) -> float:
    """Expected calibration error: the mean gap of confidence and accuracy over equal-width bins."""
    return sum(
        abs(confidence - accuracy) * share
        for confidence, accuracy, share in reliability(probabilities, right, n_bins)
    )


def reliability(
    probabilities: NDArray[np.float64], right: NDArray[np.bool_], n_bins: int = 10
) -> Iterator[tuple[float, float, float]]:
    """Yield mean confidence, share of right answers and share of all answers of each bin."""
    bins = np.minimum((probabilities * n_bins).astype(int), n_bins - 1)
    for number in range(n_bins):
        inside = bins == number
        if inside.any():
            yield (
                float(probabilities[inside].mean()),
                float(right[inside].mean()),
                float(inside.mean()),
            )


ThresholdRule = Callable[[Outcome, NDArray[np.float64]], float]


def fit(
    start: Calibration, sets: Sequence[Sequence[Example]], rule: ThresholdRule
) -> tuple[Calibration, dict[str, float]]:
    """Fit weight, curve and threshold on sets of examples.

    The weight is the best for the mean of the sets; for the curve every question counts alike.

    Args:
        start: What is not fitted.
        sets: The examples; the threshold is chosen on the last set.
        rule: Chooses the threshold from the outcomes and their probabilities.

    Returns:
        The calibration, and the figures it reaches on the same sets.
    """

    def f1_of_answerable(retrieval_weight: float) -> float:
        found = [outcome(examples, retrieval_weight) for examples in sets]
        return float(np.mean([part.f1s[part.answerable].mean() for part in found]))

    reached = {weight: f1_of_answerable(weight) for weight in RETRIEVAL_WEIGHTS}
    # Of weights that do about as well the largest: the more documents there are, the more it is
    # retrieval that tells their passages apart.
    weight = max(w for w, f1 in reached.items() if f1 >= max(reached.values()) - _ABOUT)
    parts = [outcome(examples, weight) for examples in sets]
    slope, intercept = fit_logistic(
        np.concatenate([part.margins for part in parts]),
        np.concatenate([part.right for part in parts]),
    )
    probabilities = [logistic(slope * part.margins + intercept) for part in parts]
    threshold = rule(parts[-1], probabilities[-1])
    figures = {
        f"{name} of set {number}": value
        for number, (part, sure) in enumerate(zip(parts, probabilities, strict=True), start=1)
        for name, value in {
            "f1 of answerable": float(part.f1s[part.answerable].mean()),
            "f1": part.f1_answering(sure >= threshold),
            "answered": float((sure >= threshold)[part.answerable].mean()),
            "refused": float((sure < threshold)[~part.answerable].mean()),
            "calibration error": calibration_error(sure, part.right),
        }.items()
    }
    fitted = replace(
        start,
        retrieval_weight=weight,
        slope=round(slope, 4),
        intercept=round(intercept, 4),
        threshold=round(threshold, 4),
    )
    return fitted, figures


def example_of(spans: Sequence[tuple[float, float, str]], answers: Sequence[str]) -> Example:
    """Put together what was found for a question.

    Args:
        spans: Margin, retrieval score and words of the best span of each passage; at least one.
        answers: The accepted answers; empty for a question that the documents do not answer.
    """
    margins, scores, words = zip(*spans, strict=True)
    return Example(
        np.array(margins, dtype=np.float64),
        np.array(scores, dtype=np.float64),
        np.array([f1(text, answers) if answers else 0.0 for text in words]),
        bool(answers),
    )
