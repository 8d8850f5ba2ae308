"""How good a ranking is: recall@k, reciprocal rank and nDCG@k of one query, over plain ids.

The mean over the queries of a set is what reports call recall@k, MRR and nDCG@k.
"""

import math
from collections.abc import Collection, Hashable, Mapping, Sequence


def recall_at_k(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Measure the share of the relevant ids that are among the first k.

    Args:
        ranked: Ids, best first. One that occurs twice counts once, so passages that hold the same
            answer can share an id: finding one of them is then enough.
        relevant: What should have been found.
        k: How many ids to look at, at least 1.

    Returns:
        A share in [0, 1] that never falls as k grows.

    Raises:
        ValueError: k is below 1, or nothing is relevant, where recall means nothing.
    """
    _check_k(k)
    wanted = set(relevant)
    if not wanted:
        raise ValueError("relevant must hold at least one id")
    return len(wanted.intersection(ranked[:k])) / len(wanted)


def reciprocal_rank(ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
    """Return 1 / rank of the first relevant id, counted from 1; 0 where none is ranked."""
    wanted = set(relevant)
    for rank, item in enumerate(ranked, start=1):
        if item in wanted:
            return 1 / rank
    return 0.0


def ndcg_at_k(ranked: Sequence[Hashable], gains: Mapping[Hashable, float], k: int) -> float:
    """Measure the discounted gain of the first k ids against that of the best possible order.

    The discount of rank r is log2(r + 1) and gains count linearly, as in Järvelin and Kekäläinen
    2002 and in trec_eval.

    Args:
        ranked: Ids, best first. An id that occurs again gains nothing more.
        gains: What each relevant id is worth, at least 0; an id not named is worth nothing.
        k: How many ids to look at, at least 1.

    Returns:
        A number in [0, 1]; 1 for an order that cannot be bettered.

    Raises:
        ValueError: k is below 1, a gain is negative, or no gain is above 0.
    """
    _check_k(k)
    if any(gain < 0 for gain in gains.values()):
        raise ValueError("gains must be at least 0")
    ideal = _discounted_gain(sorted(gains.values(), reverse=True)[:k])
    if ideal == 0:
        raise ValueError("gains must hold at least one above 0")
    left = dict(gains)
    return min(1.0, _discounted_gain([left.pop(item, 0.0) for item in ranked[:k]]) / ideal)


def _discounted_gain(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _check_k(k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
