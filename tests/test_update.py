import json
import os

import numpy as np
import pytest

from corpus import SplitSettings, load_documents
from corpus.errors import IndexFormatError, UnreadableDocumentError
from corpus.loaders import file_sha256, find_files, load_file
from index import IndexSettings, PassageIndex, blocks
from index import previous as previous_module
from index import update as module
from index.folder import MANIFEST, read_manifest
from index.update import update_index
from tests.conftest import KeywordEncoder

LEAVE = "Every member of the staff may take twenty days of leave in a year, as the law says."
PAY = "The ministry will pay all salaries on the last working day of each month in the year."
TRAVEL = "Whoever must travel for the ministry gets a ticket and a bed for the night from it."
KEYWORDS = ("leave", "pay", "travel")


class RememberingEncoder(KeywordEncoder):
    """Remembers which passages it embedded."""

    def __init__(self, *keywords):
        super().__init__(*keywords)
        self.embedded = []

    def encode_passages(self, texts):
        self.embedded += texts
        return self.encode_queries(texts)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "silent-observer" / "blocks"


@pytest.fixture
def encoder():
    return RememberingEncoder(*KEYWORDS)


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    write(folder / "a.txt", LEAVE)
    write(folder / "b.txt", f"{PAY}\n\n{TRAVEL}")
    return folder


@pytest.fixture
def update(docs, tmp_path, encoder):
    """Bring the index of `docs` up to date, and forget what was embedded before."""

    def run(**options):
        encoder.embedded.clear()
        return update_index(tmp_path / "i", [docs], encoder=encoder, **options)

    return run


@pytest.fixture
def load(tmp_path, encoder):
    return lambda: PassageIndex.load(tmp_path / "i", encoder=encoder)


def write(file, text, *, age=60):
    """Write a file as it would be so many seconds later."""
    file.write_text(text)
    then = file.stat().st_mtime - age
    os.utime(file, (then, then))


def assert_same(index, built):
    """Check that an updated index is the one that is built at once."""
    assert index.documents == built.documents
    assert list(index.passages) == list(built.passages)
    assert np.array_equal(index.passage_vectors(), built.passage_vectors())
    for query in ("leave", "pay or travel", "tickets", "dogs"):
        assert index.search(query) == built.search(query)


class TestWhatIsDone:
    def test_the_first_update_builds_the_index(self, update, load, docs, encoder):
        report = update()
        assert (report.added, report.n_passages, report.n_embedded) == (("a.txt", "b.txt"), 3, 3)
        assert report.is_first
        assert_same(load(), PassageIndex.build(load_documents(docs), encoder=encoder))

    def test_where_nothing_changed_nothing_is_embedded_or_written(self, update, tmp_path, encoder):
        update()
        before = (tmp_path / "i" / MANIFEST).read_bytes()
        report = update()
        assert (report.n_unchanged, report.n_documents, report.n_passages) == (2, 2, 3)
        assert not report.is_news
        assert encoder.embedded == []
        assert (tmp_path / "i" / MANIFEST).read_bytes() == before

    def test_of_a_changed_document_only_the_new_passage_is_embedded(
        self, update, load, docs, encoder
    ):
        update()
        write(docs / "b.txt", f"{PAY}\n\nA new rule: {TRAVEL}")
        report = update()
        assert (report.changed, report.n_unchanged, report.n_embedded) == (("b.txt",), 1, 1)
        assert encoder.embedded == [f"A new rule: {TRAVEL}"]
        assert_same(load(), PassageIndex.build(load_documents(docs), encoder=encoder))

    def test_a_new_document_is_added(self, update, load, docs, encoder):
        update()
        write(docs / "aa.txt", f"New here: {PAY}")
        report = update()
        assert (report.added, report.n_unchanged, report.n_embedded) == (("aa.txt",), 2, 1)
        assert_same(load(), PassageIndex.build(load_documents(docs), encoder=encoder))

    def test_a_document_that_is_gone_is_removed(self, update, load, docs, encoder):
        update()
        (docs / "a.txt").unlink()
        report = update()
        assert (report.removed, report.n_unchanged, report.n_embedded) == (("a.txt",), 1, 0)
        assert_same(load(), PassageIndex.build(load_documents(docs), encoder=encoder))

    def test_a_renamed_document_is_not_embedded_again(self, update, load, docs, encoder):
        update()
        (docs / "b.txt").rename(docs / "0.txt")
        report = update()
        assert (report.added, report.removed, report.n_embedded) == (("0.txt",), ("b.txt",), 0)
        assert_same(load(), PassageIndex.build(load_documents(docs), encoder=encoder))

    def test_a_passage_that_stands_in_two_documents_is_embedded_once(self, update, docs, encoder):
        write(docs / "c.txt", LEAVE)
        assert update().n_embedded == 3
        assert len(encoder.embedded) == 3

    def test_many_updates_are_as_one_build(self, update, load, docs, encoder):
        for n in range(6):
            write(docs / f"{n % 4}.txt", f"{[LEAVE, PAY, TRAVEL][n % 3]} Version {n}.")
            if n > 3:
                (docs / f"{n - 3}.txt").unlink()
            update()
        assert_same(load(), PassageIndex.build(load_documents(docs), encoder=encoder))

    def test_files_in_the_index_itself_are_no_documents(self, docs, encoder):
        for _ in range(2):
            update_index(docs / "i", [docs], encoder=encoder)
            (docs / "i" / "data-0123456789ab").mkdir(exist_ok=True)
            write(docs / "i" / "data-0123456789ab" / "text.txt", PAY)
        loaded = PassageIndex.load(docs / "i", encoder=encoder)
        assert list(loaded.documents) == ["a.txt", "b.txt"]


