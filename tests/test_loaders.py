import hashlib
import os
import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import load_document, load_documents
from corpus.errors import ObserverError, UnreadableDocumentError
from corpus.loaders import file_sha256, shipped_documents
from corpus.text import decode_text

as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
KHMER = "សួស្តី ពិភពលោក។ រាជរដ្ឋាភិបាលកម្ពុជា\n"


@pytest.fixture
def write(tmp_path):
    def write_file(name, content="Leave is paid."):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return write_file


def ids(*paths):
    return [document.id for document in load_documents(paths)]


class TestEncodings:
    @pytest.mark.parametrize(
        "encoding",
        ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
    )
    @pytest.mark.parametrize(
        "text", ["Café “open” at 7 € — today\n", KHMER, "Привет, мир. Как дела?\n"]
    )
    def test_unicode_is_recognised(self, text, encoding):
        assert decode_text(text.encode(encoding)) == text

    @pytest.mark.parametrize(
        ("mark", "encoding"),
        [
            (b"\xff\xfe", "utf-16-le"),
            (b"\xfe\xff", "utf-16-be"),
            (b"\xff\xfe\0\0", "utf-32-le"),
            (b"\0\0\xfe\xff", "utf-32-be"),
        ],
    )
    def test_a_byte_order_mark_decides_and_is_no_part_of_the_text(self, mark, encoding):
        assert decode_text(mark + "Pay 🙂".encode(encoding)) == "Pay 🙂"

    def test_windows_1252_is_recognised_by_its_curly_quotes_and_accents(self):
        text = "The café’s “naïve” résumé — paid in €, he said, and left the room at once."
        assert decode_text(text.encode("cp1252")) == text

    def test_cyrillic_in_a_code_page_is_not_taken_for_windows_1252(self):
        text = "Правительство объявило о новых правилах отпуска для всех сотрудников. " * 3
        assert decode_text(text.encode("cp1251")) == text

    def test_polish_in_a_code_page_is_not_taken_for_windows_1252(self):
        text = "Każdy pracownik może wziąć urlop, gdy zgłosi to wcześniej swojemu szefowi. " * 4
        assert decode_text(text.encode("cp1250")) == text

    def test_a_byte_that_windows_1252_lacks_leaves_the_best_guess(self):
        text = "Où est le café près de la gare, là où l'été a été si doux ? "
        decoded = decode_text((text * 3).encode("cp1252") + b"\x81")
        assert "est le caf" in decoded

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(bytes(range(256)), id="every byte"),
            pytest.param(bytes(range(1, 256)), id="every byte but zero"),
            pytest.param(b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x03\0>\0", id="ELF"),
            pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", id="PNG"),
            pytest.param(b"PK\x03\x04\x14\0\0\0\x08\0", id="ZIP"),
            pytest.param(b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01", id="JPEG"),
            pytest.param(b"\x00\x01\x02\x03", id="four bytes"),
            pytest.param(
                b"Un caf\xe9 tr\xe8s doux \xe0 c\xf4t\xe9 de la g\x02re. "
                + b"Un caf\xe9 tr\xe8s doux \xe0 c\xf4t\xe9 de la gare. " * 2,
                id="a control character",
            ),
            pytest.param("Pay".encode("utf-32-le"), id="UTF-32 without a mark"),
            pytest.param(b"\xff\xfeP\0a", id="half a character"),
        ],
    )
    def test_what_is_no_text_is_refused(self, data):
        with pytest.raises(ValueError, match=r"."):
            decode_text(data)

    def test_a_stray_zero_byte_is_refused_rather_than_read_as_chinese(self):
        with pytest.raises(ValueError, match="stray zero bytes"):
            decode_text(b"Leave is pa\0d.")

    @given(st.text())
    def test_utf_8_comes_back_as_it_was_written(self, text):
        assert decode_text(("\ufeff" + text).encode()) == text

    @given(st.binary(max_size=60))
    def test_any_bytes_are_a_text_or_a_value_error(self, data):
        try:
            assert isinstance(decode_text(data), str)
        except ValueError as error:
            assert str(error)  # noqa: PT017 — either outcome is right


