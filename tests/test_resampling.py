import pytest

from bot.resampling import mean_interval, wilson


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
