import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.metrics import auroc, exact_match, f1, mean, normalise_answer, percentile

texts = st.text(alphabet=string.ascii_letters + " .,'’“-é5")
scores = st.lists(st.floats(0, 1), min_size=1, max_size=20)

# Answers, prediction, and what compute_exact and compute_f1 of evaluate-v2.0.py give for them.
OFFICIAL = [
    # "westerdam" on both sides.
    (("Westerdam", "the Westerdam cruise ship"), "The Westerdam", 1, 1.0),
    # april 29 | 29 april 2020: precision 2/2, recall 2/3, 2 * (1 * 2/3) / (1 + 2/3) = 0.8.
    (("29 April 2020", "April 29, 2020"), "April 29", 0, 0.8),
    # about 2200 people | 2200 passengers: precision 1/3, recall 1/2, (2 * 1/6) / (5/6) = 0.4.
    (("2,200 passengers",), "about 2,200 people", 0, 0.4),
    (("Hun Sen",), "", 0, 0.0),
    ((), "", 1, 1.0),
    ((), "Phnom Penh", 0, 0.0),
    # Nothing but articles and punctuation is left out; where nothing else is left, "" is right.
    (("The",), "", 1, 1.0),
    (("The", "Hun Sen"), "", 0, 0.0),
]


@pytest.mark.parametrize(("answers", "prediction", "exact", "overlap"), OFFICIAL)
def test_scores_are_those_of_the_official_squad_script(answers, prediction, exact, overlap):
    assert exact_match(prediction, answers) == exact
    assert f1(prediction, answers) == pytest.approx(overlap)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  U.S.\tDollar!", "us dollar"),
        ("An apple, a pear", "apple pear"),
        ("theatre", "theatre"),
        ("’s “quoted”", "’s “quoted”"),
        ("2,200", "2200"),
        # Punctuation goes before articles, so that these two words are one.
        ("the-ship", "theship"),
    ],
)
def test_normalisation_drops_case_ascii_punctuation_articles_and_spaces(text, expected):
    assert normalise_answer(text) == expected


def test_repeated_words_count_as_often_as_both_sides_have_them():
    # ha ha ha | ha ha: 2 common, precision 2/3, recall 2/2, f1 = 2 * 2 / (3 + 2) = 0.8.
    assert f1("ha ha ha", ["ha ha"]) == pytest.approx(0.8)


def test_auroc_counts_a_tie_as_half():
    # 0.9 beats both, 0.5 beats 0.1 and ties with 0.5: (2 + 1.5) / 4 = 0.875.
    assert auroc([0.9, 0.5], [0.5, 0.1]) == 0.875


def test_auroc_needs_both_sides():
    assert auroc([], [0.5]) is None
    assert auroc([0.5], []) is None


def test_percentiles_are_interpolated():
    # Three of the four gaps: 95 % of 3 = 2.85, 3 + 0.85 * (10 - 3) = 8.95.
    assert percentile([10, 1, 3, 2], 95) == pytest.approx(8.95)
    assert percentile([10, 1, 3, 2], 50) == 2.5
    assert percentile([], 50) is None
    with pytest.raises(ValueError, match="between 0 and 100, got 101"):
        percentile([1], 101)


def test_the_mean_of_nothing_is_none():
    assert mean([]) is None
    assert mean([0.0, 1.0, 1.0]) == pytest.approx(2 / 3)


@given(texts, st.lists(texts, max_size=3))
def test_scores_lie_between_0_and_1_and_f1_is_never_below_exact_match(prediction, answers):
    assert 0 <= exact_match(prediction, answers) <= f1(prediction, answers) <= 1


@given(texts, texts)
def test_f1_is_symmetric(one, other):
    assert f1(one, [other]) == f1(other, [one])


@given(texts)
def test_an_answer_matches_itself(text):
    assert exact_match(text, [text]) == f1(text, [text]) == 1


@given(texts)
def test_normalising_twice_changes_no_score(text):
    assert exact_match(normalise_answer(text), [text]) == 1


@given(scores, scores)
def test_auroc_lies_between_0_and_1_and_turns_over_with_its_sides(positives, negatives):
    area, turned = auroc(positives, negatives), auroc(negatives, positives)
    assert area is not None
    assert turned is not None
    assert 0 <= area <= 1
    assert area + turned == pytest.approx(1)


@given(scores, st.floats(0, 100))
def test_a_percentile_lies_among_its_values(values, percent):
    value = percentile(values, percent)
    assert value is not None
    assert min(values) - 1e-12 <= value <= max(values) + 1e-12
    assert percentile(values, 100) == max(values)
