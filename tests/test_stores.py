import shutil

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from index import ExactStore, FaissStore, VectorStore
from index.approximate import EXACT_UP_TO, ApproximateStore, build_store, store_type

STORES: list[type[VectorStore]] = [ExactStore, FaissStore, ApproximateStore]
HALF = np.float32(np.sqrt(0.5))


def unit(rows):
    vectors = np.array(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# Few values, so that many vectors are equal and many cosines tie.
VECTORS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 40), st.just(4)),
    elements=st.sampled_from([-1.0, 0.0, 1.0, 2.0]),
).map(lambda rows: unit(np.where(rows.any(axis=1, keepdims=True), rows, np.float32(1))))


def brute_force(vectors, query, k):
    """Sort by (-cosine, row), in plain Python."""
    scores = [float(np.sum(vector * query)) for vector in vectors]
    rows = sorted(range(len(scores)), key=lambda row: (-scores[row], row))[:k]
    return [scores[row] for row in rows], rows


@pytest.fixture(params=STORES)
def store_kind(request):
    return request.param


@pytest.fixture
def three(store_kind):
    return store_kind.build(unit([[1, 0], [0, 1], [1, 1]]))


class TestEveryStore:
    def test_the_nearest_comes_first(self, three):
        scores, rows = three.search(unit([[1, 0]]), 3)
        assert rows.tolist() == [[0, 2, 1]]
        assert scores[0] == pytest.approx([1.0, HALF, 0.0])
        assert (scores.dtype, rows.dtype) == (np.float32, np.int64)

    def test_each_query_of_a_batch_is_answered_by_itself(self, three):
        _, rows = three.search(unit([[1, 0], [0, 1]]), 2)
        assert rows.tolist() == [[0, 2], [1, 2]]

    @pytest.mark.parametrize("factor", [3.0, 0.001, 1000.0])
    def test_a_scaled_query_finds_the_same_rows(self, three, factor):
        scores, rows = three.search(unit([[1, 0.2]]) * np.float32(factor), 3)
        unscaled, expected = three.search(unit([[1, 0.2]]), 3)
        assert rows.tolist() == expected.tolist()
        assert scores / factor == pytest.approx(unscaled, rel=1e-5)

    def test_equal_vectors_come_in_ascending_order(self, store_kind):
        store = store_kind.build(unit([[0, 1], [1, 1], [1, 1], [1, 1], [1, 1]]))
        assert store.search(unit([[1, 1]]), 5)[1].tolist() == [[1, 2, 3, 4, 0]]

    @pytest.mark.parametrize("k", [1, 2, 20, 90])
    def test_a_tie_that_reaches_over_the_cut_keeps_the_lowest_rows(self, store_kind, k):
        store = store_kind.build(unit([[0, 1, 0]] + [[1, 2, 2]] * 100))
        assert store.search(unit([[1, 2, 2]]), k)[1].tolist() == [list(range(1, k + 1))]

    def test_more_than_there_are_gives_all(self, three):
        scores, rows = three.search(unit([[1, 0]]), 99)
        assert scores.shape == rows.shape == (1, 3)

    def test_none_asked_for_gives_none(self, three):
        scores, rows = three.search(unit([[1, 0], [0, 1]]), 0)
        assert scores.shape == rows.shape == (2, 0)

    @pytest.mark.parametrize("k", [0, 2])
    def test_no_queries_give_no_rows(self, three, k):
        scores, rows = three.search(np.empty((0, 2), dtype=np.float32), k)
        assert scores.shape == rows.shape == (0, k)

    def test_one_vector_is_found(self, store_kind):
        scores, rows = store_kind.build(unit([[3, 4]])).search(unit([[3, 4]]), 5)
        assert rows.tolist() == [[0]]
        assert scores[0, 0] == pytest.approx(1.0)

    def test_an_empty_store_finds_nothing(self, store_kind):
        store = store_kind.build(np.empty((0, 2), dtype=np.float32))
        assert len(store) == 0
        assert store.search(unit([[1, 0]]), 5)[1].shape == (1, 0)

    def test_vectors_come_back_as_they_went_in(self, three):
        rows = np.array([2, 0, 2])
        assert np.array_equal(three.vectors(rows), unit([[1, 1], [1, 0], [1, 1]]))
        assert three.vectors(np.array([], dtype=np.int64)).shape == (0, 2)
        assert len(three) == 3

    def test_a_loaded_store_searches_as_the_saved_one_did(self, three, store_kind, tmp_path):
        three.save(tmp_path)
        loaded = store_kind.load(tmp_path)
        queries = unit([[1, 0.3], [0.2, 1]])
        for found, expected in zip(
            loaded.search(queries, 3), three.search(queries, 3), strict=True
        ):
            assert np.array_equal(found, expected)

    @pytest.mark.parametrize("kind", STORES)
    @given(vectors=VECTORS, query=st.integers(0, 39), k=st.integers(0, 45))
    @example(vectors=unit([[1, 1, 1, 1]] * 40), query=0, k=3)
    def test_a_store_answers_as_brute_force_does(self, kind, vectors, query, k):
        asked = vectors[query % len(vectors)]
        scores, rows = kind.build(vectors).search(asked[None, :], k)
        expected_scores, expected_rows = brute_force(vectors, asked, k)
        assert rows[0].tolist() == expected_rows
        assert scores[0] == pytest.approx(expected_scores, abs=1e-6)

    @given(vectors=VECTORS, k=st.integers(0, 45), factor=st.sampled_from([1, 0.01, 50]))
    def test_the_stores_agree_to_the_last_bit(self, vectors, k, factor):
        queries = vectors[:5] * np.float32(factor)
        exact, *others = (store.build(vectors).search(queries, k) for store in STORES)
        for scores, rows in others:
            assert np.array_equal(exact[0], scores)
            assert np.array_equal(exact[1], rows)

    @given(vectors=VECTORS)
    def test_recall_of_a_stored_vector_is_one(self, vectors):
        # A vector's own cosine is the best there is, up to rounding among vectors nearly as near.
        scores, rows = FaissStore.build(vectors).search(vectors, len(vectors))
        for row, (ranked, best) in enumerate(zip(rows, scores, strict=True)):
            assert best[ranked.tolist().index(row)] == pytest.approx(best[0], abs=1e-6)


