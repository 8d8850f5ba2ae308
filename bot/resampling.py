"""How sure a difference between two bots is, by resampling: bootstrap and permutation, in pairs.

A question's answer depends on those before it in its dialogue, so whole dialogues are drawn, and
whole dialogues change places.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.evaluate import Prediction
from bot.questions import Question

N_RESAMPLES = 2_000
_SEED = 0
# How many numbers a block of resamples may hold, so that memory does not grow with the set.
_BLOCK = 4_000_000

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class PairedDifference(Protocol):
    """The difference of a metric, as a function of how the dialogues are resampled."""

    def resampled(self, counts: FloatArray) -> FloatArray:
        """Return the difference, shape (n,), if each dialogue were there so many times.

        Args:
            counts: Shape (n, n_dialogues). NaN comes back for a row that leaves no question.
        """
        ...

    def swapped(self, signs: FloatArray) -> FloatArray:
        """Return the difference, shape (n,), if files changed places in some dialogues.

        Args:
            signs: -1 for the dialogues to swap and 1 for others, shape (n, n_differing).
        """
        ...

    @property
    def n_differing(self) -> int:
        """How many dialogues differ; to swap others changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """The difference of a mean over questions.

    Attributes:
        gains: New less base, summed over the questions of each dialogue, shape (n_dialogues,).
        sizes: How many questions of the dialogue the mean is over, shape (n_dialogues,).
    """

    gains: FloatArray
    sizes: FloatArray

    @classmethod
    def of(
        cls,
        questions: Sequence[Question],
        base: Mapping[str, float],
        new: Mapping[str, float],
        dialogues: IntArray,
    ) -> "MeanDifference":
        """Take the scores of two bots by question id, and the number of each one's dialogue."""
        counted = np.array([question.id in base for question in questions], dtype=float)
        gains = np.array(
            [new[row.id] - base[row.id] if row.id in base else 0.0 for row in questions]
        )
        return cls(_sums(dialogues, gains), _sums(dialogues, counted))

    def resampled(self, counts: FloatArray) -> FloatArray:
        """Return the gain in the mean for each row of `counts`."""
        sizes: FloatArray = counts @ self.sizes
        gains: FloatArray = counts @ self.gains
        return np.divide(gains, sizes, out=np.full_like(sizes, np.nan), where=sizes > 0)

    def swapped(self, signs: FloatArray) -> FloatArray:
        """Return the gain in the mean for each row of `signs`."""
        gains: FloatArray = signs @ self.gains[self.gains != 0]
        gains /= self.sizes.sum()
        return gains

    @property
    def n_differing(self) -> int:
        """How many dialogues gained or lost."""
        return int(np.count_nonzero(self.gains))


@dataclass(frozen=True, slots=True)
class AurocDifference:
    """The difference of the AUROC, which pairs each answerable question with each other one.

    Attributes:
        levels: Of each scored question in either file, the rank of its confidence within that
            file, doubled so that ties have whole numbers; shape (2, n). Ranks are all that the
            AUROC sees, and two bots need not agree on a scale.
        answerable: Which of them the documents answer, shape (n,).
        dialogues: The dialogue of each, shape (n,).
        differing: The dialogues in which a level differs.
    """

    levels: IntArray
    answerable: NDArray[np.bool_]
    dialogues: IntArray
    differing: IntArray

    @classmethod
    def of(
        cls,
        questions: Sequence[Question],
        base: Mapping[str, Prediction],
        new: Mapping[str, Prediction],
        dialogues: IntArray,
    ) -> "AurocDifference":
        """Take predictions with a confidence each, and the number of each question's dialogue."""
        scored = [n for n, question in enumerate(questions) if question.answers is not None]
        levels = np.stack(
            [
                _levels(np.array([side[questions[n].id].confidence for n in scored], dtype=float))
                for side in (base, new)
            ]
        )
        of_scored = dialogues[scored]
        return cls(
            levels,
            np.array([questions[n].answerable for n in scored]),
            of_scored,
            np.unique(of_scored[levels[0] != levels[1]]),
        )

    def resampled(self, counts: FloatArray) -> FloatArray:
        """Return the gain in the AUROC for each row of `counts`."""
        return np.array([self._difference(self.levels, row[self.dialogues]) for row in counts])

    def swapped(self, signs: FloatArray) -> FloatArray:
        """Return the gain in the AUROC for each row of `signs`."""
        swap = np.zeros(self.dialogues.max() + 1, dtype=bool)
        once = np.ones(len(self.dialogues))
        differences = []
        for row in signs:
            swap[self.differing] = row < 0
            levels = np.where(swap[self.dialogues], self.levels[::-1], self.levels)
            differences.append(self._difference(levels, once))
        return np.array(differences)

    @property
    def n_differing(self) -> int:
        """How many dialogues hold a question that ranks elsewhere."""
        return len(self.differing)

    def _difference(self, levels: IntArray, weights: FloatArray) -> float:
        base, new = (self._auroc(side, weights) for side in levels)
        return new - base

    def _auroc(self, levels: IntArray, weights: FloatArray) -> float:
        yes, no = self.answerable, ~self.answerable
        n_pairs = weights[yes].sum() * weights[no].sum()
        if n_pairs == 0:
            return np.nan
        at = np.bincount(levels[no], weights[no], minlength=levels.max() + 1)
        # A tie counts half.
        below = np.cumsum(at) - at / 2
        return float(weights[yes] @ below[levels[yes]] / n_pairs)


