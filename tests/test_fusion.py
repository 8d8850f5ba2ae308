import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from index.fusion import convex_fusion

WEIGHTS = st.floats(0, 1)
PAIRS = st.integers(0, 20).flatmap(
    lambda n: st.tuples(
        hnp.arrays(np.float32, n, elements=st.floats(-1, 1, width=32)),
        hnp.arrays(np.float32, n, elements=st.floats(0, 100, width=32)),
    )
)


def floats(*values):
    return np.array(values, dtype=np.float32)


def test_lexical_scores_are_scaled_by_the_best_and_added_by_weight():
    fused = convex_fusion(floats(0.5, 0.1, -0.2), floats(0, 4, 8), dense_weight=0.7)
    # 0.7 * 0.5 + 0.3 * 0; 0.7 * 0.1 + 0.3 * 4 / 8; 0.7 * -0.2 + 0.3 * 8 / 8
    assert fused == pytest.approx([0.35, 0.22, 0.16])
    assert fused.dtype == np.float32


def test_without_a_lexical_score_the_cosines_decide():
    fused = convex_fusion(floats(0.5, 0.1), floats(0, 0), dense_weight=0.7)
    assert fused == pytest.approx([0.35, 0.07])


def test_no_candidates_have_no_scores():
    assert convex_fusion(floats(), floats(), dense_weight=0.5).shape == (0,)


def test_all_the_weight_on_one_side_leaves_that_side():
    dense, lexical = floats(0.5, -0.1), floats(3, 6)
    assert convex_fusion(dense, lexical, dense_weight=1.0) == pytest.approx(dense)
    assert convex_fusion(dense, lexical, dense_weight=0.0) == pytest.approx([0.5, 1.0])


@given(PAIRS, WEIGHTS)
def test_fused_scores_lie_between_minus_one_and_one(pair, weight):
    fused = convex_fusion(*pair, dense_weight=weight)
    assert (np.abs(fused) <= 1 + 1e-6).all()


@given(PAIRS, WEIGHTS)
def test_the_order_of_the_candidates_does_not_change_their_scores(pair, weight):
    dense, lexical = pair
    backwards = convex_fusion(dense[::-1], lexical[::-1], dense_weight=weight)
    assert np.array_equal(backwards[::-1], convex_fusion(dense, lexical, dense_weight=weight))
