"""Vector stores: FAISS for use, numpy as the exact yardstick."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from index.embedding import FloatArray

if TYPE_CHECKING:
    import faiss

RowArray = NDArray[np.int64]


class VectorStore(Protocol):
    """Unit vectors in insertion order, searched by cosine similarity."""

    @classmethod
    def build(cls, vectors: FloatArray) -> Self:
        """Store unit vectors of shape (n, dim)."""
        ...

    def __len__(self) -> int: ...

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, RowArray]:
        """Find the k nearest vectors of each query.

        Args:
            queries: Unit vectors, shape (n_queries, dim).
            k: How many to return; at most `len(self)` come back.

        Returns:
            Scores in [-1, 1] and row numbers, both of shape (n_queries, min(k, len(self))), best
            first; equal scores in ascending row order.
        """
        ...

    def vectors(self, rows: RowArray) -> FloatArray:
        """Return the stored vectors of these rows, shape (n_rows, dim)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the vectors into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        ...


class ExactStore:
    """Every vector compared with numpy: slow for many, right for all."""

    FILE = "vectors.npy"

    def __init__(self, vectors: FloatArray) -> None:
        self._vectors = vectors

    @classmethod
    def build(cls, vectors: FloatArray) -> Self:
        """Store unit vectors of shape (n, dim)."""
        return cls(np.ascontiguousarray(vectors, dtype=np.float32))

    def __len__(self) -> int:
        return len(self._vectors)

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, RowArray]:
        """Find the k nearest vectors of each query, as `VectorStore.search` says."""
        rows = np.arange(len(self))
        ranked = [_best(query, self._vectors, rows, k) for query in queries]
        return _stack(ranked, min(k, len(self)))

    def vectors(self, rows: RowArray) -> FloatArray:
        """Return the stored vectors of these rows, shape (n_rows, dim)."""
        return self._vectors[rows]

    def save(self, folder: Path) -> None:
        """Write `vectors.npy` into an existing folder."""
        np.save(folder / self.FILE, self._vectors, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(np.load(folder / cls.FILE, allow_pickle=False))


class FaissStore:
    """Exact inner product in FAISS.

    FAISS returns equal scores in any order, and its sums differ in the last bits with the place of
    a vector in memory. Its candidates are therefore scored again, each row by itself.
    """

    FILE = "vectors.faiss"

    def __init__(self, index: "faiss.Index") -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: FloatArray) -> Self:
        """Store unit vectors of shape (n, dim)."""
        import faiss

        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, RowArray]:
        """Find the k nearest vectors of each query, as `VectorStore.search` says."""
        ranked = [self._search_one(query, k) for query in queries]
        return _stack(ranked, min(k, len(self)))

    def _search_one(self, query: FloatArray, k: int) -> tuple[FloatArray, RowArray]:
        n_candidates = min(len(self), k + 16)
        while True:
            scores, rows = self._index.search(query[None, :], n_candidates)
            # A tie that reaches the last candidate may go on behind it.
            reaches_end = scores[0, -1] >= scores[0, min(k, n_candidates) - 1] - 1e-6
            if n_candidates == len(self) or not reaches_end:
                break
            n_candidates = min(len(self), 4 * n_candidates)
        return _best(query, self.vectors(rows[0]), rows[0], k)

    def vectors(self, rows: RowArray) -> FloatArray:
        """Return the stored vectors of these rows, shape (n_rows, dim)."""
        return np.asarray(self._index.reconstruct_batch(rows), dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write `vectors.faiss` into an existing folder."""
        import faiss

        faiss.write_index(self._index, str(folder / self.FILE))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        import faiss

        return cls(faiss.read_index(str(folder / cls.FILE)))


def _best(
    query: FloatArray, vectors: FloatArray, rows: RowArray, k: int
) -> tuple[FloatArray, RowArray]:
    """Score candidates, one row at a time so that equal vectors score equal, and keep the best k."""
    scores = (vectors * query).sum(axis=1)
    order = np.lexsort((rows, -scores))[:k]
    return scores[order], rows[order]


def _stack(ranked: list[tuple[FloatArray, RowArray]], width: int) -> tuple[FloatArray, RowArray]:
    scores = np.array([scores for scores, _ in ranked], dtype=np.float32).reshape(-1, width)
    rows = np.array([rows for _, rows in ranked], dtype=np.int64).reshape(-1, width)
    return scores, rows
