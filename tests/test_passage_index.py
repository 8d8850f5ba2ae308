import itertools
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus import Document, SplitSettings, load_documents
from corpus.errors import IndexFormatError, UnreadableDocumentError
from corpus.loaders import file_sha256
from index import FaissStore, IndexSettings, PassageIndex
from index.folder import MANIFEST, read_manifest
from index.passage_index import stale_documents
from tests.conftest import KeywordEncoder

LEAVE = "Every member of the staff may take twenty days of leave in a year, as the law says."
PAY = "The ministry will pay all salaries on the last working day of each month in the year."
TRAVEL = "Whoever must travel for the ministry gets a ticket and a bed for the night from it."
KEYWORDS = ("leave", "pay", "travel")


@pytest.fixture
def index(build_index):
    return build_index(LEAVE, f"{PAY}\n\n{TRAVEL}", keywords=KEYWORDS)


@pytest.fixture
def encoder(keyword_encoder):
    return keyword_encoder(*KEYWORDS)


@pytest.fixture
def saved(index, tmp_path):
    index.save(tmp_path / "rules.index", sources=[tmp_path / "docs"])
    return tmp_path / "rules.index"


@pytest.fixture
def tamper(saved):
    """Change a file of a saved index and correct its checksum, as an attacker would."""

    def change(name, content):
        manifest = read_manifest(saved)
        file = saved / manifest["data"] / name
        if callable(content):
            content = content(file.read_bytes())
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        manifest["checksums"][name] = file_sha256(file)
        if file.suffix == ".jsonl":
            places_file = file.with_suffix(".npy")
            places = np.load(places_file)
            lines = file.read_bytes().splitlines(keepends=True)
            starts = places if places.ndim == 1 else places[:, 0]
            starts[1:] = file.stat().st_size
            starts[1 : len(lines)] = np.cumsum([len(line) for line in lines[:-1]])[
                : len(starts) - 1
            ]
            np.save(places_file, places)
            manifest["checksums"][places_file.name] = file_sha256(places_file)
        (saved / MANIFEST).write_text(json.dumps(manifest))

    return change


def found(index, query, **options):
    return [hit.passage.text for hit in index.search(query, **options)]


def stale(folder):
    loaded = PassageIndex.load(folder, encoder=KeywordEncoder(*KEYWORDS))
    return stale_documents(folder, loaded) or ""


class TestSearch:
    @pytest.mark.parametrize(
        ("query", "expected"), [("leave", LEAVE), ("When do you pay?", PAY), ("travel", TRAVEL)]
    )
    def test_the_passage_that_holds_the_words_comes_first(self, index, query, expected):
        assert found(index, query)[0] == expected

    def test_ranks_count_from_one_and_scores_fall(self, index):
        hits = index.search("leave or pay")
        assert [hit.rank for hit in hits] == [1, 2, 3]
        assert sorted((hit.score for hit in hits), reverse=True) == [hit.score for hit in hits]

    def test_a_hit_knows_its_document_and_place(self, index):
        [hit] = index.search("travel", k=1)
        document = index.documents[hit.passage.document_id]
        assert document.text[hit.passage.start : hit.passage.end] == TRAVEL

    @pytest.mark.parametrize(("k", "n"), [(0, 0), (1, 1), (3, 3), (99, 3)])
    def test_at_most_k_hits_come_back(self, index, k, n):
        assert len(index.search("leave", k=k)) == n

    def test_a_negative_k_is_refused(self, index):
        with pytest.raises(ValueError, match="k must be at least 0, got -1"):
            index.search("leave", k=-1)

    @pytest.mark.parametrize("query", ["photosynthesis", "", "the"])
    def test_a_query_of_unknown_words_ranks_in_the_order_of_the_documents(self, index, query):
        assert found(index, query) == [LEAVE, PAY, TRAVEL]

    def test_equal_passages_come_in_the_order_of_the_documents(self, build_index):
        hits = build_index(PAY, LEAVE, PAY, PAY).search("pay")
        assert [hit.passage.document_id for hit in hits[:3]] == ["0.txt", "2.txt", "3.txt"]
        assert hits[0].score == hits[1].score == hits[2].score

    def test_a_passage_found_by_its_words_alone_is_among_the_hits(self, build_index):
        shallow = IndexSettings(dense_weight=0.1, depth=1)
        index = build_index(LEAVE, PAY, TRAVEL, keywords=("leave",), settings=shallow)
        assert found(index, "leave a ticket", k=1) == [TRAVEL]

    def test_the_score_is_the_weighted_sum_of_cosine_and_bm25(self, build_index):
        index = build_index(LEAVE, PAY, keywords=("leave",))
        # The only term is in the first passage alone: cosine 1, scaled BM25 1.
        assert index.search("leave")[0].score == pytest.approx(0.7 * 1 + 0.3 * 1)

    def test_vectors_of_all_passages_have_unit_length(self, index):
        vectors = index.passage_vectors()
        assert vectors.shape == (3, 4)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)

    @given(st.lists(st.sampled_from(["leave", "pay", "travel", "law"]), max_size=5))
    def test_more_hits_begin_with_the_fewer(self, query):
        from tests.conftest import KeywordEncoder

        documents = [
            Document.from_text(str(n), text) for n, text in enumerate([LEAVE, PAY, TRAVEL])
        ]
        index = PassageIndex.build(documents, encoder=KeywordEncoder("leave", "pay"))
        hits = [found(index, " ".join(query), k=k) for k in range(5)]
        assert all(more[: len(fewer)] == fewer for fewer, more in itertools.pairwise(hits))


