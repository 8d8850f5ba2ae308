"""Approximate search of many vectors: some clusters are scanned, and the best scored exactly."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from index.embedding import FloatArray
from index.mapped import mapped, release
from index.stores import FaissStore, RowArray, VectorStore, best, stack

# Exact search of 384 dimensions takes 2.6 ms here, by tests/benchmarks/scale.py.
EXACT_UP_TO = 15_000
_BLOCK = 8192
_SEED = 20
_ITERATIONS = 10
_SAMPLE_PER_CLUSTER = 64
# FAISS adds up squared differences of bytes in 32 bits.
_MAX_DIM = 32768
_ARRAYS = ("centroids", "bounds", "rows", "codes")


class ApproximateStore:
    """Inverted lists of 8-bit codes, scanned by FAISS; candidates are scored by their vectors.

    Vectors are clustered by k-means, and a query is compared with those of the nearest clusters
    (Jégou, Douze and Schmid 2011, "Product Quantization for Nearest Neighbor Search", there with
    other codes). Codes are a quarter of the vectors and lie cluster by cluster, so that a scan
    reads memory in order. A loaded store maps its files: a search reads the clusters that it scans
    and the vectors that it scores.

    Among those that it scans the answer is that of `ExactStore`, ties included, but for vectors
    that the codes rank behind all candidates.

    Attributes:
        centroids: Of the clusters, unit vectors, shape (n_clusters, dim).
        n_probes: How many of the nearest clusters are scanned at least.
    """

    FILE = "vectors.npy"
    FOLDER = "clusters"
    N_PROBES = 48

    def __init__(
        self,
        vectors: FloatArray,
        *,
        centroids: FloatArray,
        bounds: RowArray,
        rows: RowArray,
        codes: NDArray[np.uint8],
    ) -> None:
        """Take over what `build` made.

        Args:
            vectors: Unit vectors in insertion order, shape (n, dim).
            centroids: Unit vectors, shape (n_clusters, dim).
            bounds: Where each cluster begins and the last one ends, shape (n_clusters + 1,).
            rows: The rows of the vectors, cluster after cluster, shape (n,).
            codes: Their codes in the same order, shape (n, dim).
        """
        self._vectors = vectors
        self.centroids = centroids
        self._bounds = bounds
        self._rows = rows
        self._codes = codes
        self.n_probes = self.N_PROBES

    @classmethod
    def build(cls, vectors: FloatArray) -> Self:
        """Store unit vectors of shape (n, dim), which may be mapped; the same give the same store.

        Beyond the vectors, memory holds their codes and the sample that the clusters are made from.

        Raises:
            ValueError: Vectors are not finite, or too long.
        """
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        n, dim = vectors.shape
        if dim > _MAX_DIM:
            raise ValueError(f"expected vectors of at most {_MAX_DIM} dimensions, got {dim}")
        largest = max((float(np.abs(block).max()) for _, block in _blocks(vectors)), default=1.0)
        if not math.isfinite(largest):
            raise ValueError("vectors that are not finite")
        centroids = _centroids(vectors, n_clusters=math.ceil(min(2 * math.sqrt(n), n / 39)))
        clusters = _nearest_centroids(vectors, centroids)
        order = np.argsort(clusters, kind="stable")
        place = np.empty(n, dtype=np.int64)
        place[order] = np.arange(n)
        codes = np.empty((n, dim), dtype=np.uint8)
        for first, block in _blocks(vectors):
            codes[place[first : first + len(block)]] = _encode(block, largest)
        sizes = np.bincount(clusters, minlength=len(centroids))
        return cls(
            vectors,
            centroids=centroids,
            bounds=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            rows=order.astype(np.int64),
            codes=codes,
        )

    def __len__(self) -> int:
        return len(self._vectors)

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, RowArray]:
        """Find k of the nearest vectors of each query, in the form that `VectorStore.search` says.

        Of the nearest vectors, those in clusters that are not scanned are missed.
        """
        ranked = [self._search_one(query, k) for query in queries]
        return stack(ranked, min(k, len(self)))

    def _search_one(self, query: FloatArray, k: int) -> tuple[FloatArray, RowArray]:
        k = min(k, len(self))
        if k < 1:
            return np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64)
        n_candidates = k + max(32, k // 2)
        while True:
            distances, rows, n_scanned = self._scan(query, n_candidates)
            scores, nearest = best(query, self.vectors(rows), rows, k)
            # Equal vectors have equal codes. A tie that reaches the last candidate may go on
            # behind it.
            reaches_end = np.isin(rows[distances == distances.max()], nearest).any()
            if len(rows) == n_scanned or not reaches_end:
                return scores, nearest
            n_candidates *= 4

    def _scan(self, query: FloatArray, n: int) -> tuple[FloatArray, RowArray, int]:
        """Find the n nearest codes in the nearest clusters, in any order.

        Returns:
            Squared distances of codes, rows, and how many codes were scanned.
        """
        # One by one: a product by BLAS waits for threads that other programs keep from running.
        clusters = np.argsort(-np.vecdot(self.centroids, query), kind="stable")
        reached = np.cumsum(self._bounds[clusters + 1] - self._bounds[clusters])
        n_clusters = max(self.n_probes, int(np.searchsorted(reached, min(n, len(self)))) + 1)
        found = np.full(n, np.inf, dtype=np.float32), np.full(n, -1, dtype=np.int64)
        with _scanner(query) as scan:
            for cluster in clusters[:n_clusters]:
                first, end = self._bounds[cluster : cluster + 2].tolist()
                scan(self._codes[first:end], self._rows[first:end], *found)
        distances, rows = found
        is_filled = rows >= 0
        return distances[is_filled], rows[is_filled], int(reached[:n_clusters][-1])

    def vectors(self, rows: RowArray) -> FloatArray:
        """Return the stored vectors of these rows, shape (n_rows, dim)."""
        found: FloatArray = self._vectors[rows]
        release(self._vectors)
        return found

    def save(self, folder: Path) -> None:
        """Write `vectors.npy` and the subfolder `clusters` into an existing folder."""
        np.save(folder / self.FILE, self._vectors, allow_pickle=False)
        (folder / self.FOLDER).mkdir()
        parts: list[NDArray[Any]] = [self.centroids, self._bounds, self._rows, self._codes]
        for name, part in zip(_ARRAYS, parts, strict=True):
            file = folder / self.FOLDER / f"{name}.npy"
            np.save(file, part, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map what `save` wrote.

        What decides which memory a search reads is checked. Vectors are not read through: one that
        is not finite would rank last.

        Raises:
            ValueError: The files hold something else, or do not belong together.
        """
        vectors = mapped(folder / cls.FILE)
        centroids, bounds, rows, codes = (
            mapped(folder / cls.FOLDER / f"{name}.npy") for name in _ARRAYS
        )
        _check(vectors, centroids, bounds, rows, codes)
        return cls(vectors, centroids=centroids, bounds=bounds, rows=rows, codes=codes)