class TestOneFile:
    @pytest.mark.parametrize("content", ["One.\r\n\r\nTwo.", "One.\r\rTwo.", "One.\n\nTwo."])
    def test_line_breaks_are_unified(self, write, content):
        assert load_document(write("a.txt", content)).text == "One.\n\nTwo."

    def test_the_checksum_is_that_of_the_bytes_on_disk(self, write):
        file = write("a.txt", b"\xef\xbb\xbfPay\r\n")
        document = load_document(file)
        assert document.text == "Pay\n"
        assert document.sha256 == hashlib.sha256(b"\xef\xbb\xbfPay\r\n").hexdigest()
        assert document.sha256 == file_sha256(file)

    def test_the_id_is_the_name_of_the_file_or_what_is_asked_for(self, write):
        file = write("sub/a.txt")
        assert load_document(file).id == "a.txt"
        assert load_document(file, document_id="sub/a.txt").id == "sub/a.txt"

    def test_the_title_is_the_headline(self, write):
        text = "# Rules of leave\n\nLeave is paid."
        assert load_document(write("a.md", text)).title == "Rules of leave"

    def test_the_path_is_absolute_and_keeps_its_links(self, write, tmp_path, monkeypatch):
        write("v1/a.txt")
        (tmp_path / "current").symlink_to("v1")
        monkeypatch.chdir(tmp_path)
        [document] = load_documents("current/a.txt")
        assert document.path == tmp_path / "current" / "a.txt"

    @pytest.mark.parametrize("name", ["a.TXT", "a.text", "a.Md", "a.markdown"])
    def test_suffixes_are_read_in_upper_and_lower_case(self, write, name):
        assert load_document(write(name)).text == "Leave is paid."

    @pytest.mark.parametrize("content", [b"", b" \n\t\r\n ", b"\xef\xbb\xbf", b"\xff\xfe"])
    def test_a_file_without_words_is_refused(self, write, content):
        with pytest.raises(UnreadableDocumentError, match=r"a\.txt: holds no words; leave it out"):
            load_document(write("a.txt", content))

    def test_a_binary_file_is_refused(self, write):
        with pytest.raises(
            UnreadableDocumentError, match=r"a\.txt: is not text in a known encoding; save it as"
        ):
            load_document(write("a.txt", bytes(range(256))))

    @pytest.mark.parametrize(("name", "kind"), [("a.py", r"'\.py'"), ("a", "'without suffix'")])
    def test_an_unknown_kind_is_refused_with_the_known_ones(self, write, name, kind):
        with pytest.raises(
            UnreadableDocumentError, match=rf"{kind} cannot be read, only \.txt, .*; save it as"
        ):
            load_document(write(name))

    def test_a_missing_file_is_refused(self, tmp_path):
        with pytest.raises(
            UnreadableDocumentError, match=r"a\.txt: cannot be read: No such file.*; check its name"
        ):
            load_document(tmp_path / "a.txt")

    def test_a_folder_called_like_a_file_is_refused(self, tmp_path):
        (tmp_path / "x.txt").mkdir()
        with pytest.raises(UnreadableDocumentError, match=r"x\.txt: is not a file"):
            load_document(tmp_path / "x.txt")

    def test_a_pipe_is_refused_rather_than_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "x.txt")
        with pytest.raises(UnreadableDocumentError, match=r"x\.txt: is not a file"):
            load_document(tmp_path / "x.txt")

    def test_a_name_that_is_too_long_is_refused(self, tmp_path):
        with pytest.raises(UnreadableDocumentError, match="File name too long"):
            load_documents(tmp_path / ("x" * 300 + ".txt"))

    @as_user
    def test_a_file_without_permission_is_refused(self, write):
        file = write("a.txt")
        file.chmod(0)
        with pytest.raises(UnreadableDocumentError, match=r"a\.txt: .*Permission denied; check"):
            load_document(file)

    def test_a_file_that_cannot_be_read_has_no_checksum(self, tmp_path):
        assert file_sha256(tmp_path / "a.txt") is None