class TestBuilding:
    def test_documents_without_words_are_refused(self, encoder):
        with pytest.raises(UnreadableDocumentError, match="the documents hold no words"):
            PassageIndex.build([Document.from_text("a.txt", " \n ")], encoder=encoder)

    def test_no_documents_are_refused(self, encoder):
        with pytest.raises(UnreadableDocumentError, match="nothing to index"):
            PassageIndex.build([], encoder=encoder)

    def test_an_empty_document_among_others_is_kept(self, build_index):
        index = build_index("", LEAVE)
        assert list(index.documents) == ["0.txt", "1.txt"]
        assert found(index, "leave") == [LEAVE]

    def test_two_documents_with_one_id_are_refused(self, encoder):
        documents = [Document.from_text("a.txt", LEAVE), Document.from_text("a.txt", PAY)]
        with pytest.raises(ValueError, match="two documents have the same id"):
            PassageIndex.build(documents, encoder=encoder)

    def test_the_window_of_the_encoder_cuts_long_paragraphs(self, build_index):
        index = build_index("word " * 500)
        assert max(len(passage.text.split()) for passage in index.passages) <= 180

    @pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
    def test_a_weight_outside_its_range_is_refused(self, weight):
        with pytest.raises(ValueError, match="dense_weight must be between 0 and 1, got"):
            IndexSettings(dense_weight=weight)

    def test_a_depth_of_nothing_is_refused(self):
        with pytest.raises(ValueError, match="depth must be at least 1, got 0"):
            IndexSettings(depth=0)