def test_the_stores_agree_on_random_vectors_of_a_real_length():
    generator = np.random.default_rng(7)
    vectors = unit(generator.normal(size=(500, 384)))
    vectors[100:200] = vectors[0]
    queries = np.concatenate([vectors[:3], unit(generator.normal(size=(5, 384)))])
    exact, *others = (store.build(vectors).search(queries, 20) for store in STORES)
    for scores, rows in others:
        assert np.array_equal(exact[1], rows)
        assert np.array_equal(exact[0], scores)


class TestFiles:
    def test_an_array_of_objects_is_not_unpickled(self, tmp_path):
        np.save(tmp_path / ExactStore.FILE, np.array([{}], dtype=object), allow_pickle=True)
        with pytest.raises(ValueError, match="allow_pickle=False"):
            ExactStore.load(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"IxF2" + b"\1" * 60, b"\x80\x04."])
    def test_a_file_that_is_no_flat_faiss_index_is_refused(self, tmp_path, content):
        (tmp_path / FaissStore.FILE).write_bytes(content)
        with pytest.raises(ValueError, match="not a flat FAISS index"):
            FaissStore.load(tmp_path)

    @pytest.mark.parametrize("end", [-1, -4, 45, 44, 16, 15, 4, 0])
    def test_a_truncated_faiss_index_is_refused(self, three_saved, end):
        three_saved.write_bytes(three_saved.read_bytes()[:end])
        with pytest.raises(ValueError, match=r"not a flat FAISS index .* or cut short"):
            FaissStore.load(three_saved.parent)

    @pytest.mark.parametrize("bit", [0x01, 0x80, 0xFF])
    @pytest.mark.parametrize("place", range(45))
    def test_an_altered_byte_of_the_header_is_refused(self, three_saved, place, bit):
        # 4 bytes kind, 4 dim, 8 vectors, 16 unused, 1 trained, 4 metric, 8 numbers that follow.
        data = bytearray(three_saved.read_bytes())
        data[place] ^= bit
        three_saved.write_bytes(data)
        with pytest.raises(ValueError, match="not a flat FAISS index"):
            FaissStore.load(three_saved.parent)

    def test_vectors_that_are_not_finite_are_refused(self, tmp_path):
        vectors = unit([[1, 0], [0, 1]])
        vectors[1, 0] = np.nan
        FaissStore.build(vectors).save(tmp_path)
        with pytest.raises(ValueError, match="not finite"):
            FaissStore.load(tmp_path)

    @pytest.fixture
    def three_saved(self, tmp_path):
        FaissStore.build(unit([[1, 0], [0, 1], [1, 1]])).save(tmp_path)
        return tmp_path / FaissStore.FILE


