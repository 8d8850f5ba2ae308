"""What to expect of a fitted threshold: by held-out folds, with an interval by resampling.

A threshold looks better on the questions that it was chosen on than on others. So it is chosen
again without each fold and judged on that fold, and its interval comes from doing all of this again
on resampled groups: that covers the luck of the questions and the luck of the choice.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bot.intervals import wilson
from bot.reader.calibration import (
    RETRIEVAL_WEIGHTS,
    Calibration,
    Example,
    Outcome,
    calibration_error,
    fit,
    logistic,
    outcome,
)
from bot.resampling import FloatArray, IntArray, drawn_counts

N_FOLDS = 10
# They give a standard deviation, to about 4 % of itself; ends of an interval would take more.
_N_RESAMPLES = 300
_SEED = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Questions in order of falling margin, summed up to each of them, in arrays of shape (b, n).

    Attributes:
        answered: How many questions there are up to here.
        wrong: How many of them would get a wrong answer.
        answerable: How many of them the documents answer.
        gain: What answering them brings in F1, over abstaining from all.
        n_answerable: How many answerable questions there are in all, shape (b, 1).
    """

    answered: FloatArray
    wrong: FloatArray
    answerable: FloatArray
    gain: FloatArray
    n_answerable: FloatArray


@dataclass(frozen=True, slots=True)
class Aim:
    """What a threshold is chosen for.

    Attributes:
        name: "f1", the best mean F1; "wrong", at most a share of wrong answers among those given,
            answering as much as that allows; or "answered", at least a share of the answerable
            questions answered, answering no more than that asks for.
        bound: That share, between 0 and 1; of no meaning for "f1".
    """

    name: str
    bound: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an aim as it is typed: "f1", "wrong<=0.05" or "answered>=0.9".

        Raises:
            ValueError: It is none of these.
        """
        if text.strip() == "f1":
            return cls("f1")
        found = re.fullmatch(r"(wrong)\s*<=\s*(\S+)|(answered)\s*>=\s*(\S+)", text.strip())
        if found:
            name, number = (part for part in found.groups() if part is not None)
            try:
                bound = float(number)
            except ValueError:
                bound = 0.0
            if 0 < bound < 1:
                return cls(name, bound)
        raise ValueError(
            f'expected f1, "wrong<=0.05" or "answered>=0.9" with a number between 0 and 1, '
            f"got {text!r}"
        )

    def threshold(self, part: Outcome, probabilities: FloatArray) -> float:
        """Choose the confidence to answer from; 1 where it is best to answer nothing."""
        _, cuts = Choices.of([part]).choose(np.ones((1, len(part.margins))), self)
        given = part.margins >= cuts[0]
        if not given.any():
            return 1.0
        lowest = probabilities[given].min()
        return float(lowest + probabilities[~given].max(initial=0.0)) / 2

    def last(self, tally: Tally, allowed: NDArray[np.bool_]) -> IntArray:
        """Return the last question to answer, shape (b,), -1 for none.

        Args:
            tally: Of the questions.
            allowed: Where the threshold may lie: not between equal margins, shape (n,).
        """
        n = tally.answered.shape[1]
        if self.name == "f1":
            gain = np.where(allowed, tally.gain, -np.inf)
            return np.where(gain.max(axis=1) > 0, gain.argmax(axis=1), -1)
        if self.name == "wrong":
            # The one more keeps the rate of questions not seen below the bound, as in conformal
            # risk control (Angelopoulos et al. 2024).
            met = allowed & (tally.wrong + 1 <= self.bound * (tally.answered + 1))
            return np.where(met.any(axis=1), n - 1 - met[:, ::-1].argmax(axis=1), -1)
        met = allowed & (tally.answerable >= self.bound * tally.n_answerable - 1e-9)
        first: IntArray = met.argmax(axis=1)
        return first


@dataclass(frozen=True, slots=True)
class Choices:
    """The best span of each question under each retrieval weight, in order of falling margin.

    Attributes:
        numbers: Which question stands where, shape (n_weights, n).
        margins: Its margin, shape (n_weights, n).
        f1s: Its F1, shape (n_weights, n).
        right: Whether giving it is right, shape (n_weights, n).
        answerable: Of each question, in the order of the set, shape (n,).
    """

    numbers: IntArray
    margins: FloatArray
    f1s: FloatArray
    right: NDArray[np.bool_]
    answerable: NDArray[np.bool_]

    @classmethod
    def of(cls, parts: Sequence[Outcome]) -> Self:
        """Take what was found under each retrieval weight."""
        numbers = np.stack([np.argsort(-part.margins, kind="stable") for part in parts])

        return cls(
            numbers,
            np.take_along_axis(np.stack([part.margins for part in parts]), numbers, axis=1),
            np.take_along_axis(np.stack([part.f1s for part in parts]), numbers, axis=1),
            np.take_along_axis(np.stack([part.right for part in parts]), numbers, axis=1),
            parts[0].answerable,
        )

    def choose(self, counts: FloatArray, aim: Aim) -> tuple[IntArray, FloatArray]:
        """Choose a retrieval weight and the margin from which to answer.

        Args:
            counts: How often each question is there, shape (b, n).
            aim: What for.

        Returns:
            Number of the weight and the margin, shape (b,); infinite where nothing is answered.
        """
        f1s = np.empty_like(self.f1s)
        np.put_along_axis(f1s, self.numbers, self.f1s, axis=1)
        weights = ((counts * self.answerable) @ f1s.T).round(9).argmax(axis=1)
        cuts = np.empty(len(counts))
        for weight in np.unique(weights):
            rows = weights == weight
            cuts[rows] = self._cuts(int(weight), counts[rows][:, self.numbers[weight]], aim)
        return weights, cuts

    def _cuts(self, weight: int, counts: FloatArray, aim: Aim) -> FloatArray:
        margins, right = self.margins[weight], self.right[weight]
        answerable = self.answerable[self.numbers[weight]]
        tally = Tally(
            answered=counts.cumsum(axis=1),
            wrong=(counts * ~right).cumsum(axis=1),
            answerable=(counts * answerable).cumsum(axis=1),
            gain=(counts * (self.f1s[weight] - ~answerable)).cumsum(axis=1).round(9),
            n_answerable=(counts * answerable).sum(axis=1, keepdims=True),
        )
        last = aim.last(tally, np.append(margins[:-1] > margins[1:], True))
        # Half-way to the next question that is there; those left out are not known of.
        n = len(margins)
        places = np.where((counts > 0) & (margins < margins[last][:, None]), np.arange(n), n)
        following = np.append(margins, np.nan)[places.min(axis=1)]
        cuts = np.where(np.isnan(following), margins[last], (margins[last] + following) / 2)
        return np.where(last < 0, np.inf, cuts)

    def given(
        self, weights: IntArray, cuts: FloatArray, counts: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Count the answers that such choices give, and the wrong ones among them, shape (b,)."""
        n_given, n_wrong = np.empty(len(cuts)), np.empty(len(cuts))
        for weight in np.unique(weights):
            rows = weights == weight
            there = counts[rows][:, self.numbers[weight]]
            there = there * (self.margins[weight] >= cuts[rows][:, None])
            n_given[rows] = there.sum(axis=1)
            n_wrong[rows] = there @ (~self.right[weight]).astype(np.float64)
        return n_given, n_wrong


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a threshold does on questions that it was not chosen on; arrays of shape (n,).

    Attributes:
        confidences: Of the best span of each question, by a calibration fitted without its fold.
        outcome: Those spans, each chosen by a ranking fitted without its fold.
        given: Whether the span is given as the answer, at the threshold of the same calibration.
        n_groups: How many groups there are, of which none was split between folds.
        interval: Where the share of wrong answers lies, with 95 % confidence.
    """

    confidences: FloatArray
    outcome: Outcome
    given: NDArray[np.bool_]
    n_groups: int
    interval: tuple[float, float]

    @property
    def n(self) -> int:
        """How many questions there are."""
        return len(self.given)

    @property
    def answered(self) -> float:
        """Share of all questions that get an answer."""
        return float(self.given.mean())

    @property
    def wrong(self) -> float:
        """Share of wrong answers among those given; 0 where none is."""
        return float((self.given & ~self.outcome.right).sum() / max(self.given.sum(), 1))

    def figures(self) -> dict[str, float]:
        """Return the figures by the names that reports use."""
        answerable = self.outcome.answerable
        return {
            "wrong": self.wrong,
            "f1": self.outcome.f1_answering(self.given),
            "answered": float(self.given[answerable].mean()),
            "refused": float((~self.given)[~answerable].mean()),
            "calibration error": calibration_error(self.confidences, self.outcome.right),
        }

    def curve(self) -> tuple[FloatArray, FloatArray]:
        """Return coverage and risk as the threshold falls.

        Share of questions answered and share of wrong answers among them, both of shape (n,).
        """
        order = np.argsort(-self.confidences, kind="stable")
        counts = np.arange(1, self.n + 1)
        return counts / self.n, np.cumsum(~self.outcome.right[order]) / counts


def expect(
    start: Calibration, examples: Sequence[Example], groups: IntArray, aim: Aim
) -> Expectation:
    """Fit without each fold, judge on it, and find the interval by resampling the groups.

    Args:
        start: What is not fitted.
        examples: What was found for each question.
        groups: The group of each, numbered from 0, shape (n,); no group is split between folds.
        aim: What the threshold is chosen for.
    """
    n = len(examples)
    answerable = np.array([example.answerable for example in examples])
    folds = _folds(groups, answerable)
    confidences, margins, f1s = np.empty(n), np.empty(n), np.empty(n)
    given = np.empty(n, dtype=bool)
    for fold in np.unique(folds):
        inside = folds == fold
        training = [examples[i] for i in np.flatnonzero(~inside).tolist()]
        fitted, _ = fit(start, [training], aim.threshold)
        held_out = [examples[i] for i in np.flatnonzero(inside).tolist()]
        part = outcome(held_out, fitted.retrieval_weight)
        margins[inside], f1s[inside] = part.margins, part.f1s
        confidences[inside] = logistic(fitted.slope * part.margins + fitted.intercept)
        given[inside] = confidences[inside] >= fitted.threshold
    judged = Outcome(margins, f1s, answerable)
    n_given = int(given.sum())
    rate = float((given & ~judged.right).sum() / max(n_given, 1))
    choices = Choices.of([outcome(examples, weight) for weight in RETRIEVAL_WEIGHTS])
    errors = np.concatenate(list(_errors(choices, groups, folds, aim)))
    n_groups = int(groups.max()) + 1
    interval = (0.0, 1.0)
    if n_given and len(errors) > 1:
        # A bootstrap's variance is too small by this factor (Efron 1982).
        variance = float(np.square(errors).mean()) * n_groups / max(n_groups - 1, 1)
        interval = wilson(rate, variance, n_given)
    return Expectation(confidences, judged, given, n_groups, interval)


def _folds(groups: IntArray, answerable: NDArray[np.bool_]) -> IntArray:
    """Deal the groups out to folds at random, those with unanswerable questions evenly."""
    n_groups = int(groups.max()) + 1
    order = np.random.default_rng(_SEED).permutation(n_groups)
    has_unanswerable = np.bincount(groups, ~answerable, minlength=n_groups) > 0
    order = order[np.argsort(has_unanswerable[order], kind="stable")]
    fold_of = np.empty(n_groups, dtype=np.int64)
    fold_of[order] = np.arange(n_groups) % N_FOLDS
    return fold_of[groups]


def _errors(choices: Choices, groups: IntArray, folds: IntArray, aim: Aim) -> Iterator[FloatArray]:
    """Yield how far the held-out rate misses the true one, as if the questions were all there is.

    Each time groups are drawn anew, thresholds are chosen on them, without each fold and in all;
    the first are judged on the folds drawn, the last on the questions as they are.
    """
    for drawn in drawn_counts(int(groups.max()) + 1, _N_RESAMPLES):
        counts = drawn[:, groups]
        n_given, n_wrong = np.zeros(len(counts)), np.zeros(len(counts))
        for fold in np.unique(folds):
            inside = folds == fold
            chosen = choices.choose(counts * ~inside, aim)
            given, wrong = choices.given(*chosen, counts * inside)
            n_given += given
            n_wrong += wrong
        given, wrong = choices.given(*choices.choose(counts, aim), np.ones_like(counts))
        there = (n_given > 0) & (given > 0)
        yield n_wrong[there] / n_given[there] - wrong[there] / given[there]
