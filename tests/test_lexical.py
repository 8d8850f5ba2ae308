import json

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import LexicalBuilder, LexicalIndex, terms, words

ROWS = ["Leave is paid.", "Pay is monthly, and pay is good.", "Leave is paid.", "Travel."]


@pytest.fixture
def index():
    return LexicalIndex.build(ROWS)


@pytest.fixture
def saved(index, tmp_path):
    index.save(tmp_path)
    return tmp_path


class TestWords:
    def test_words_are_in_small_letters_and_without_punctuation(self):
        assert words("The Westerdam, docked!") == ["the", "westerdam", "docked"]

    def test_numbers_keep_their_separators(self):
        assert words("2,200 people; 3.5 days, 7.") == ["2,200", "people", "3.5", "days", "7"]

    @pytest.mark.parametrize("apostrophe", ["'", "’", "‘", "ʼ"])
    def test_a_possessive_is_the_word_itself(self, apostrophe):
        assert words(f"Cambodia{apostrophe}s leaders") == ["cambodia", "leaders"]

    def test_terms_are_stemmed_and_lack_the_commonest_words(self):
        assert terms("The ministers were meeting in the meetings") == ["minist", "meet", "meet"]

    @pytest.mark.parametrize("text", ["", " ", "?!", "the of and", "🙂"])
    def test_a_text_without_content_has_no_terms(self, text):
        assert terms(text) == []

    def test_words_of_other_scripts_are_words(self):
        assert words("Привет, мир") == ["привет", "мир"]


class TestScores:
    def test_a_row_scores_by_the_terms_it_shares(self, index):
        scores = index.scores("When does travel start?")
        assert scores.tolist() == [0, 0, 0, pytest.approx(scores[3])]
        assert scores[3] > 0
        assert (scores.shape, scores.dtype) == ((4,), np.float32)

    def test_equal_rows_score_equal(self, index):
        scores = index.scores("paid leave")
        assert scores[0] == scores[2] > scores[1] == 0

    def test_a_rarer_term_weighs_more(self, index):
        # "travel" is in one row of four, "leave" in two.
        assert index.scores("travel")[3] > index.scores("leave")[0]

    @pytest.mark.parametrize("query", ["", "the", "photosynthesis", "?!"])
    def test_a_query_of_unknown_words_scores_nothing(self, index, query):
        assert index.scores(query).tolist() == [0, 0, 0, 0]

    def test_unknown_words_do_not_change_what_known_ones_score(self, index):
        with_unknown = index.scores("photosynthesis during paid leave")
        assert np.array_equal(with_unknown, index.scores("paid leave"))

    def test_rows_without_words_score_nothing(self):
        index = LexicalIndex.build(["", "pay", "the"])
        assert index.scores("pay").tolist() == [0, pytest.approx(index.scores("pay")[1]), 0]
        assert len(index) == 3

    def test_texts_without_any_word_can_be_indexed(self):
        index = LexicalIndex.build(["", "?!"])
        assert index.scores("pay").tolist() == [0, 0]
        assert index.scores("").tolist() == [0, 0]

    def test_a_term_is_known_that_occurs_somewhere(self, index):
        assert index.knows("leav")
        assert not index.knows("leaves")

    def test_rows_that_are_named_score_as_among_all(self, index):
        every = index.scores("pay and leave")
        rows = np.array([3, 1, 1, 0])
        assert index.scores("pay and leave", rows).tolist() == every[rows].tolist()
        assert index.scores("pay", np.array([], dtype=np.int64)).shape == (0,)

    @given(st.lists(st.text(alphabet="ab c", max_size=12), min_size=1, max_size=8), st.text("abc "))
    def test_scores_are_never_negative_and_zero_without_a_shared_term(self, texts, query):
        scores = LexicalIndex.build(texts).scores(query)
        asked = set(terms(query))
        for text, score in zip(texts, scores, strict=True):
            assert (score > 0) == bool(asked & set(terms(text)))


class TestBest:
    def test_the_row_with_the_rarest_shared_term_comes_first(self, index):
        # "pay" and "leave" are in one and two rows of four; "leave" is in rows 0 and 2 alike.
        scores, rows = index.best("leave or pay?", 3)
        assert rows.tolist() == [1, 0, 2]
        assert scores[0] > scores[1] == scores[2] > 0

    def test_rows_without_a_shared_term_are_left_out(self, index):
        assert index.best("travel", 4)[1].tolist() == [3]

    @pytest.mark.parametrize("query", ["", "the", "photosynthesis"])
    def test_a_query_of_unknown_words_finds_nothing(self, index, query):
        scores, rows = index.best(query, 3)
        assert (scores.shape, rows.shape) == ((0,), (0,))

    def test_equal_scores_keep_the_lowest_rows(self):
        index = LexicalIndex.build(["Pay."] * 9)
        assert index.best("pay", 4)[1].tolist() == [0, 1, 2, 3]

    def test_none_asked_for_gives_none(self, index):
        assert index.best("leave", 0)[1].shape == (0,)

    @given(
        st.lists(st.text(alphabet="abcde ", max_size=12), min_size=1, max_size=30),
        st.text("abcde ", max_size=12),
        st.integers(0, 32),
    )
    def test_the_best_are_those_of_all_scores(self, texts, query, k):
        index = LexicalIndex.build(texts)
        every = index.scores(query)
        expected = [row for row in np.argsort(-every, kind="stable")[:k] if every[row] > 0]
        scores, rows = index.best(query, k)
        assert rows.tolist() == expected
        assert np.array_equal(scores, every[rows])