@pytest.fixture(scope="module")
def crowd():
    """Three thousand vectors around sixty centres, and queries beside some of them."""
    generator = np.random.default_rng(5)
    centres = generator.normal(size=(60, 32))
    vectors = unit(centres[np.arange(3000) % 60] + generator.normal(size=(3000, 32)))
    return vectors, unit(vectors[:100] + 0.1 * generator.normal(size=(100, 32)))


class TestApproximateStore:
    def test_nearly_all_of_the_nearest_are_found_in_few_clusters(self, crowd):
        vectors, queries = crowd
        store = ApproximateStore.build(vectors)
        store.n_probes = 10
        found = store.search(queries, 10)[1]
        expected = ExactStore.build(vectors).search(queries, 10)[1]
        recall = np.mean([len(set(a) & set(b)) for a, b in zip(found, expected, strict=True)]) / 10
        assert 0.9 < recall < 1

    def test_scores_are_those_of_the_vectors_not_of_the_codes(self, crowd):
        vectors, queries = crowd
        scores, rows = ApproximateStore.build(vectors).search(queries, 10)
        for query, row, score in zip(queries, rows, scores, strict=True):
            assert np.array_equal(score, (vectors[row] * query).sum(axis=1))

    def test_all_clusters_scanned_give_what_the_exact_store_gives(self, crowd):
        vectors, queries = crowd
        store = ApproximateStore.build(vectors)
        store.n_probes = 3000
        scores, rows = store.search(queries, 10)
        expected_scores, expected_rows = ExactStore.build(vectors).search(queries, 10)
        assert np.array_equal(rows, expected_rows)
        assert np.array_equal(scores, expected_scores)

    def test_more_than_the_nearest_clusters_hold_are_found_in_further_ones(self, crowd):
        vectors, queries = crowd
        store = ApproximateStore.build(vectors)
        store.n_probes = 1
        scores, rows = store.search(queries[:3], 2500)
        assert rows.shape == (3, 2500)
        assert all(len(set(row)) == 2500 for row in rows.tolist())
        assert (np.diff(scores, axis=1) <= 0).all()

    def test_the_same_vectors_give_the_same_files(self, crowd, tmp_path):
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            ApproximateStore.build(crowd[0]).save(tmp_path / name)
        for file in ("centroids", "bounds", "rows", "codes"):
            one, two = (tmp_path / name / "clusters" / f"{file}.npy" for name in ("one", "two"))
            assert one.read_bytes() == two.read_bytes()

    def test_vectors_may_be_mapped_from_a_file(self, crowd, tmp_path):
        vectors, queries = crowd
        np.save(tmp_path / "given.npy", vectors)
        mapped = ApproximateStore.build(np.load(tmp_path / "given.npy", mmap_mode="r"))
        expected = ApproximateStore.build(vectors)
        assert np.array_equal(mapped.search(queries, 10)[1], expected.search(queries, 10)[1])

    def test_vectors_that_are_not_finite_are_refused(self, crowd):
        vectors = crowd[0].copy()
        vectors[1234, 5] = np.nan
        with pytest.raises(ValueError, match="not finite"):
            ApproximateStore.build(vectors)

    def test_vectors_that_are_too_long_for_the_codes_are_refused(self):
        with pytest.raises(ValueError, match="at most 32768 dimensions, got 32769"):
            ApproximateStore.build(np.ones((1, 32769), dtype=np.float32))

    def test_few_vectors_are_stored_exactly_and_many_are_not(self, monkeypatch):
        monkeypatch.setattr("index.approximate.EXACT_UP_TO", 2)
        assert isinstance(build_store(unit([[1, 0], [0, 1]])), FaissStore)
        assert isinstance(build_store(unit([[1, 0], [0, 1], [1, 1]])), ApproximateStore)
        assert EXACT_UP_TO > 10_000

    @pytest.mark.parametrize("kind", [FaissStore, ApproximateStore])
    def test_a_saved_store_is_known_by_its_files(self, kind, tmp_path):
        kind.build(unit([[1, 0]])).save(tmp_path)
        assert store_type(tmp_path) is kind


