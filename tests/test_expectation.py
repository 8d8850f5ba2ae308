import numpy as np
import pytest

from bot.expectation import Aim, Choices, expect
from bot.reader.calibration import Calibration, Example, Outcome

UNFITTED = Calibration("words")


def examples(n, seed=0):
    """Right answers have a margin about 2, wrong ones about -2; every second is unanswerable."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        right = i % 2 == 0
        margin = rng.normal(2 if right else -2, 2)
        found.append(Example(np.array([margin]), np.zeros(1), np.array([float(right)]), right))
    return found


@pytest.mark.parametrize(
    ("text", "aim"),
    [
        ("f1", Aim("f1")),
        ("wrong<=0.05", Aim("wrong", 0.05)),
        (" answered >= 0.9 ", Aim("answered", 0.9)),
    ],
)
def test_an_aim_is_read_as_it_is_typed(text, aim):
    assert Aim.parse(text) == aim


@pytest.mark.parametrize("text", ["", "F2", "wrong<0.05", "wrong<=5", "answered>=0", "wrong<=x"])
def test_another_aim_is_refused(text):
    with pytest.raises(ValueError, match="expected f1, "):
        Aim.parse(text)


# In order of falling margin: right, wrong, right, unanswerable, unanswerable.
PART = Outcome(
    np.array([5.0, 4.0, 3.0, 2.0, 1.0]),
    np.array([1.0, 0.0, 1.0, 0.0, 0.0]),
    np.array([True, True, True, False, False]),
)


@pytest.mark.parametrize(
    ("aim", "counts", "margin"),
    [
        # Mean F1 grows with the third answer; those after it are wrong.
        ("f1", [1, 1, 1, 1, 1], 2.5),
        # One of three is wrong; with one more of each, two of four.
        ("wrong<=0.5", [1, 1, 1, 1, 1], 2.5),
        # Even the first, with one more of each, is wrong once of two.
        ("wrong<=0.4", [1, 1, 1, 1, 1], np.inf),
        ("wrong<=0.4", [9, 1, 1, 1, 1], 1.0),
        # Two of three answerable questions.
        ("answered>=0.6", [1, 1, 1, 1, 1], 3.5),
        # The questions that are not there move neither threshold nor the place half-way.
        ("answered>=0.5", [1, 0, 1, 1, 1], 4.0),
        ("f1", [0, 0, 0, 1, 1], np.inf),
    ],
)
def test_a_threshold_lies_half_way_below_the_last_answer_that_serves_the_aim(aim, counts, margin):
    _, cuts = Choices.of([PART]).choose(np.array([counts], dtype=float), Aim.parse(aim))
    assert cuts.tolist() == [margin]


def test_equal_margins_are_never_parted():
    part = Outcome(np.array([1.0, 1.0]), np.array([1.0, 0.0]), np.array([True, False]))
    _, cuts = Choices.of([part]).choose(np.ones((1, 2)), Aim("answered", 0.5))
    assert cuts.tolist() == [1.0]


def test_the_retrieval_weight_is_the_one_of_the_best_answers():
    worse, better = (
        Outcome(np.array([1.0]), np.array([f1]), np.array([True])) for f1 in (0.2, 0.8)
    )
    weights, _ = Choices.of([worse, better]).choose(np.ones((1, 1)), Aim("f1"))
    assert weights.tolist() == [1]


def test_what_is_expected_is_what_held_out_questions_show():
    found = examples(200)
    seen = expect(UNFITTED, found, np.arange(200), Aim("f1"))
    assert seen.n_groups == 200
    low, high = seen.interval
    assert low < seen.wrong < high
    assert high - low < 0.3
    coverage, risk = seen.curve()
    assert coverage[-1] == 1.0
    assert risk[-1] == pytest.approx(0.5)
    assert risk[99] < 0.3


def test_a_group_is_never_split_between_folds():
    rng = np.random.default_rng(0)
    margins = rng.normal(size=40)
    found = [
        Example(np.array([m]), np.zeros(1), np.array([float(i % 2)]), bool(i % 2))
        for i, m in enumerate(margins)
        for _ in range(2)
    ]
    seen = expect(UNFITTED, found, np.repeat(np.arange(40), 2), Aim("f1"))
    # Twins are judged by one calibration, so they have one confidence.
    assert (seen.confidences[::2] == seen.confidences[1::2]).all()


def test_questions_of_few_groups_give_a_wider_interval_than_as_many_alone():
    few = [example for example in examples(40, seed=1) for _ in range(5)]
    alone = expect(UNFITTED, few, np.arange(200), Aim("f1")).interval
    grouped = expect(UNFITTED, few, np.repeat(np.arange(40), 5), Aim("f1")).interval
    assert grouped[1] - grouped[0] > 1.3 * (alone[1] - alone[0])


def test_no_wrong_answer_at_all_leaves_room_for_some():
    found = [
        Example(np.array([4.0 if i % 2 else -4.0]), np.zeros(1), np.array([i % 2.0]), bool(i % 2))
        for i in range(60)
    ]
    seen = expect(UNFITTED, found, np.arange(60), Aim("f1"))
    # Wilson's interval for none of 30: 3.84 / 33.84.
    low, high = seen.interval
    assert low == 0.0
    assert high == pytest.approx(0.1135, abs=1e-3)
