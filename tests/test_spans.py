import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bot.reader.spans import TokenSpan, best_spans

LOGITS = arrays(np.float32, 9, elements=st.integers(-50, 50).map(float))
MASK = arrays(np.bool_, 9)


def spans_by_brute_force(starts, ends, in_passage, max_tokens):
    rows = np.flatnonzero(in_passage)
    return [
        TokenSpan(int(rows[i]), int(rows[j]), float(starts[rows[i]] + ends[rows[j]]))
        for i in range(len(rows))
        for j in range(i, min(i + max_tokens, len(rows)))
    ]


def test_the_best_span_starts_and_ends_where_the_logits_are_highest():
    starts = np.array([9, 0, 5, 0, 0], dtype=np.float32)
    ends = np.array([9, 0, 0, 4, 0], dtype=np.float32)
    in_passage = np.array([False, True, True, True, True])
    assert best_spans(starts, ends, in_passage, length_penalty=0) == [TokenSpan(2, 3, 9.0)]


def test_a_span_is_never_longer_than_allowed():
    starts = np.array([5, 0, 0, 0], dtype=np.float32)
    ends = np.array([0, 0, 0, 5], dtype=np.float32)
    everything = np.ones(4, dtype=np.bool_)
    # Start 5 with end 0 (rows 0-0 or 0-1), or start 0 with end 5 (rows 2-3 or 3-3): all score 5.
    assert best_spans(starts, ends, everything, max_tokens=2, length_penalty=0) == [
        TokenSpan(0, 0, 5.0)
    ]


def test_without_a_passage_there_is_no_span():
    nothing = np.zeros(4, dtype=np.bool_)
    assert best_spans(np.zeros(4, np.float32), np.zeros(4, np.float32), nothing) == []


@given(LOGITS, LOGITS, MASK, st.integers(1, 12))
def test_the_best_span_is_the_one_that_brute_force_finds(starts, ends, in_passage, max_tokens):
    candidates = spans_by_brute_force(starts, ends, in_passage, max_tokens)
    best = sorted(candidates, key=lambda span: (-span.score, span.first, span.last))[:1]
    found = best_spans(starts, ends, in_passage, max_tokens=max_tokens, length_penalty=0)
    assert found == best


@given(LOGITS, LOGITS, MASK, st.integers(1, 12), st.integers(1, 6))
def test_several_spans_are_best_first_and_do_not_overlap(starts, ends, in_passage, max_tokens, n):
    candidates = spans_by_brute_force(starts, ends, in_passage, max_tokens)
    expected: list[TokenSpan] = []
    for span in sorted(candidates, key=lambda span: (-span.score, span.first, span.last)):
        if len(expected) < n and all(
            span.last < taken.first or taken.last < span.first for taken in expected
        ):
            expected.append(span)
    found = best_spans(starts, ends, in_passage, max_tokens=max_tokens, n=n, length_penalty=0)
    assert [span.score for span in found] == [span.score for span in expected]


def test_of_two_spans_that_score_alike_the_shorter_one_wins():
    starts = np.array([5, 0, 5, 0], dtype=np.float32)
    ends = np.array([0, 0, 0, 5], dtype=np.float32)
    everything = np.ones(4, dtype=np.bool_)
    assert best_spans(starts, ends, everything, length_penalty=0.5) == [TokenSpan(2, 3, 9.5)]