class TestFolders:
    def test_a_folder_is_searched_through_and_its_ids_are_relative_to_it(self, write, tmp_path):
        for name in ("b.txt", "a/c.md", "a/b/d.txt"):
            write(name)
        assert ids(tmp_path) == ["a/b/d.txt", "a/c.md", "b.txt"]

    def test_a_single_path_may_be_a_text(self, write, tmp_path):
        write("a.txt")
        assert [document.id for document in load_documents(str(tmp_path))] == ["a.txt"]

    def test_hidden_files_and_files_of_other_kinds_are_passed_over(self, write, tmp_path):
        for name in ("a.txt", ".b.txt", ".git/c.txt", "d.py", "e"):
            write(name)
        assert ids(tmp_path) == ["a.txt"]

    def test_a_hidden_folder_that_is_named_is_searched(self, write, tmp_path):
        write(".notes/a.txt")
        assert ids(tmp_path / ".notes") == ["a.txt"]

    def test_a_folder_called_like_a_file_is_searched(self, write, tmp_path):
        write("x.txt/a.txt")
        assert ids(tmp_path) == ["x.txt/a.txt"]
        assert ids(tmp_path / "x.txt") == ["a.txt"]

    def test_several_paths_share_the_folder_they_have_in_common(self, write, tmp_path):
        write("docs/a/x.txt")
        write("docs/b/x.txt")
        write("docs/b/y.txt")
        docs = tmp_path / "docs"
        assert ids(docs / "a", docs / "b" / "x.txt") == ["a/x.txt", "b/x.txt"]

    def test_the_same_file_by_two_paths_is_loaded_once(self, write, tmp_path, monkeypatch):
        file = write("docs/a.txt")
        monkeypatch.chdir(tmp_path)
        assert ids(file, "docs/a.txt", "docs/../docs/a.txt", "docs") == ["a.txt"]

    def test_a_link_to_a_file_is_not_loaded_beside_the_file(self, write, tmp_path):
        (tmp_path / "b.txt").symlink_to(write("a.txt"))
        assert ids(tmp_path) == ["a.txt"]

    def test_a_link_to_a_file_outside_keeps_its_place_in_the_folder(self, write, tmp_path):
        write("docs/a.txt")
        (tmp_path / "docs" / "b.txt").symlink_to(write("elsewhere/c.txt", "Pay"))
        assert ids(tmp_path / "docs") == ["a.txt", "b.txt"]

    def test_a_folder_may_be_named_by_a_link(self, write, tmp_path):
        write("v1/sub/a.txt")
        (tmp_path / "current").symlink_to("v1")
        assert ids(tmp_path / "current") == ["sub/a.txt"]

    def test_a_link_to_the_folder_above_does_not_loop(self, write, tmp_path):
        write("a.txt")
        (tmp_path / "up").symlink_to(tmp_path)
        assert ids(tmp_path) == ["a.txt"]

    def test_a_broken_link_is_refused_by_its_own_name(self, write, tmp_path):
        write("a.txt")
        (tmp_path / "b.txt").symlink_to("nowhere.txt")
        with pytest.raises(UnreadableDocumentError, match=r"b\.txt: cannot be read: No such file"):
            load_documents(tmp_path)

    def test_a_link_to_itself_is_refused(self, tmp_path):
        (tmp_path / "b.txt").symlink_to("b.txt")
        for path in (tmp_path, tmp_path / "b.txt"):
            with pytest.raises(UnreadableDocumentError, match=r"b\.txt: cannot be read: Too many"):
                load_documents(path)

    def test_a_socket_in_a_folder_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as endpoint:
            endpoint.bind("s.txt")
            with pytest.raises(UnreadableDocumentError, match=r"s\.txt: is not a file"):
                load_documents(tmp_path)

    def test_a_missing_path_is_refused(self, write, tmp_path):
        with pytest.raises(
            UnreadableDocumentError, match=r"nope: no such file or folder; check the name"
        ):
            load_documents([write("a.txt"), tmp_path / "nope"])

    def test_a_folder_without_documents_is_refused_with_the_known_kinds(self, write, tmp_path):
        write("a.py")
        with pytest.raises(
            UnreadableDocumentError, match=r"no documents found; expected files ending in \.txt"
        ):
            load_documents(tmp_path)

    def test_a_file_of_another_kind_is_refused_where_it_was_named(self, write):
        with pytest.raises(UnreadableDocumentError, match=r"'\.py' cannot be read"):
            load_documents(write("a.py"))

    @as_user
    @pytest.mark.parametrize("place", ["", "sub"])
    def test_a_folder_without_permission_is_refused(self, write, tmp_path, place):
        write("docs/a.txt")
        write("docs/sub/b.txt")
        closed = tmp_path / "docs" / place
        closed.chmod(0)
        try:
            with pytest.raises(UnreadableDocumentError, match="Permission denied; check"):
                load_documents(tmp_path / "docs")
        finally:
            closed.chmod(0o700)

    @as_user
    def test_a_file_in_a_folder_without_permission_is_refused(self, write, tmp_path):
        file = write("docs/a.txt")
        file.parent.chmod(0)
        try:
            with pytest.raises(UnreadableDocumentError, match="Permission denied; check"):
                load_documents(file)
        finally:
            file.parent.chmod(0o700)

    def test_a_folder_that_vanishes_while_it_is_searched_is_refused(self, write, tmp_path):
        from corpus.loaders import _files

        write("a/x.txt")
        write("b/y.txt")
        found = _files(tmp_path)
        next(found)
        (tmp_path / "b" / "y.txt").unlink()
        (tmp_path / "b").rmdir()
        [error] = found
        assert re.search("/b: cannot be read: No such file", str(error))


def test_each_message_is_one_line(write, tmp_path):
    paths = [write("a.txt", b""), write("b.txt", b"\0\1\2"), write("c.py"), tmp_path / "d.txt"]
    for path in paths:
        with pytest.raises(ObserverError, match=r"^[^\n]+$") as raised:
            load_documents(path)
        assert str(raised.value).startswith(f"{path}: ")


def test_the_shipped_documents_are_found_beside_their_loader():
    assert (shipped_documents() / "silent-observer.txt").is_file()