def build_store(vectors: FloatArray) -> VectorStore:
    """Store unit vectors of shape (n, dim): exactly, while that is searched fast enough."""
    store = FaissStore if len(vectors) <= EXACT_UP_TO else ApproximateStore
    return store.build(vectors)


def store_type(folder: Path) -> type[FaissStore] | type[ApproximateStore]:
    """Tell which kind of store a folder holds, by its files; the exact one where it holds none."""
    return ApproximateStore if (folder / ApproximateStore.FILE).exists() else FaissStore


def _check(
    vectors: NDArray[Any],
    centroids: NDArray[Any],
    bounds: NDArray[Any],
    rows: NDArray[Any],
    codes: NDArray[Any],
) -> None:
    """Check that the parts of a store belong together, so that no scan leaves them."""
    kinds = [(array.dtype, array.ndim) for array in (vectors, centroids, bounds, rows, codes)]
    f, i, u = np.dtype(np.float32), np.dtype(np.int64), np.dtype(np.uint8)
    if kinds != [(f, 2), (f, 2), (i, 1), (i, 1), (u, 2)]:
        raise ValueError("arrays of another kind than a store's")
    if not all(array.flags.c_contiguous for array in (vectors, centroids, codes)):
        raise ValueError("vectors that do not lie row by row")
    n, dim = vectors.shape
    if not (codes.shape == (n, dim) and rows.shape == (n,) and 0 < dim <= _MAX_DIM):
        raise ValueError("other codes than vectors")
    if centroids.shape != (len(bounds) - 1, dim) or not np.isfinite(centroids).all():
        raise ValueError("other centroids than clusters")
    if bounds[0] != 0 or bounds[-1] != n or (np.diff(bounds) < 0).any():
        raise ValueError("bounds out of order")
    if ((rows < 0) | (rows >= n)).any():
        raise ValueError("rows out of range")


