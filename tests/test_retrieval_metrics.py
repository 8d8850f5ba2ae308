import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.metrics import ndcg_at_k, recall_at_k, reciprocal_rank

ids = st.integers(0, 9)
rankings = st.lists(ids, unique=True)
relevant_ids = st.sets(ids, min_size=1)


def test_recall_is_the_share_of_relevant_ids_among_the_first_k():
    ranked, relevant = ["b", "a", "d", "c"], {"a", "c", "z"}
    # First 1: none of 3. First 2: a. First 4: a and c; z is not ranked.
    assert recall_at_k(ranked, relevant, 1) == 0
    assert recall_at_k(ranked, relevant, 2) == pytest.approx(1 / 3)
    assert recall_at_k(ranked, relevant, 4) == pytest.approx(2 / 3)


def test_alternatives_that_share_an_id_are_found_with_one_of_them():
    assert recall_at_k([False, True, True], {True}, 2) == 1


def test_the_reciprocal_rank_is_that_of_the_first_relevant_id():
    assert reciprocal_rank(["b", "a", "c"], {"a", "c"}) == 1 / 2
    assert reciprocal_rank(["b"], {"a"}) == 0
    assert reciprocal_rank([], {"a"}) == 0


def test_ndcg_compares_with_the_best_order():
    # Gained: 1 / log2(2) + 3 / log2(4) = 1 + 1.5 = 2.5.
    # Ideal: 3 / log2(2) + 1 / log2(3) = 3 + 0.63093 = 3.63093. 2.5 / 3.63093 = 0.68853.
    assert ndcg_at_k(["b", "x", "a"], {"a": 3, "b": 1}, 10) == pytest.approx(0.68853, abs=1e-5)
    assert ndcg_at_k(["a", "b"], {"a": 3, "b": 1}, 10) == 1


def test_ndcg_gives_a_repeated_id_its_gain_once():
    # The second place gains nothing: 1 / (1 + 0.63093) = 0.61315.
    assert ndcg_at_k(["a", "a"], {"a": 1, "b": 1}, 2) == pytest.approx(0.61315, abs=1e-5)


def test_what_means_nothing_is_refused():
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        recall_at_k(["a"], {"a"}, 0)
    with pytest.raises(ValueError, match="at least one id"):
        recall_at_k(["a"], set(), 1)
    with pytest.raises(ValueError, match="at least one above 0"):
        ndcg_at_k(["a"], {"a": 0.0}, 1)
    with pytest.raises(ValueError, match="must be at least 0"):
        ndcg_at_k(["a"], {"a": -1.0, "b": 1.0}, 1)


@given(rankings, relevant_ids, st.integers(1, 12))
def test_recall_grows_with_k_and_stays_between_0_and_1(ranked, relevant, k):
    assert 0 <= recall_at_k(ranked, relevant, k) <= recall_at_k(ranked, relevant, k + 1) <= 1


@given(rankings, relevant_ids)
def test_the_reciprocal_rank_is_the_first_k_that_recalls_something(ranked, relevant):
    found = [k for k in range(1, len(ranked) + 1) if recall_at_k(ranked, relevant, k) > 0]
    assert reciprocal_rank(ranked, relevant) == (1 / found[0] if found else 0)


@given(st.lists(ids), st.dictionaries(ids, st.floats(0.01, 10), min_size=1), st.integers(1, 12))
def test_ndcg_lies_between_0_and_1_and_the_best_order_has_1(ranked, gains, k):
    assert 0 <= ndcg_at_k(ranked, gains, k) <= 1
    best = sorted(gains, key=lambda item: -gains[item])
    assert ndcg_at_k(best, gains, k) == pytest.approx(1)
