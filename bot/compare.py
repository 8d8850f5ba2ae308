"""Two answers files to one set are compared; what may be noise is not called a difference."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.evaluate import Prediction, evaluate, question_scores
from bot.questions import Evidence, Question, shorten
from bot.resampling import (
    N_RESAMPLES,
    AurocDifference,
    MeanDifference,
    PairedDifference,
    intervals,
    number_dialogues,
    p_value,
)

# From so many losses on the interval leaves out 0 in a large set. In a small one it would do so
# for less, and make a certain loss of one question that is lost.
_LEAST_DIFFERING = 4
_LEVEL = 0.05

Verdict = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True, slots=True)
class PairedTest:
    """What resampling whole dialogues says of a difference.

    Attributes:
        interval: Where 95 % of the differences lie when the dialogues are drawn anew.
        p: How often a difference at least as large, of whatever sign, comes about when the two
            answers to each dialogue change places at random.
        n_differing: In how many dialogues the metric differs.
    """

    interval: tuple[float, float]
    p: float
    n_differing: int

    @property
    def shows_difference(self) -> bool:
        """Whether the interval leaves out 0, for more than a handful of dialogues."""
        low, high = self.interval
        return not low <= 0 <= high and self.n_differing >= _LEAST_DIFFERING

    @property
    def is_split(self) -> bool:
        """Whether the interval and p say different things."""
        return self.shows_difference != (self.p <= _LEVEL)


@dataclass(frozen=True, slots=True)
class Difference:
    """How a metric differs between two answers files.

    Attributes:
        metric: Its name in reports.
        base: Its value in the first file.
        new: Its value in the second.
        test: What resampling says of the difference; None for times, which say as much about the
            machine as about the bot.
    """

    metric: str
    base: float
    new: float
    test: PairedTest | None = None

    @property
    def difference(self) -> float:
        """What the metric gained, negative where it fell."""
        return self.new - self.base

    @property
    def verdict(self) -> Verdict | None:
        """Whether the difference is beyond noise; None for times."""
        if self.test is None:
            return None
        if not self.test.shows_difference:
            return "no difference shown"
        return "better" if self.test.interval[0] > 0 else "worse"


@dataclass(frozen=True, slots=True)
class Change:
    """A question of which the F1 differs.

    Attributes:
        question: The question.
        base: The answer to it in the first file.
        new: The answer to it in the second.
        base_f1: The F1 of `base`, in [0, 1].
        new_f1: The F1 of `new`, in [0, 1].
    """

    question: Question
    base: Prediction
    new: Prediction
    base_f1: float
    new_f1: float

    @property
    def lost(self) -> bool:
        """Whether the new answer is the worse one."""
        return self.new_f1 < self.base_f1


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two answers files.

    Attributes:
        n_questions: Rows of the question set.
        n_dialogues: Dialogues in it; a question that stands alone is one.
        differences: By metric, in the order of reports, without those that cannot be computed
            from both files.
        changes: The questions lost, worst loss first, then those won, greatest gain first; equal
            ones in the order of the set.
    """

    n_questions: int
    n_dialogues: int
    differences: Mapping[str, Difference]
    changes: Sequence[Change]

    @property
    def n_lost(self) -> int:
        """How many questions have a lower F1."""
        return sum(change.lost for change in self.changes)

    def record(self) -> dict[str, Any]:
        """Return all of it as an object for JSON."""
        return {
            "n_questions": self.n_questions,
            "n_dialogues": self.n_dialogues,
            "n_resamples": N_RESAMPLES,
            "metrics": {
                name: {
                    "base": row.base,
                    "new": row.new,
                    "difference": row.difference,
                    "interval": row.test and row.test.interval,
                    "p": row.test and row.test.p,
                    "n_differing": row.test and row.test.n_differing,
                    "verdict": row.verdict,
                }
                for name, row in self.differences.items()
            },
            "n_lost": self.n_lost,
            "n_won": len(self.changes) - self.n_lost,
            "questions": [_change_record(change) for change in self.changes],
        }


def compare(
    questions: Sequence[Question],
    base: Mapping[str, Prediction],
    new: Mapping[str, Prediction],
) -> Comparison:
    """Compare two sets of predictions for one question set, metric by metric.

    Args:
        questions: The question set, each question after the one that it follows.
        base: One prediction for every question, by its id.
        new: The same of the other bot.

    Raises:
        QuestionFormatError: As for `bot.evaluate.evaluate`, of either.
    """
    before, after = (evaluate(questions, side).scores() for side in (base, new))
    base_scores, new_scores = (question_scores(questions, side) for side in (base, new))
    dialogues = number_dialogues(questions)
    # Counts of questions are the same in both.
    values = {
        name: (value, other)
        for name, value in before.items()
        if not name.startswith("n") and value is not None and (other := after[name]) is not None
    }
    paired: dict[str, PairedDifference] = {
        name: MeanDifference.of(questions, scores, new_scores[name], dialogues)
        for name, scores in base_scores.items()
        if name in values
    }
    if "auroc" in values:
        paired["auroc"] = AurocDifference.of(questions, base, new, dialogues)
    n_dialogues = len(set(dialogues))
    tests = {
        name: PairedTest(interval, p_value(paired[name]), paired[name].n_differing)
        for name, interval in intervals(paired, n_dialogues).items()
    }
    return Comparison(
        n_questions=len(questions),
        n_dialogues=n_dialogues,
        differences={
            name: Difference(name, *pair, tests.get(name)) for name, pair in values.items()
        },
        changes=_changes(questions, base, new, base_scores["f1"], new_scores["f1"]),
    )