class TestWhatIsReadAgain:
    @pytest.fixture
    def loaded(self, monkeypatch):
        """The names of the files that are parsed."""
        names = []

        def remember(path, document_id):
            names.append(path.name)
            return load_file(path, document_id)

        monkeypatch.setattr(module, "load_file", remember)
        return names

    @pytest.fixture
    def hashed(self, monkeypatch):
        """The names of the files that are hashed."""
        names = []

        def remember(path):
            names.append(path.name)
            return file_sha256(path)

        monkeypatch.setattr(previous_module, "file_sha256", remember)
        return names

    def test_a_file_of_the_same_size_and_time_is_not_read(self, update, loaded, hashed):
        update()
        loaded.clear()
        update()
        assert loaded == hashed == []

    def test_a_file_of_another_time_but_the_same_bytes_is_not_parsed(
        self, update, docs, loaded, hashed
    ):
        update()
        loaded.clear()
        write(docs / "a.txt", LEAVE, age=30)
        update()
        assert (loaded, hashed) == ([], ["a.txt"])
        update()
        assert hashed == ["a.txt"]

    def test_a_file_too_young_to_be_known_by_its_time_is_hashed(self, update, docs, hashed):
        write(docs / "a.txt", LEAVE, age=0)
        update()
        write(docs / "a.txt", LEAVE.replace("twenty", "thirty"), age=0)
        assert update().changed == ("a.txt",)
        assert hashed == ["a.txt"]

    def test_an_index_without_times_is_read_again_and_keeps_its_vectors(
        self, docs, tmp_path, encoder, update
    ):
        index = PassageIndex.build(load_documents(docs), encoder=encoder)
        index.save(tmp_path / "i", sources=[docs])
        report = update()
        assert (report.n_unchanged, report.n_embedded) == (2, 0)

    def test_documents_under_other_names_keep_their_vectors(self, update, docs, tmp_path, encoder):
        update()
        encoder.embedded.clear()
        report = update_index(tmp_path / "i", [docs.parent / "docs" / "b.txt"], encoder=encoder)
        assert (report.removed, report.n_unchanged, report.n_embedded) == (("a.txt",), 1, 0)


class TestWhatCannotBeRead:
    def test_a_file_that_cannot_be_read_is_named_and_the_others_are_indexed(
        self, update, load, docs
    ):
        (docs / "c.txt").write_bytes(b"\xff\x00\x01")
        report = update()
        assert report.unreadable == (
            f"{docs / 'c.txt'}: is not text in a known encoding; save it as UTF-8",
        )
        assert list(load().documents) == ["a.txt", "b.txt"]

    def test_what_was_indexed_of_it_stays(self, update, load, docs):
        update()
        (docs / "a.txt").write_bytes(b"\xff\x00\x01")
        report = update()
        assert len(report.unreadable) == 1
        assert report.removed == ()
        assert load().documents["a.txt"].text == LEAVE
        write(docs / "a.txt", PAY)
        assert update().changed == ("a.txt",)

    def test_a_strict_update_leaves_the_index_as_it_was(self, update, load, docs):
        update()
        write(docs / "b.txt", PAY)
        (docs / "c.txt").write_bytes(b"\xff\x00\x01")
        with pytest.raises(UnreadableDocumentError, match=r"c\.txt: is not text in a known"):
            update(strict=True)
        assert TRAVEL in load().documents["b.txt"].text

    def test_where_no_file_can_be_read_the_first_says_why(self, update, docs):
        for file in docs.iterdir():
            file.write_text(" ")
        with pytest.raises(UnreadableDocumentError, match=r"a\.txt: holds no words; leave it out"):
            update()

    def test_a_file_that_vanishes_is_one_that_cannot_be_read(self, update, docs, monkeypatch):
        def find_and_lose(paths, **options):
            found = find_files(paths, **options)
            (docs / "a.txt").unlink()
            return found

        monkeypatch.setattr(module, "find_files", find_and_lose)
        [line] = update().unreadable
        assert "a.txt: cannot be read: No such file or directory" in line


