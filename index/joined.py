"""Several indexes searched as one, none of them copied."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from index.contents import Contents
from index.embedding import FloatArray
from index.lexical import LexicalIndex
from index.passage_index import PassageIndex
from index.stores import RowArray, VectorStore


def join(indexes: Sequence[PassageIndex]) -> PassageIndex:
    """Search indexes together: their documents and passages one after the other.

    BM25 weighs a word by its frequency within the index that a passage is in, so that its score
    there is the one that the index gives by itself.

    Args:
        indexes: At least one, all by the same encoder; settings are taken from the first.

    Raises:
        ValueError: Two documents have the same id.
    """
    store = _JoinedStore([index.store for index in indexes])
    lexical = _JoinedLexical([index.lexical for index in indexes])
    return PassageIndex(
        Contents.joined([index.contents for index in indexes]),
        # They are searched and never saved, which is all that they lack.
        store=cast(VectorStore, store),
        lexical=cast(LexicalIndex, lexical),
        encoder=indexes[0].encoder,
        settings=indexes[0].settings,
    )


class _JoinedStore:
    """Vector stores under one row number after the other; only searched, never saved."""

    def __init__(self, stores: Sequence[VectorStore]) -> None:
        self._stores = stores
        self._bounds = np.cumsum([0, *(len(store) for store in stores)])

    def __len__(self) -> int:
        return int(self._bounds[-1])

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, RowArray]:
        """Find the k nearest vectors of each query, as `VectorStore.search` says."""
        found = [store.search(queries, k) for store in self._stores]
        scores = np.concatenate([scores for scores, _ in found], axis=1)
        rows = np.concatenate(
            [rows + first for (_, rows), first in zip(found, self._bounds, strict=False)], axis=1
        )
        order = np.lexsort((rows, -scores), axis=1)[:, :k]
        return np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)

    def vectors(self, rows: RowArray) -> FloatArray:
        """Return the stored vectors of these rows, shape (n_rows, dim)."""
        owners = np.searchsorted(self._bounds, rows, side="right") - 1
        parts = [
            store.vectors(rows[owners == number] - self._bounds[number])
            for number, store in enumerate(self._stores)
        ]
        order = np.argsort(owners, kind="stable")
        vectors = np.empty((len(rows), parts[0].shape[1]), dtype=np.float32)
        vectors[order] = np.concatenate(parts)
        return vectors


class _JoinedLexical:
    """BM25 indexes under one row number after the other."""

    def __init__(self, indexes: Sequence[LexicalIndex]) -> None:
        self._indexes = indexes

    def __len__(self) -> int:
        return sum(map(len, self._indexes))

    def scores(self, query: str, rows: RowArray | None = None) -> FloatArray:
        """Score rows against a query, as `LexicalIndex.scores` says."""
        scores = np.concatenate([index.scores(query) for index in self._indexes])
        return scores if rows is None else scores[rows]

    def best(self, query: str, k: int) -> tuple[FloatArray, RowArray]:
        """Find the rows that score best, as `LexicalIndex.best` says."""
        bounds = np.cumsum([0, *map(len, self._indexes)])
        found = [index.best(query, k) for index in self._indexes]
        scores = np.concatenate([scores for scores, _ in found])
        rows = np.concatenate(
            [rows + first for (_, rows), first in zip(found, bounds, strict=False)]
        )
        order = np.lexsort((rows, -scores))[:k]
        return scores[order], rows[order]