@pytest.fixture(scope="module")
def saved_crowd(crowd, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crowd")
    ApproximateStore.build(crowd[0]).save(folder)
    return folder


class TestApproximateFiles:
    @pytest.fixture
    def saved(self, saved_crowd, tmp_path):
        return shutil.copytree(saved_crowd, tmp_path / "copy")

    def test_an_unaltered_copy_is_read(self, saved, crowd):
        assert len(ApproximateStore.load(saved)) == 3000

    @pytest.mark.parametrize(
        ("file", "change", "message"),
        [
            ("vectors", lambda vectors: vectors[:-1], "other codes than vectors"),
            ("vectors", lambda vectors: vectors[:, :-1].copy(), "other codes than vectors"),
            ("vectors", lambda vectors: np.asfortranarray(vectors), "not lie row by row"),
            ("vectors", lambda vectors: vectors.astype(np.float64), "arrays of another kind"),
            ("vectors", lambda vectors: vectors[0], "arrays of another kind"),
            ("clusters/codes", lambda codes: codes[1:], "other codes than vectors"),
            ("clusters/codes", lambda codes: codes.astype(np.int8), "arrays of another kind"),
            ("clusters/codes", lambda codes: np.asfortranarray(codes), "not lie row by row"),
            ("clusters/rows", lambda rows: rows[1:], "other codes than vectors"),
            ("clusters/rows", lambda rows: rows + 1, "rows out of range"),
            ("clusters/rows", lambda rows: rows - 1, "rows out of range"),
            ("clusters/rows", lambda rows: rows.astype(np.int32), "arrays of another kind"),
            ("clusters/rows", lambda rows: rows.astype(">i8"), "arrays of another kind"),
            ("clusters/bounds", lambda bounds: bounds[::-1].copy(), "bounds out of order"),
            ("clusters/bounds", lambda bounds: bounds * 2, "bounds out of order"),
            ("clusters/bounds", lambda bounds: bounds[1:], "other centroids than clusters"),
            ("clusters/bounds", lambda bounds: bounds[:0], "other centroids than clusters"),
            ("clusters/centroids", lambda centroids: centroids[1:], "other centroids"),
            ("clusters/centroids", lambda centroids: centroids * np.inf, "other centroids"),
            ("clusters/centroids", lambda centroids: centroids[:, 1:].copy(), "other centroids"),
        ],
    )
    def test_arrays_that_do_not_belong_together_are_refused(self, saved, file, change, message):
        path = saved / f"{file}.npy"
        np.save(path, change(np.load(path)))
        with pytest.raises(ValueError, match=message):
            ApproximateStore.load(saved)

    @pytest.mark.parametrize("file", ["vectors", "clusters/codes", "clusters/rows"])
    def test_a_file_that_is_cut_short_is_refused(self, saved, file):
        path = saved / f"{file}.npy"
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(ValueError, match="mmap length is greater"):
            ApproximateStore.load(saved)

    @pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"IwSq" + b"\1" * 60])
    def test_a_file_that_is_no_array_is_refused(self, saved, content):
        (saved / "clusters" / "codes.npy").write_bytes(content)
        with pytest.raises(ValueError, match=r"array in codes\.npy|pickled"):
            ApproximateStore.load(saved)

    @pytest.mark.filterwarnings("ignore:Reading")
    @pytest.mark.parametrize("place", range(0, 128, 3))
    def test_an_altered_header_never_lets_a_search_leave_the_file(self, saved, place, crowd):
        path = saved / "clusters" / "codes.npy"
        data = bytearray(path.read_bytes())
        data[place] ^= 0x11
        path.write_bytes(data)
        try:
            store = ApproximateStore.load(saved)
        except ValueError:
            return
        assert store.search(crowd[1], 10)[1].shape == (100, 10)