def format_comparison(comparison: Comparison, limit: int) -> str:
    """Lay a comparison out as a table of the metrics and a list of the questions lost and won.

    Args:
        comparison: The comparison.
        limit: How many questions to list; 0 for all.
    """
    n_lost, n_won = comparison.n_lost, len(comparison.changes) - comparison.n_lost
    shown = comparison.changes[: limit or None]
    lines = [
        f"{comparison.n_questions:,} questions in {comparison.n_dialogues:,} dialogues",
        "",
        *_table(comparison.differences.values()),
        "",
        *_why_they_part(comparison.differences.values()),
        f"By F1: {n_lost:,} lost, {n_won:,} won",
        *(line for change in shown for line in _change_lines(change)),
    ]
    if rest := len(comparison.changes) - len(shown):
        lines += ["", f"and {rest:,} more; --limit 0 lists all"]
    return "\n".join(lines)


def explain_fall(metric: str, difference: Difference | None) -> str | None:
    """Say in a line that a metric fell, and whether by more than noise; None where it did not.

    Args:
        metric: Its name.
        difference: How it differs; None where it cannot be computed from both files.
    """
    if difference is None:
        return f"{metric} cannot be computed from both files, so a loss cannot be ruled out"
    fall = -difference.difference
    if difference.test is not None and difference.verdict == "worse":
        low, high = difference.test.interval
        p = f", p {difference.test.p:.3f}" if difference.test.is_split else ""
        return f"{metric} fell by {fall:.3f} (95 % interval {-high:.3f} to {-low:.3f}{p})"
    return f"{metric} fell by {fall:.3f}, within noise" if fall > 0 else None


def _changes(
    questions: Sequence[Question],
    base: Mapping[str, Prediction],
    new: Mapping[str, Prediction],
    base_f1: Mapping[str, float],
    new_f1: Mapping[str, float],
) -> list[Change]:
    changes = [
        Change(row, base[row.id], new[row.id], base_f1[row.id], new_f1[row.id])
        for row in questions
        if row.id in base_f1 and base_f1[row.id] != new_f1[row.id]
    ]
    return sorted(
        changes, key=lambda change: (not change.lost, -abs(change.new_f1 - change.base_f1))
    )


def _change_record(change: Change) -> dict[str, Any]:
    return {
        "id": change.question.id,
        "question": change.question.text,
        "answers": change.question.answers,
        "base": _answer_record(change.base, change.base_f1),
        "new": _answer_record(change.new, change.new_f1),
    }


def _answer_record(prediction: Prediction, f1: float) -> dict[str, Any]:
    place = prediction.cited
    return {
        "answer": prediction.text,
        "abstained": prediction.abstained,
        "f1": f1,
        "passage": place
        and {"document": place.document_id, "start": place.start, "end": place.end},
    }


def _table(differences: Iterable[Difference]) -> Iterator[str]:
    yield f"{'':22} {'base':>8} {'new':>8} {'change':>8}  {'95 % interval':>18}  {'p':>6}"
    for row in differences:
        line = f"{row.metric:22} {row.base:8.4f} {row.new:8.4f} {row.difference:+8.4f}"
        if row.test is not None:
            low, high = row.test.interval
            p = "<0.001" if row.test.p < 0.001 else f"{row.test.p:.3f}"
            beside = f", p {'above' if row.test.p > _LEVEL else 'below'} {_LEVEL}"
            line += f"  {low:+.4f} to {high:+.4f}  {p:>6}  {row.verdict}"
            line += beside if row.test.is_split else ""
        yield line


def _why_they_part(differences: Iterable[Difference]) -> Iterator[str]:
    tests = [row.test for row in differences if row.test and row.test.is_split]
    if not tests:
        return
    fewest = min(test.n_differing for test in tests)
    least = 2 / 2**fewest
    yield "The verdict goes by the interval; p is another test" + (
        f", which cannot fall below {least:.3f} where only {fewest} dialogues differ."
        if least > _LEVEL
        else ", and here both are close."
    )
    yield ""


def _change_lines(change: Change) -> Iterator[str]:
    word = "lost" if change.lost else "won"
    yield ""
    yield (
        f"{word:4} {change.question.id}  F1 {change.base_f1:.2f} to {change.new_f1:.2f}  "
        f"{shorten(change.question.text, 200)}"
    )
    expected = ", ".join(shorten(answer, 200) for answer in change.question.answers or ())
    yield f"     expected  {expected or 'no answer'}"
    yield f"     base      {_answer(change.base)}"
    yield f"     new       {_answer(change.new)}"


def _answer(prediction: Prediction) -> str:
    if prediction.abstained:
        return "abstained"
    return f"{shorten(prediction.text, 200)}{_from(prediction.cited)}"


def _from(place: Evidence | None) -> str:
    return f" from {shorten(f'{place.document_id}:{place.start}-{place.end}')}" if place else ""
