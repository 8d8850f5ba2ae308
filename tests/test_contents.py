import numpy as np
import pytest

from corpus.documents import Document
from corpus.passages import Passage
from index.contents import Contents, write_places
from index.mapped import release_file

FERRY = Document.from_text("ferry.txt", "It leaves. It lands.")
BLANK = Document.from_text("blank.txt", "")
GARDEN = Document.from_text("garden.txt", "An orchid.")
LEAVES = Passage("ferry.txt", 0, 10, "It leaves.")
LANDS = Passage("ferry.txt", 11, 20, "It lands.", context="The end:")
ORCHID = Passage("garden.txt", 0, 10, "An orchid.")


@pytest.fixture
def contents():
    return Contents.of([FERRY, BLANK, GARDEN], [LEAVES, LANDS, ORCHID])


@pytest.fixture
def stored(contents, tmp_path):
    contents.save(tmp_path)
    manifest = {"documents": dict(contents.sha256s), "n_passages": 3}
    return Contents.load(tmp_path, manifest, tmp_path)


def test_every_document_knows_its_rows(contents):
    assert contents.rows == {
        "ferry.txt": range(2),
        "blank.txt": range(2, 2),
        "garden.txt": range(2, 3),
    }


def test_two_documents_with_one_id_are_refused():
    with pytest.raises(ValueError, match="two documents have the same id"):
        Contents.of([FERRY, FERRY], [])


def test_passages_in_another_order_are_refused():
    with pytest.raises(ValueError, match="passages in another order than their documents"):
        Contents.of([FERRY, GARDEN], [LEAVES, ORCHID, LANDS])


class TestStored:
    def test_what_was_saved_is_there(self, contents, stored):
        assert list(stored.documents.items()) == list(contents.documents.items())
        assert list(stored.passages) == [LEAVES, LANDS, ORCHID]
        assert (stored.rows, stored.sha256s) == (contents.rows, contents.sha256s)
        assert (len(stored.documents), len(stored.passages)) == (3, 3)

    def test_rows_are_counted_as_in_a_list(self, stored):
        assert stored.passages[-1] == stored.passages[np.int64(2)] == ORCHID
        assert list(stored.passages[1:]) == [LANDS, ORCHID]
        with pytest.raises(IndexError):
            stored.passages[3]

    def test_lines_are_read_again_when_their_memory_was_given_back(self, stored, monkeypatch):
        released = []

        def counted(file):
            released.append(file)
            release_file(file)

        monkeypatch.setattr("index.contents._KEPT_LINES", 2)
        monkeypatch.setattr("index.contents.release_file", counted)
        assert [list(stored.passages) for _ in range(3)] == [[LEAVES, LANDS, ORCHID]] * 3
        # Nine lines of passages and two of documents, at every second one of each file.
        assert len(released) == 5

    def test_a_document_that_is_not_there_is_none(self, stored):
        assert "other.txt" not in stored.documents
        assert stored.documents.get("other.txt") is None
        with pytest.raises(KeyError, match=r"other\.txt"):
            stored.documents["other.txt"]

    def test_a_document_read_before_is_not_parsed_again(self, stored):
        assert stored.documents["ferry.txt"] is stored.documents["ferry.txt"]

    def test_places_of_passages_in_another_order_are_refused(self, contents, tmp_path):
        contents.save(tmp_path)
        with pytest.raises(ValueError, match="passages in another order than their documents"):
            write_places(tmp_path, ["garden.txt", "blank.txt", "ferry.txt"])


def test_joined_contents_stand_one_after_the_other(contents):
    other = Document.from_text("other.txt", "More.")
    more = Passage("other.txt", 0, 5, "More.")
    joined = Contents.joined([contents, Contents.of([other], [more])])
    assert list(joined.documents) == ["ferry.txt", "blank.txt", "garden.txt", "other.txt"]
    assert list(joined.passages) == [LEAVES, LANDS, ORCHID, more]
    assert joined.passages[-1] == more
    assert joined.rows["other.txt"] == range(3, 4)
    assert joined.sha256s["other.txt"] == other.sha256