def _centroids(vectors: FloatArray, n_clusters: int) -> FloatArray:
    """Cluster a sample of vectors by k-means; return unit vectors, shape (n_clusters, dim)."""
    import faiss

    n, dim = vectors.shape
    if n_clusters == 0:
        return np.empty((0, dim), dtype=np.float32)
    sample = np.linspace(0, n - 1, min(n, _SAMPLE_PER_CLUSTER * n_clusters)).astype(np.int64)
    kmeans = faiss.Kmeans(
        dim,
        n_clusters,
        niter=_ITERATIONS,
        seed=_SEED,
        spherical=True,
        min_points_per_centroid=1,
        max_points_per_centroid=_SAMPLE_PER_CLUSTER,
    )
    parts = []
    for first in range(0, len(sample), _BLOCK):
        parts.append(vectors[sample[first : first + _BLOCK]])
        release(vectors)
    kmeans.train(np.concatenate(parts))
    return np.asarray(kmeans.centroids, dtype=np.float32)


def _nearest_centroids(vectors: FloatArray, centroids: FloatArray) -> RowArray:
    """Return the cluster of each vector, shape (n,)."""
    found = [np.argmax(block @ centroids.T, axis=1) for _, block in _blocks(vectors)]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


@contextmanager
def _scanner(query: FloatArray) -> Iterator[Callable[..., None]]:
    """Give a function that compares a query with codes and keeps the nearest.

    It takes codes, their rows, and distances and rows to keep them in, a heap of FAISS.
    """
    # The types that FAISS ships leave out what its wrapper adds.
    faiss: Any = import_module("faiss")
    # All vectors are of one length, so that their order by distance is that by cosine, however
    # long the query.
    code = _encode(query, float(np.abs(query).max())).astype(np.float32)
    quantizer = faiss.ScalarQuantizer(len(query), faiss.ScalarQuantizer.QT_8bit_direct)
    scanner = quantizer.select_InvertedListScanner(faiss.METRIC_L2, None, False, None, False)

    def scan(codes: NDArray[np.uint8], rows: RowArray, *heap: NDArray[Any]) -> None:
        parts: list[NDArray[Any]] = [codes, rows, *heap]
        pointers = [faiss.swig_ptr(part) for part in parts]
        scanner.scan_codes(len(codes), *pointers, len(heap[0]))

    try:
        scanner.set_query(faiss.swig_ptr(code))
        yield scan
    finally:
        # FAISS's wrapper leaves it to the caller.
        faiss.InvertedListScanner.__swig_destroy__(scanner)


def _blocks(vectors: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    """Yield the first row of each block, and its vectors."""
    for first in range(0, len(vectors), _BLOCK):
        yield first, vectors[first : first + _BLOCK]
        release(vectors)


def _encode(vectors: FloatArray, largest: float) -> NDArray[np.uint8]:
    """Round numbers from -largest to largest to bytes from 1 to 255."""
    scale = np.float32(127 / largest if largest > 0 else 0)
    return np.asarray(np.rint(vectors * scale) + 128, dtype=np.uint8)
