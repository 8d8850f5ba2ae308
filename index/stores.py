"""Vector stores: FAISS for use, numpy as the exact yardstick."""

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from index.embedding import FloatArray

if TYPE_CHECKING:
    import faiss

RowArray = NDArray[np.int64]

# A FAISS file begins with its kind, the length of a vector and their number.
_HEADER_START = "<4siq"
_MAX_DIM = 65536
# By how much two float32 sums of the same products, of unit vectors, may differ.
_ROUNDING = 1e-5


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
        ranked = [best(query, self._vectors, rows, k) for query in queries]
        return stack(ranked, min(k, len(self)))

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
        return stack(ranked, min(k, len(self)))

    def _search_one(self, query: FloatArray, k: int) -> tuple[FloatArray, RowArray]:
        k = min(k, len(self))
        if k < 1:
            return np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64)
        n_candidates = min(len(self), k + 16)
        tolerance = _ROUNDING * max(1.0, float(np.linalg.norm(query)))
        while True:
            scores, rows = self._index.search(query[None, :], n_candidates)
            # A tie that reaches the last candidate may go on behind it.
            reaches_end = scores[0, -1] >= scores[0, k - 1] - tolerance
            if n_candidates == len(self) or not reaches_end:
                break
            n_candidates = min(len(self), 4 * n_candidates)
        return best(query, self.vectors(rows[0]), rows[0], k)

    def vectors(self, rows: RowArray) -> FloatArray:
        """Return the stored vectors of these rows, shape (n_rows, dim)."""
        return np.asarray(self._index.reconstruct_batch(rows), dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write `vectors.faiss` into an existing folder."""
        import faiss

        (folder / self.FILE).write_bytes(faiss.serialize_index(self._index).tobytes())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            ValueError: The file holds something else, or vectors that are not finite.
        """
        import faiss

        data = (folder / cls.FILE).read_bytes()
        # FAISS reads indexes of many kinds, some of which open further files, and reserves whatever
        # memory a header asks for.
        if not _has_header_of_flat_index(data):
            raise ValueError("not a flat FAISS index by inner product, or cut short")
        index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
        if not np.isfinite(index.reconstruct_n(0, index.ntotal)).all():
            raise ValueError("vectors that are not finite")
        return cls(index)


def _has_header_of_flat_index(data: bytes) -> bool:
    """Compare a file's header with the one that FAISS writes for as many vectors of that length."""
    import faiss

    if len(data) < struct.calcsize(_HEADER_START):
        return False
    _, dim, n = struct.unpack_from(_HEADER_START, data)
    if not 0 < dim <= _MAX_DIM or n < 0:
        return False
    header = bytearray(faiss.serialize_index(faiss.IndexFlatIP(dim)))
    struct.pack_into("<q", header, struct.calcsize(_HEADER_START) - 8, n)
    struct.pack_into("<Q", header, len(header) - 8, n * dim)
    return len(data) == len(header) + 4 * n * dim and data.startswith(header)


def cosines(query: FloatArray, vectors: FloatArray) -> FloatArray:
    """Compare a unit vector with others, each by itself so that equal ones score equal."""
    scores: FloatArray = (vectors * query).sum(axis=1)
    return scores


def best(
    query: FloatArray, vectors: FloatArray, rows: RowArray, k: int
) -> tuple[FloatArray, RowArray]:
    """Score candidates and keep the best k."""
    scores = cosines(query, vectors)
    order = np.lexsort((rows, -scores))[:k]
    return scores[order], rows[order]


def stack(ranked: list[tuple[FloatArray, RowArray]], width: int) -> tuple[FloatArray, RowArray]:
    """Put together what was found for each query, shape (n_queries, width)."""
    scores = np.array([scores for scores, _ in ranked], dtype=np.float32).reshape(
        len(ranked), width
    )
    rows = np.array([rows for _, rows in ranked], dtype=np.int64).reshape(len(ranked), width)
    return scores, rows