class TestSavingAndLoading:
    def test_a_loaded_index_is_the_saved_one(self, index, saved, encoder):
        loaded = PassageIndex.load(saved, encoder=encoder)
        assert loaded.documents == index.documents
        assert tuple(loaded.passages) == index.passages
        assert tuple(loaded.passages[:2]) == index.passages[:2]
        assert loaded.passages[-1] == index.passages[-1]
        assert loaded.settings == index.settings
        assert np.array_equal(loaded.passage_vectors(), index.passage_vectors())
        for query in ("leave", "pay or travel", "photosynthesis", ""):
            assert loaded.search(query) == index.search(query)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
    @given(
        texts=st.lists(
            st.text(min_size=1).filter(lambda text: text.strip()), min_size=1, max_size=4
        ),
        query=st.text(max_size=20),
    )
    def test_save_load_search_is_the_identity(self, texts, query, build_index, tmp_path, encoder):
        index = build_index(*texts)
        index.save(tmp_path / "any.index")
        loaded = PassageIndex.load(tmp_path / "any.index", encoder=encoder)
        assert loaded.documents == index.documents
        assert loaded.search(query) == index.search(query)

    def test_settings_are_saved(self, build_index, tmp_path, encoder):
        chosen = IndexSettings(SplitSettings(min_words=3, max_tokens=40), dense_weight=0.5, depth=7)
        build_index(LEAVE, settings=chosen).save(tmp_path / "i")
        assert PassageIndex.load(tmp_path / "i", encoder=encoder).settings == chosen

    def test_texts_are_not_stored_twice(self, saved):
        data = saved / read_manifest(saved)["data"]
        assert "salaries" not in (data / "passages.jsonl").read_text()

    def test_a_loaded_index_can_be_saved_in_its_own_place(self, saved, encoder):
        PassageIndex.load(saved, encoder=encoder).save(saved)
        assert found(PassageIndex.load(saved, encoder=encoder), "pay")[0] == PAY

    def test_a_file_name_that_is_no_text_can_be_saved(self, tmp_path, encoder):
        index = PassageIndex.build([Document.from_text("a\udcff.txt", LEAVE)], encoder=encoder)
        index.save(tmp_path / "i", sources=[Path("a\udcff.txt")])
        assert list(PassageIndex.load(tmp_path / "i", encoder=encoder).documents) == ["a\udcff.txt"]

    def test_another_encoder_is_refused_with_both_ways_out(self, saved, keyword_encoder):
        with pytest.raises(
            IndexFormatError,
            match=r"was built with encoder 'keywords' but 'keywords' is set; set that encoder, or "
            r"rebuild with: observer index /\S*docs -o /\S*rules.index --encoder keywords$",
        ):
            PassageIndex.load(saved, encoder=keyword_encoder("other"))

    def test_a_crash_while_saving_leaves_the_old_index(self, saved, build_index, encoder, capsys):
        index = build_index(LEAVE)
        index.lexical = None  # fails once documents, passages and vectors are written
        with pytest.raises(AttributeError, match="save"):
            index.save(saved)
        assert found(PassageIndex.load(saved, encoder=encoder), "pay")[0] == PAY
        assert len(list(saved.iterdir())) == 2


def read_whole(folder, encoder):
    loaded = PassageIndex.load(folder, encoder=encoder)
    return list(loaded.documents.values()), list(loaded.passages)