def test_scores_are_those_of_bm25s():
    generator = np.random.default_rng(3)
    vocabulary = [f"word{number}" for number in range(50)]
    texts = [
        " ".join(generator.choice(vocabulary, size=generator.integers(1, 30))) for _ in range(200)
    ]
    peer = bm25s.BM25()
    peer.index([terms(text) for text in texts], show_progress=False)
    for query in texts[:5]:
        assert LexicalIndex.build(texts).scores(query) == pytest.approx(
            peer.get_scores(terms(query)), rel=1e-5
        )


class TestFiles:
    def test_a_loaded_index_scores_as_the_saved_one_did(self, index, saved):
        loaded = LexicalIndex.load(saved, 4)
        for query in ("paid leave", "pay", "nothing known"):
            assert np.array_equal(loaded.scores(query), index.scores(query))
        assert len(loaded) == 4

    def test_another_number_of_rows_is_refused(self, saved):
        with pytest.raises(ValueError, match="expected 5 rows, got 4"):
            LexicalIndex.load(saved, 5)

    @pytest.mark.parametrize(
        ("file", "change", "message"),
        [
            ("scores", lambda scores: scores[:-1], "scores missing"),
            ("scores", lambda scores: scores * np.nan, "no numbers or negative"),
            ("scores", lambda scores: scores + np.inf, "no numbers or negative"),
            ("scores", lambda scores: -scores, "no numbers or negative"),
            ("scores", lambda scores: scores.astype(int), "expected scores and whole numbers"),
            ("scores", lambda scores: scores[None], "expected arrays of one dimension"),
            ("counts", lambda counts: counts[:-1], "scores missing"),
            ("counts", lambda counts: counts.astype(int), "expected scores and whole numbers"),
            ("rows", lambda rows: rows + 9, "rows out of range"),
            ("rows", lambda rows: rows - 9, "rows out of range"),
            ("bounds", lambda bounds: bounds[::-1].copy(), "bounds out of order"),
            ("bounds", lambda bounds: bounds[:0], "bounds out of order"),
            ("bounds", lambda bounds: bounds[:-1], "scores missing"),
        ],
    )
    def test_arrays_that_do_not_belong_together_are_refused(self, saved, file, change, message):
        path = saved / "lexical" / f"{file}.npy"
        np.save(path, change(np.load(path)))
        with pytest.raises(ValueError, match=message):
            LexicalIndex.load(saved, 4)

    def test_an_archive_in_place_of_an_array_is_refused(self, saved):
        path = saved / "lexical" / "scores.npy"
        with path.open("wb") as stream:
            np.savez(stream, scores=np.zeros(3))
        with pytest.raises(ValueError, match=r"expected an array in scores\.npy"):
            LexicalIndex.load(saved, 4)

    def test_an_array_of_objects_is_not_unpickled(self, saved):
        path = saved / "lexical" / "rows.npy"
        np.save(path, np.array([{}], dtype=object), allow_pickle=True)
        with pytest.raises(ValueError, match="Python objects"):
            LexicalIndex.load(saved, 4)

    @pytest.mark.parametrize("named", [["pay"], ["pay", "leav", "paid", "month", "good", 5]])
    def test_other_terms_than_columns_are_refused(self, saved, named):
        described = {"n_rows": 4, "terms": named}
        (saved / "lexical" / "vocabulary.json").write_text(json.dumps(described))
        with pytest.raises(ValueError, match="other terms than columns"):
            LexicalIndex.load(saved, 4)


class TestRowsThatAreKept:
    @given(
        st.lists(st.text(alphabet="abcde ", max_size=12), max_size=12),
        st.lists(st.one_of(st.text(alphabet="abcdef ", max_size=12), st.integers(0, 11))),
        st.sets(st.integers(0, 11)),
    )
    def test_an_index_with_kept_rows_is_the_one_built_at_once(self, old, new, gone):
        builder = LexicalBuilder(LexicalIndex.build(old))
        texts = []
        left = set(range(len(old))) - gone
        for text in new:
            if isinstance(text, str):
                builder.add(text)
                texts.append(text)
            elif text in left:
                left.remove(text)
                builder.keep(text, 1)
                texts.append(old[text])
        index, at_once = builder.build(), LexicalIndex.build(texts)
        assert index.vocabulary.keys() == at_once.vocabulary.keys()
        for term in "abcdef":
            assert np.array_equal(index.scores(term), at_once.scores(term))

    def test_a_kept_text_is_not_split_again(self, index, monkeypatch):
        builder = LexicalBuilder(index)
        monkeypatch.setattr("index.lexical.terms", None)
        builder.keep(1, 3)
        assert len(builder.build()) == 3

    def test_a_term_that_only_rows_that_are_gone_had_is_unknown(self, index, tmp_path):
        builder = LexicalBuilder(index)
        builder.keep(0, 3)
        builder.build().save(tmp_path)
        assert not LexicalIndex.load(tmp_path, 3).knows("travel")