def number_dialogues(questions: Sequence[Question]) -> IntArray:
    """Number the dialogues from 0 and return that of each question, shape (n_questions,).

    Args:
        questions: Each after the one that it follows; one that stands alone is a dialogue.
    """
    return np.array(list(dialogues_by_id(questions).values()))


def dialogues_by_id(questions: Sequence[Question]) -> dict[str, int]:
    """Number the dialogues as `number_dialogues` does, by question id."""
    numbers: dict[str, int] = {}
    n_dialogues = 0
    for question in questions:
        if question.follows is None:
            numbers[question.id] = n_dialogues
            n_dialogues += 1
        else:
            numbers[question.id] = numbers[question.follows]
    return numbers


def intervals(
    differences: Mapping[str, PairedDifference], n_dialogues: int
) -> dict[str, tuple[float, float]]:
    """Find the 95 % interval of each difference by the percentile bootstrap.

    The dialogues are drawn anew with replacement, the same for all metrics. A draw that leaves a
    metric no question is passed over.
    """
    drawn: dict[str, list[FloatArray]] = {name: [] for name in differences}
    for counts in drawn_counts(n_dialogues):
        for name, difference in differences.items():
            drawn[name].append(difference.resampled(counts))
    found = {}
    for name, blocks in drawn.items():
        ends = np.nanquantile(np.concatenate(blocks), [0.025, 0.975]).tolist()
        # Rounded, so that what is left of a sum that should be 0 does not keep 0 out.
        low, high = (round(end, 9) + 0.0 for end in ends)
        found[name] = (low, high)
    return found


def drawn_counts(n_groups: int, n_resamples: int = N_RESAMPLES) -> Iterator[FloatArray]:
    """Draw groups anew with replacement, so many times, in blocks.

    Yields:
        How often each group was drawn, shape (n, n_groups); the same at every call.
    """
    random = np.random.default_rng(_SEED)
    for n in _block_sizes(n_groups, n_resamples):
        rows = random.integers(n_groups, size=(n, n_groups))
        rows += np.arange(n)[:, None] * n_groups
        yield _sums(rows.ravel(), np.ones(rows.size), rows.size).reshape(rows.shape)


def p_value(difference: PairedDifference) -> float:
    """Test a difference by permutation, two-sided, in (0, 1].

    The two answers to a dialogue change places in every combination of the dialogues that differ
    where there are no more than `N_RESAMPLES`, and at random where there are.
    """
    n = difference.n_differing
    observed = abs(difference.swapped(np.ones((1, n))).item()) - 1e-9

    def n_larger(swap: NDArray[np.bool_]) -> int:
        signs: FloatArray = np.where(swap, -1.0, 1.0)
        return int(np.count_nonzero(np.abs(difference.swapped(signs)) >= observed))

    if 2**n <= N_RESAMPLES:
        return n_larger((np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1) / (1 << n)
    random = np.random.default_rng(_SEED)
    found = sum(n_larger(random.random((rows, n)) < 0.5) for rows in _block_sizes(n))
    # What was observed is one of the combinations that chance might have given.
    return (1 + found) / (1 + N_RESAMPLES)


def _levels(scores: FloatArray) -> IntArray:
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    levels: IntArray = (2 * np.cumsum(counts) - counts)[inverse]
    return levels


def _sums(groups: IntArray, values: FloatArray, n_groups: int = 0) -> FloatArray:
    return np.bincount(groups, values, minlength=n_groups).astype(np.float64, copy=False)


def _block_sizes(width: int, n_resamples: int = N_RESAMPLES) -> Iterator[int]:
    rows = max(1, _BLOCK // width)
    for start in range(0, n_resamples, rows):
        yield min(rows, n_resamples - start)