class TestTampering:
    """Files whose checksums were corrected are refused for what they hold."""

    def refused(self, saved, encoder, file, reason=""):
        with pytest.raises(
            IndexFormatError,
            match=rf"^[^\n]*{re.escape(file)} is malformed \([^\n]*{reason}[^\n]*\); "
            r"rebuild it with: observer index /\S+docs -o ",
        ):
            read_whole(saved, encoder)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("{\n", "JSONDecodeError"),
            ("[]\n", "TypeError"),
            ("{}\n", "KeyError: 'id'"),
            ("", "cannot mmap an empty file"),
            ("[" * 100_000, "RecursionError"),
            (b"\xff", "UnicodeDecodeError"),
            ('{"id": 3, "text": "", "title": "", "sha256": "", "path": null}\n', "expected texts"),
            ('{"id": "", "text": "", "title": "", "sha256": "", "path": 3}\n', "TypeError"),
        ],
    )
    def test_a_malformed_document(self, saved, encoder, tamper, text, reason):
        tamper("documents.jsonl", text)
        self.refused(saved, encoder, "documents.jsonl", reason)

    def test_a_document_twice(self, saved, encoder, tamper):
        tamper("documents.jsonl", lambda data: data + data)
        self.refused(saved, encoder, "documents.jsonl", "cut short, or longer")

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"start": -1}, "no passage from -1"),
            ({"end": 10_000}, "to 10000"),
            ({"start": 5, "end": 5}, "no passage from 5 to 5"),
            ({"start": "0"}, "no passage from '0'"),
            ({"start": 0.0}, r"no passage from 0\.0"),
            ({"start": True}, "no passage from True"),
            ({"document": "other.txt"}, "KeyError: 'other.txt'"),
            ({"document": ["x"]}, "TypeError"),
            ({"context": None}, "expected a text as context"),
        ],
    )
    def test_a_malformed_passage(self, saved, encoder, tamper, change, reason):
        def changed(data):
            first, *others = data.decode().splitlines()
            return "\n".join([json.dumps({**json.loads(first), **change}), *others]) + "\n"

        tamper("passages.jsonl", changed)
        self.refused(saved, encoder, "passages.jsonl", reason)

    def test_a_passage_too_few(self, saved, encoder, tamper):
        tamper("passages.jsonl", lambda data: data.split(b"\n")[0] + b"\n")
        self.refused(saved, encoder, "passages.jsonl", "JSONDecodeError")

    @pytest.mark.parametrize("shape", [(2, 4), (4, 4), (3, 3)])
    def test_other_vectors(self, saved, encoder, tamper, shape, tmp_path):
        FaissStore.build(np.ones(shape, dtype=np.float32)).save(tmp_path)
        tamper("vectors.faiss", (tmp_path / "vectors.faiss").read_bytes())
        self.refused(saved, encoder, "vectors.faiss", "other vectors than the manifest names")

    @pytest.mark.parametrize("cut", [0, 3, 20, 44, 50])
    def test_truncated_vectors(self, saved, encoder, tamper, cut):
        tamper("vectors.faiss", lambda data: data[:cut])
        self.refused(saved, encoder, "vectors.faiss")

    @pytest.mark.parametrize("name", ["scores", "rows", "bounds"])
    @pytest.mark.parametrize("kind", ["objects", "pickle", "empty", "truncated", "huge"])
    def test_arrays_that_are_none(self, saved, encoder, tamper, tmp_path, name, kind):
        ran = tmp_path / "ran"

        class Attack:
            def __reduce__(self):
                return ran.touch, ()

        def changed(data):
            if kind == "objects":
                np.save(tmp_path / "o.npy", np.array([Attack()], dtype=object), allow_pickle=True)
                return (tmp_path / "o.npy").read_bytes()
            if kind == "huge":
                shape = b"(" + b"9" * 15 + b",)"
                return re.sub(rb"\(\d+,\)( *)", lambda found: shape.ljust(len(found[0])), data)
            return {"pickle": pickle.dumps(Attack()), "empty": b""}.get(kind, data[:-1])

        tamper(f"lexical/{name}.npy", changed)
        self.refused(saved, encoder, "lexical")
        assert not ran.exists()

    @pytest.mark.parametrize(
        "text",
        [
            *("", "[]", "{", "{}", '{"n_rows": 3}', '{"n_rows": 9, "columns": {}}'),
            *('{"n_rows": 3, "columns": []}', '{"n_rows": 3, "columns": {"pay": 99}}'),
            '{"n_rows": 3, "columns": {"pay": "x"}}',
        ],
    )
    def test_a_malformed_vocabulary(self, saved, encoder, tamper, text):
        tamper("lexical/vocabulary.json", text)
        self.refused(saved, encoder, "lexical")

    @pytest.mark.parametrize(
        "changes",
        [
            {"documents": None},
            {"encoder": None},
            {"encoder": "keywords"},
            {"encoder": {"name": "keywords"}},
            {"settings": None},
            {"settings": {"split": {"min_words": "15"}}},
            {"settings": {"split": {}, "unknown": 1}},
            {"settings": {"split": {}, "depth": 0}},
        ],
    )
    def test_a_malformed_manifest(self, saved, encoder, changes):
        (saved / MANIFEST).write_text(json.dumps({**read_manifest(saved), **changes}))
        self.refused(saved, encoder, MANIFEST)

    @pytest.mark.parametrize(
        ("changes", "file"),
        [
            ({"documents": {}}, "documents.jsonl"),
            ({"n_passages": 4}, "passages.jsonl"),
        ],
    )
    def test_a_manifest_that_counts_otherwise(self, saved, encoder, changes, file):
        (saved / MANIFEST).write_text(json.dumps({**read_manifest(saved), **changes}))
        self.refused(saved, encoder, file, "than the manifest names")

    @pytest.mark.parametrize("file", ["documents.jsonl", "passages.jsonl", "vectors.faiss"])
    def test_a_file_that_is_missing_with_its_checksum(self, saved, encoder, file):
        manifest = read_manifest(saved)
        (saved / manifest["data"] / file).unlink()
        del manifest["checksums"][file]
        (saved / MANIFEST).write_text(json.dumps(manifest))
        self.refused(saved, encoder, file, "FileNotFoundError")

    def test_an_altered_byte_in_each_file_is_found_by_its_checksum(self, saved, encoder):
        manifest = read_manifest(saved)
        assert len(manifest["checksums"]) == 10
        for name in manifest["checksums"]:
            file = saved / manifest["data"] / name
            data = file.read_bytes()
            file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            with pytest.raises(IndexFormatError, match=f"{name}: was altered .*; rebuild it with"):
                PassageIndex.load(saved, encoder=encoder)
            file.write_bytes(data)
        assert len(PassageIndex.load(saved, encoder=encoder).passages) == 3


