"""Two scores of the same passages become one."""

import numpy as np

from index.embedding import FloatArray


def convex_fusion(dense: FloatArray, lexical: FloatArray, *, dense_weight: float) -> FloatArray:
    """Add cosines and BM25 scores, the latter scaled to [0, 1] by the best of the query.

    The convex combination of Bruch, Gai and Ingber (2023), "An Analysis of Fusion Functions for
    Hybrid Retrieval", with the cosine's own range kept, so that the result does not depend on how
    many candidates there are. `tests/benchmarks/fusion.py` compares it with fusion by rank.

    Args:
        dense: Cosines of the candidates, shape (n,).
        lexical: BM25 scores of the same candidates, at least 0, shape (n,).
        dense_weight: In [0, 1]; the cosine's share.

    Returns:
        Scores of shape (n,); larger is better.
    """
    best = lexical.max(initial=0.0)
    scaled = lexical / best if best > 0 else lexical
    return np.asarray(dense_weight * dense + (1 - dense_weight) * scaled, dtype=np.float32)
