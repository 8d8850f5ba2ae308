import numpy as np
import pytest

from bot.evaluate import Prediction, question_scores
from bot.intervals import (
    auroc_interval,
    intervals,
    mean_interval,
    percentile_interval,
    wilson,
)
from bot.questions import Question


def test_the_interval_of_a_share_is_wilsons():
    # 10 of 100, as in Wilson's formula: 0.0552 to 0.1744.
    assert wilson(0.1, 0.1 * 0.9 / 100, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)


def test_more_variance_is_as_good_as_fewer_cases_and_less_is_not_trusted():
    variance = 0.1 * 0.9 / 100
    assert wilson(0.1, 4 * variance, 100) == pytest.approx(wilson(0.1, variance * 4, 25))
    assert wilson(0.1, variance / 4, 100) == wilson(0.1, variance, 100)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_what_was_always_seen_is_not_taken_for_certain(share):
    low, high = wilson(share, 0.0, 10)
    # 3.84 / 13.84
    assert high - low == pytest.approx(0.2775, abs=1e-3)
    assert share == pytest.approx(low if share == 0.0 else high)


def test_questions_of_one_dialogue_count_for_less_than_as_many_alone():
    scores = {str(n): float(n // 5 % 2) for n in range(100)}
    alone = mean_interval(scores, {name: int(name) for name in scores})
    in_dialogues = mean_interval(scores, {name: int(name) // 5 for name in scores})
    assert in_dialogues[1] - in_dialogues[0] > 2 * (alone[1] - alone[0])


def test_the_interval_of_an_auroc_is_that_of_its_placements():
    # Of the answerable 0.9 is above all of 0.1, 0.5, 0.6 and 0.4 above one: placements 1 and 1/3,
    # mean 2/3; of the others 0.1 is below both, 0.5 and 0.6 below one: 1, 1/2 and 1/2. Parts of
    # their deviations from 2/3: 1/6, -1/6, and 1/9, -1/18, -1/18. Their squares sum to 2/27, times
    # 5/4 for five dialogues: a variance of 5/54.
    found = auroc_interval(
        np.array([0.9, 0.4, 0.1, 0.5, 0.6]), np.array([True, True, False, False, False]), range(5)
    )
    assert found == pytest.approx(wilson(2 / 3, 5 / 54, 5))


def test_an_auroc_of_one_is_worth_as_many_cases_as_the_rarer_kind_has():
    answerable = np.array([True] * 8 + [False] * 2)
    confidences = answerable.astype(float)
    assert auroc_interval(confidences, answerable, range(10)) == wilson(1.0, 0.0, 2)


def test_confidences_of_one_dialogue_count_for_less_than_as_many_alone():
    # Each dialogue has one kind of question, and one confidence.
    answerable = np.repeat(np.arange(40) % 2 == 0, 5)
    confidences = np.repeat(np.arange(40.0) % 7, 5)
    low, high = auroc_interval(confidences, answerable, range(200))
    dialogues = np.repeat(np.arange(40), 5).tolist()
    lower, higher = auroc_interval(confidences, answerable, dialogues)
    assert higher - lower > 2 * (high - low)


def test_the_interval_of_a_median_is_between_values_by_their_place_in_order():
    # As in tables of the sign test: of 20 values from the 6th to the 15th.
    values = np.arange(20.0)[::-1]
    assert percentile_interval(values, 50, range(20)) == (5.0, 14.0)


def test_seconds_that_lean_on_each_other_have_a_wider_interval():
    values = np.repeat(np.arange(40.0), 5)
    alone = percentile_interval(values, 50, range(200))
    together = percentile_interval(values, 50, np.repeat(np.arange(40), 5).tolist())
    assert alone == (17.0, 22.0)
    assert together
    assert together[0] < 17
    assert together[1] > 22


@pytest.mark.parametrize(("n", "percent"), [(5, 50), (20, 95)])
def test_too_few_values_have_no_interval(n, percent):
    assert percentile_interval(np.arange(float(n)), percent, range(n)) is None


def test_a_report_has_intervals_of_what_its_answers_say():
    questions = [Question(str(n), "?", ("x",) if n % 2 else ()) for n in range(20)]
    bare = {question.id: Prediction("x") for question in questions}
    numbers = {question.id: n for n, question in enumerate(questions)}
    without = ["exact_match", "f1", "answerable_exact_match", "answerable_f1", "answered"]
    scores = question_scores(questions, bare)
    assert list(intervals(questions, bare, scores, numbers)) == [*without, "refused"]
    full = {name: Prediction("x", confidence=0.5, seconds=1.0) for name in bare}
    found = intervals(questions, full, scores, numbers)
    assert found["seconds_median"] == (1.0, 1.0)
    assert found["auroc"][0] < 0.5 < found["auroc"][1]
    assert "seconds_p95" not in found