class TestStaleDocuments:
    @pytest.fixture
    def docs(self, tmp_path):
        folder = tmp_path / "docs"
        folder.mkdir()
        for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
            (folder / name).write_text(f"{LEAVE} {name}")
        return folder

    @pytest.fixture
    def saved(self, docs, tmp_path, encoder):
        index = PassageIndex.build(load_documents(docs), encoder=encoder)
        index.save(tmp_path / "i", sources=[docs])
        return tmp_path / "i"

    def test_unchanged_files_are_not_stale(self, saved):
        assert stale(saved) == ""

    def test_a_text_that_never_was_a_file_is_not_stale(self, index, tmp_path):
        index.save(tmp_path / "i")
        assert stale(tmp_path / "i") == ""

    def test_a_changed_file_is_named_with_the_command(self, saved, docs):
        (docs / "b.txt").write_text(PAY)
        assert stale(saved) == (
            f"{saved}: b.txt changed on disk since the index was built; "
            f"refresh it with: observer index {docs} -o {saved} --encoder keywords"
        )

    def test_a_file_that_is_gone_is_said_to_be_missing(self, saved, docs):
        (docs / "b.txt").unlink()
        assert "b.txt (missing) changed on disk" in stale(saved)

    def test_of_many_changed_files_three_are_named(self, saved, docs):
        for file in docs.iterdir():
            file.write_text(PAY)
        assert "a.txt, b.txt, c.txt and 1 more changed on disk" in stale(saved)

    def test_a_relative_source_is_found_from_another_folder(
        self, docs, encoder, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        index = PassageIndex.build(load_documents("docs"), encoder=encoder)
        index.save(tmp_path / "i", sources=[Path("docs")])
        (docs / "a.txt").write_text(PAY)
        assert "observer index docs -o" in stale(tmp_path / "i")
        monkeypatch.chdir("/")
        assert f"observer index {str(docs)[1:]} -o" in stale(tmp_path / "i")

    def test_a_link_that_points_elsewhere_now_is_stale(self, docs, encoder, tmp_path):
        (tmp_path / "v2").mkdir()
        (tmp_path / "v2" / "a.txt").write_text(PAY)
        current = tmp_path / "current"
        current.symlink_to(docs)
        index = PassageIndex.build(load_documents(current / "a.txt"), encoder=encoder)
        index.save(tmp_path / "i", sources=[current])
        assert stale(tmp_path / "i") == ""
        current.unlink()
        current.symlink_to("v2")
        assert "a.txt changed on disk" in stale(tmp_path / "i")

    def test_an_altered_index_is_refused(self, saved):
        data = saved / read_manifest(saved)["data"]
        (data / "documents.jsonl").write_text("")
        with pytest.raises(IndexFormatError, match=r"documents\.jsonl: was altered"):
            stale(saved)


def test_a_search_in_some_documents_finds_all_that_they_have_and_nothing_else(build_index):
    index = build_index("Leave and pay.", "Pay, pay, pay.", "Leave is granted.")
    hits = index.search("leave and pay", 10, documents=["2.txt", "0.txt"])
    assert {hit.passage.document_id for hit in hits} == {"0.txt", "2.txt"}
    scores = {hit.passage: hit.score for hit in index.search("leave and pay", 10)}
    assert all(hit.score == pytest.approx(scores[hit.passage]) for hit in hits)
    assert index.search("leave", 10, documents=[]) == []
