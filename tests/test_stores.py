import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from index import ExactStore, FaissStore, VectorStore
from index.approximate import ApproximateStore

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
def store_type(request):
    return request.param


@pytest.fixture
def three(store_type):
    return store_type.build(unit([[1, 0], [0, 1], [1, 1]]))


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

    def test_equal_vectors_come_in_ascending_order(self, store_type):
        store = store_type.build(unit([[0, 1], [1, 1], [1, 1], [1, 1], [1, 1]]))
        assert store.search(unit([[1, 1]]), 5)[1].tolist() == [[1, 2, 3, 4, 0]]

    @pytest.mark.parametrize("k", [1, 2, 20, 90])
    def test_a_tie_that_reaches_over_the_cut_keeps_the_lowest_rows(self, store_type, k):
        store = store_type.build(unit([[0, 1, 0]] + [[1, 2, 2]] * 100))
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

    def test_one_vector_is_found(self, store_type):
        scores, rows = store_type.build(unit([[3, 4]])).search(unit([[3, 4]]), 5)
        assert rows.tolist() == [[0]]
        assert scores[0, 0] == pytest.approx(1.0)

    def test_an_empty_store_finds_nothing(self, store_type):
        store = store_type.build(np.empty((0, 2), dtype=np.float32))
        assert len(store) == 0
        assert store.search(unit([[1, 0]]), 5)[1].shape == (1, 0)

    def test_vectors_come_back_as_they_went_in(self, three):
        rows = np.array([2, 0, 2])
        assert np.array_equal(three.vectors(rows), unit([[1, 1], [1, 0], [1, 1]]))
        assert three.vectors(np.array([], dtype=np.int64)).shape == (0, 2)
        assert len(three) == 3

    def test_a_loaded_store_searches_as_the_saved_one_did(self, three, store_type, tmp_path):
        three.save(tmp_path)
        loaded = store_type.load(tmp_path)
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
