import io
import zipfile

import pytest

from corpus import archives
from corpus.archives import archive_members
from corpus.errors import UnreadableDocumentError
from corpus.loaders import iter_documents, load_document, load_documents


def zip_of(**files):
    return zip_at({name.replace("__", "/"): text for name, text in files.items()})


def zip_at(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        for name, text in files.items():
            package.writestr(name, text)
    return packed.getvalue()


def members(files, max_bytes=1000):
    return dict(archive_members(zip_at(files), max_bytes=max_bytes))


def test_files_come_sorted_by_path_without_hidden_ones():
    found = members({"b.txt": "two", "a/c.txt": "one", ".x/d.txt": "no", "__MACOSX/e.txt": "no"})
    assert list(found.items()) == [("a/c.txt", b"one"), ("b.txt", b"two")]


@pytest.mark.parametrize("name", ["../a.txt", "/a.txt", "a/../../b.txt", "C:/a.txt", "..\\a.txt"])
def test_a_path_that_leaves_the_archive_is_named_and_the_others_are_read(name):
    found = members({name: "out", "b.txt": "in"})
    assert found.pop("b.txt") == b"in"
    [error] = found.values()
    assert str(error) == "its path leaves the archive; it is left out"


def test_a_file_that_unpacks_to_too_much_is_named():
    found = members({"a.txt": "x" * 1001, "b.txt": "in"})
    assert isinstance(found["a.txt"], UnreadableDocumentError)
    assert found["b.txt"] == b"in"


def test_an_archive_that_unpacks_to_too_much_in_all_is_cut_off(monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 5)
    found = members({"a.txt": "four", "b.txt": "four"})
    assert found["a.txt"] == b"four"
    assert isinstance(found["b.txt"], UnreadableDocumentError)


def test_documents_in_an_archive_are_named_by_their_path_in_it(tmp_path):
    (tmp_path / "old.zip").write_bytes(zip_of(in__a="no suffix", **{"b.txt": "The ship left."}))
    [document] = load_documents(tmp_path)
    assert (document.id, document.text) == ("old.zip/b.txt", "The ship left.")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zip_of(), "old.zip: holds no documents; leave it out"),
        (zip_of(a="x"), "old.zip: holds no documents; leave it out"),
        (zip_at({"in.zip": zip_of(a="x")}), "old.zip/in.zip: is an archive in an archive"),
        (zip_of(a="x")[:-30], "old.zip: "),
    ],
)
def test_what_is_no_archive_of_documents_is_named_in_one_line(tmp_path, data, message):
    (tmp_path / "old.zip").write_bytes(data)
    (tmp_path / "a.txt").write_text("The ship left.")
    lines = []
    documents = list(iter_documents(tmp_path, on_error=lambda error: lines.append(str(error))))
    assert [document.id for document in documents] == ["a.txt"]
    [line] = lines
    assert message in line
    assert "\n" not in line


def test_one_document_is_not_asked_of_an_archive(tmp_path):
    (tmp_path / "old.zip").write_bytes(zip_of(a="x"))
    with pytest.raises(UnreadableDocumentError, match="is an archive; unpack it"):
        load_document(tmp_path / "old.zip")