class TestWhatIsOfNoUse:
    def test_another_encoder_embeds_everything(self, update, docs, tmp_path):
        update()
        other = RememberingEncoder("dogs")
        report = update_index(tmp_path / "i", [docs], encoder=other)
        assert report.discarded == f"{tmp_path / 'i'}: was built with encoder 'keywords'"
        assert len(other.embedded) == report.n_embedded == 3

    def test_other_settings_embed_everything(self, update):
        update()
        report = update(settings=IndexSettings(SplitSettings(min_words=3)))
        assert "was built with other settings" in report.discarded
        assert report.n_embedded == 3

    def test_a_rebuild_embeds_everything(self, update):
        update()
        report = update(rebuild=True)
        assert (report.n_embedded, report.discarded) == (3, "")

    def test_a_damaged_index_is_built_anew(self, update, load, tmp_path):
        update()
        data = tmp_path / "i" / read_manifest(tmp_path / "i")["data"]
        (data / "vectors.faiss").write_bytes(b"")
        report = update()
        assert "vectors.faiss: was altered since the index was built" in report.discarded
        assert "rebuild" not in report.discarded
        assert len(load().passages) == 3

    @pytest.mark.parametrize("text", ["{", '{"format_version": 1, "data": ""}'])
    def test_an_unreadable_manifest_is_no_obstacle(self, update, load, tmp_path, text):
        update()
        (tmp_path / "i" / MANIFEST).write_text(text)
        assert update().n_embedded == 3
        assert len(load().passages) == 3

    @pytest.mark.parametrize(
        ("file", "change"),
        [
            ("passages.jsonl", lambda data: data + data),
            ("passages.jsonl", lambda data: data.replace(b'"start": 0', b'"start": -1')),
            ("documents.jsonl", lambda data: data.replace(b'"id": "a', b'"id": "z')),
            ("documents.jsonl", lambda data: b"[]"),
        ],
    )
    def test_a_malformed_index_is_refused_with_the_command(
        self, update, docs, tmp_path, file, change
    ):
        update()
        folder = tmp_path / "i"
        manifest = read_manifest(folder)
        path = folder / manifest["data"] / file
        path.write_bytes(change(path.read_bytes()))
        manifest["checksums"][file] = file_sha256(path)
        (folder / MANIFEST).write_text(json.dumps(manifest))
        write(docs / "c.txt", PAY)
        with pytest.raises(IndexFormatError, match=r"is malformed .*--rebuild$"):
            update()
        assert update(rebuild=True).n_documents == 3


class TestInterruption:
    def test_an_interrupted_build_goes_on_from_its_last_block(
        self, update, docs, encoder, monkeypatch, cache
    ):
        monkeypatch.setattr(blocks, "BLOCK", 2)
        write(docs / "c.txt", f"{LEAVE} Once more.\n\n{PAY} Once more.")
        encode = encoder.encode_passages

        def interrupt(texts):
            if len(encoder.embedded) >= 4:
                raise KeyboardInterrupt
            return encode(texts)

        monkeypatch.setattr(encoder, "encode_passages", interrupt)
        with pytest.raises(KeyboardInterrupt):
            update()
        monkeypatch.undo()
        monkeypatch.setattr(blocks, "BLOCK", 2)
        monkeypatch.setattr("platformdirs.user_cache_path", lambda name: cache.parent)
        update()
        assert encoder.embedded == [f"{PAY} Once more."]
        assert list(cache.iterdir()) == []

    def test_the_blocks_stay_until_the_index_is_whole(self, update, monkeypatch, cache):
        monkeypatch.setattr(blocks, "BLOCK", 2)
        monkeypatch.setattr("index.lexical.LexicalBuilder.build", None)
        with pytest.raises(TypeError):
            update()
        assert len(list(cache.iterdir())) == 2
