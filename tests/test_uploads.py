"""The documents of one session, without a browser."""

import asyncio
import stat
import time
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from html import unescape
from io import BytesIO

import pytest
from PIL import Image, ImageChops

from bot.library import Library
from bot.pipeline import find_documents
from bot.upload import Upload, UploadSettings, safe_name
from bot.uploads import Libraries
from bot.web.feedback import FeedbackFile
from bot.web.service import WebChat
from corpus import Document, load_document
from corpus.documents import Mark
from corpus.errors import QuestionFormatError, SettingsError, UnreadableDocumentError
from corpus.formats.pdf_page import Words, find_words, page_image, page_of, words_on
from tests.conftest import KeywordEncoder
from tests.web_stub import LETTER, StubBot, StubIndex, stub_bot

GARDEN = "The violet orchid flowers in March behind the old boat house, when the rains are over."


@pytest.fixture
def settings(tmp_path):
    return UploadSettings(max_bytes=1000, max_documents=2, folder=tmp_path / "uploads")


@pytest.fixture
def library(tmp_path, settings):
    (tmp_path / "uploads").mkdir()
    return Library(tmp_path / "uploads" / "one", KeywordEncoder("orchid", "ferry"), settings)


@pytest.fixture
def libraries(settings):
    libraries = Libraries(KeywordEncoder("orchid", "ferry"), settings)
    yield libraries
    libraries.close()


def receive(library: Library, name: str, data: bytes, taken=()) -> Upload:
    return asyncio.run(library.receive(name, _chunks(data), taken))


def add(library: Library, name: str, text: str) -> Upload:
    upload = receive(library, name, text.encode())
    library.process(upload)
    return upload


def add_and_wait(libraries: Libraries, library: Library, name: str, text: str) -> Upload:
    upload = asyncio.run(libraries.add(library, name, _chunks(text.encode())))
    for _ in range(500):
        if upload.state in {"ready", "failed"}:
            return upload
        time.sleep(0.01)
    raise AssertionError(upload.state)


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for first in range(0, len(data), 100):
        yield data[first : first + 100]


class TestLibrary:
    def test_an_added_document_is_found_by_its_words(self, library):
        upload = add(library, "garden.txt", GARDEN)
        assert (upload.state, upload.progress, len(upload.passages)) == ("ready", 1.0, 1)
        [hit] = library.index.search("When does the orchid flower?", 1)
        assert hit.passage.document_id == "garden.txt"

    def test_its_folder_and_files_are_the_servers_own(self, library):
        upload = add(library, "../../garden.txt", GARDEN)
        assert upload.id == "garden.txt"
        assert upload.file == library.folder / "1.txt"
        assert stat.S_IMODE(library.folder.stat().st_mode) == 0o700

    def test_a_name_that_is_taken_gets_a_number(self, library):
        add(library, "garden.txt", GARDEN)
        assert receive(library, "garden.txt", b"x", {"garden (2).txt"}).id == "garden (3).txt"

    def test_a_bad_document_is_told_by_its_own_name_and_the_others_go_on(self, library):
        bad = add(library, "empty.txt", " \n ")
        good = add(library, "garden.txt", GARDEN)
        assert bad.state == "failed"
        assert bad.problem == "empty.txt: holds no words; leave it out, or write some"
        assert not bad.file.exists()
        assert good.state == "ready"

    def test_an_encoder_that_fails_spoils_only_that_document(self, library, monkeypatch):
        monkeypatch.setattr(KeywordEncoder, "encode_passages", lambda *_: 1 / 0)
        upload = add(library, "garden.txt", GARDEN)
        assert upload.problem == "garden.txt: cannot be read (ZeroDivisionError)"

    def test_a_document_that_is_too_large_leaves_nothing(self, library):
        with pytest.raises(UnreadableDocumentError, match=r"big.txt: is larger than 0 MB; add a p"):
            receive(library, "big.txt", b"x" * 1001)
        assert library.uploads() == []
        assert list(library.folder.iterdir()) == []

    def test_one_document_too_many_is_refused_and_failed_ones_do_not_count(self, library):
        add(library, "empty.txt", "")
        add(library, "a.txt", GARDEN)
        add(library, "b.txt", GARDEN)
        with pytest.raises(UnreadableDocumentError, match=r"c.txt: there are 2 documents already"):
            receive(library, "c.txt", b"x")
        library.remove("a.txt")
        assert receive(library, "c.txt", b"x").id == "c.txt"

    def test_only_so_many_failures_are_kept(self, library):
        for number in range(9):
            add(library, f"{number}.txt", "")
        assert [upload.id for upload in library.uploads()] == ["6.txt", "7.txt", "8.txt"]

    def test_a_document_with_too_many_passages_is_refused(self, tmp_path):
        settings = UploadSettings(max_passages=1, folder=tmp_path)
        library = Library(tmp_path / "one", KeywordEncoder(), settings)
        upload = add(library, "long.txt", f"{GARDEN}\n\n{GARDEN}")
        assert upload.problem.startswith("long.txt: is too long, 2 passages of 1")

    def test_a_removed_document_is_found_no_more_and_its_file_is_gone(self, library):
        upload = add(library, "garden.txt", GARDEN)
        add(library, "ferry.txt", "The ferry leaves Kampot at seven in the morning, every day.")
        library.remove("garden.txt")
        assert list(library.index.documents) == ["ferry.txt"]
        assert not upload.file.exists()
        library.remove("ferry.txt")
        assert library.index is None

    def test_a_document_that_is_removed_while_it_is_indexed_does_not_come_back(self, library):
        upload = receive(library, "garden.txt", GARDEN.encode())

        class Removing(KeywordEncoder):
            def encode_passages(self, texts):
                library.remove("garden.txt")
                return self.encode_queries(texts)

        library._encoder = Removing("orchid", "ferry")
        library.process(upload)
        assert library.uploads() == []
        assert library.index is None


def make_zip(**members: str) -> bytes:
    """Pack texts under their names; two underscores stand for a slash, one for a dot."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return stream.getvalue()


class TestArchives:
    def pack(self, library: Library, **members: str) -> Upload:
        upload = receive(library, "docs.zip", make_zip(**members))
        library.process(upload)
        return upload

    def states(self, library: Library) -> dict[str, str]:
        return {upload.id: upload.state for upload in library.uploads()}

    def test_its_documents_take_the_place_of_an_archive(self, library):
        archive = self.pack(library, a_txt=GARDEN, in__b_md=f"# Ferry\n\n{GARDEN}", c_exe="no")
        assert self.states(library) == {"docs.zip/a.txt": "ready", "docs.zip/in/b.md": "ready"}
        assert [upload.size for upload in library.uploads()] == [86, 95]
        assert not archive.file.exists()
        [hit] = library.index.search("orchid", 1)
        assert hit.passage.document_id == "docs.zip/a.txt"

    def test_one_that_cannot_be_read_is_told_and_the_others_go_on(self, library):
        self.pack(library, a_txt=" ", b_txt=GARDEN)
        assert self.states(library) == {"docs.zip/a.txt": "failed", "docs.zip/b.txt": "ready"}
        assert library.uploads()[0].problem.startswith("docs.zip/a.txt: holds no words")

    def test_its_documents_count(self, library):
        add(library, "garden.txt", GARDEN)
        archive = self.pack(library, a_txt=GARDEN, b_txt=GARDEN)
        assert archive.problem == (
            "docs.zip: holds 2 documents, and 1 may be added; add a part of it"
        )
        assert self.states(library) == {"garden.txt": "ready", "docs.zip": "failed"}
        assert not archive.file.exists()

    def test_what_it_unpacks_to_counts(self, library):
        archive = self.pack(library, a_txt=GARDEN * 7, b_txt=GARDEN * 7)
        assert archive.problem == "docs.zip: unpacks to more than 0 MB; add a part of it"

    def test_a_path_that_leaves_it_is_told(self, library):
        stream = BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("../../a.txt", GARDEN)
        library.process(receive(library, "docs.zip", stream.getvalue()))
        [upload] = library.uploads()
        assert upload.problem.endswith("a.txt: its path leaves the archive; it is left out")

    def test_an_archive_in_it_is_told(self, library):
        stream = BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("inner.zip", make_zip(a_txt=GARDEN))
        library.process(receive(library, "docs.zip", stream.getvalue()))
        [upload] = library.uploads()
        assert upload.problem == (
            "docs.zip/inner.zip: is an archive; unpack it and add the files in it"
        )

    def test_one_without_documents_is_told(self, library):
        assert self.pack(library, a_exe="x").problem == "docs.zip: holds no documents; add some"

    def test_a_damaged_one_is_told(self, library):
        upload = receive(library, "docs.zip", make_zip(a_txt=GARDEN)[:60])
        library.process(upload)
        assert upload.problem == "docs.zip: is a damaged or truncated file; save it anew"

    def test_one_that_is_removed_while_it_waits_does_not_come_back(self, library):
        upload = receive(library, "docs.zip", make_zip(a_txt=GARDEN))
        data = upload.file.read_bytes()
        library.remove("docs.zip")
        upload.file.write_bytes(data)
        library.process(upload)
        assert library.uploads() == []


class TestPages:
    def test_a_page_is_drawn_with_the_words_marked(self, tmp_path):
        library = Library(tmp_path / "one", KeywordEncoder("heron"), UploadSettings())
        pdf = make_pdf("The first page speaks of a heron.", "On 3 May the heron, a grey one, left.")
        upload = receive(library, "birds.bin.pdf", pdf)
        library.process(upload)
        assert upload.document
        text = upload.document.text
        start = text.rindex("heron")
        page = library.page(upload.id, None, [(start, start + 5)])
        assert (page.number, page.n_pages, page.n_marked) == (2, 2, 1)
        assert 0 < page.top < 0.2
        red, _, blue = Image.open(BytesIO(page.png)).convert("RGB").split()
        # Only a mark has less blue than red.
        assert any(ImageChops.subtract(red, blue).histogram()[100:])
        assert not any(ImageChops.subtract(blue, red).histogram()[20:])
        plain = library.page(upload.id, 1, [(start, start + 5)])
        assert (plain.number, plain.n_marked, plain.top) == (1, 0, 0.0)
        assert library.page(upload.id, 99, []).number == 2
        assert upload.as_json()["n_pages"] == 2

    def test_only_pdfs_of_the_session_have_pages_to_be_seen(self, library):
        upload = add(library, "garden.txt", GARDEN)
        for name in (upload.id, "letter.txt", "../1.pdf"):
            with pytest.raises(UnreadableDocumentError, match="has no pages to be seen"):
                library.page(name, 1, [])

    def test_a_page_that_cannot_be_drawn_is_told(self, tmp_path):
        with pytest.raises(UnreadableDocumentError, match="page 1 cannot be drawn; read its text"):
            page_image(tmp_path / "none.pdf", 1, [])

    @pytest.fixture
    def own(self, tmp_path, libraries):
        """A chat over an index that was built from `docs`, with PDFs in it and beside it."""
        docs = tmp_path / "docs"
        docs.mkdir()
        for file in (docs / "birds.pdf", tmp_path / "secret.pdf"):
            file.write_bytes(make_pdf("The heron is a grey bird, tall and slow, of the river."))
        (docs / "link.pdf").symlink_to(tmp_path / "secret.pdf")
        (docs / "birds.txt").write_text(GARDEN)
        documents = {
            file.name: load_document(file) for file in (*docs.iterdir(), tmp_path / "secret.pdf")
        }
        index = StubIndex(documents, [], sources=[docs])
        return WebChat(
            StubBot(index), feedback_file=FeedbackFile(tmp_path / "f.jsonl"), libraries=libraries
        )

    def test_pages_of_the_indexs_own_pdfs_are_drawn(self, own):
        start = own.view.documents["birds.pdf"].text.index("heron")
        for secret in ("", own.open_library()):
            page = own.page("birds.pdf", None, [[start, start + 5]], secret)
            assert (page["number"], page["n_pages"], page["n_marked"]) == (1, 1, 1)
        listed = {entry["id"]: entry for entry in own.start()["documents"]}
        assert (listed["birds.pdf"]["has_images"], listed["birds.pdf"]["n_pages"]) == (True, 1)

    @pytest.mark.parametrize("name", ["birds.txt", "link.pdf", "secret.pdf", "../secret.pdf", "x"])
    def test_no_other_file_is_opened(self, own, name):
        assert not any(
            entry["has_images"] for entry in own.start()["documents"] if entry["id"] == name
        )
        with pytest.raises(UnreadableDocumentError, match="has no pages to be seen"):
            own.page(name, 1, [], "")

    def test_a_pdf_that_changed_since_it_was_indexed_is_told(self, own, tmp_path):
        (tmp_path / "docs" / "birds.pdf").write_bytes(make_pdf("Another bird."))
        with pytest.raises(
            UnreadableDocumentError, match=r"birds.pdf: has changed since it was indexed; run obse"
        ):
            own.page("birds.pdf", 1, [], "")

    @pytest.mark.parametrize("places", [None, [1], [["a", 2]], [[1, 2, 3]]])
    def test_malformed_places_are_refused(self, libraries, tmp_path, places):
        chat = WebChat(
            stub_bot(), feedback_file=FeedbackFile(tmp_path / "f.jsonl"), libraries=libraries
        )
        with pytest.raises(QuestionFormatError, match="expected a list of pairs of offsets"):
            chat.page("a.pdf", 1, places, chat.open_library())

    @pytest.mark.parametrize(
        ("words", "start"),
        [
            (Words("heron", before="a grey "), 5),
            (Words("heron", after=" left"), 15),
            (Words("HE-\nRON"), 5),
            (Words("stork"), -1),
            (Words(" . "), -1),
        ],
    )
    def test_words_are_found_by_what_stands_around_them(self, words, start):
        assert find_words("agreyheronredheronleft".replace("red", "fiver"), words) == start

    def test_words_over_two_pages_are_parted(self):
        marks = (Mark(0, "page", "1"), Mark(6, "page", "2"))
        document = replace(Document.from_text("a.pdf", "one he ron two"), marks=marks)
        assert [words.text for words in words_on(document, 1, [(4, 10)])] == ["he"]
        assert [words.text for words in words_on(document, 2, [(4, 10)])] == [" ron"]
        assert page_of(document, 5) == 1
        assert page_of(document, 6) == 2


def make_pdf(*pages: str) -> bytes:
    """Make a PDF with a line of text on each page."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    objects.append("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    kids = []
    for text in pages:
        stream = f"BT /F1 14 Tf 72 720 Td ({text}) Tj ET"
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {len(objects)} 0 R"
            "/Resources<</Font<</F1 3 0 R>>>>>>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    body = "".join(f"{n} 0 obj\n{object_}\nendobj\n" for n, object_ in enumerate(objects, 1))
    # Readers rebuild a table of objects that is missing.
    return f"%PDF-1.4\n{body}trailer<</Root 1 0 R/Size {len(objects) + 1}>>\n%%EOF".encode()


class TestNames:
    @pytest.mark.parametrize(
        ("name", "safe"),
        [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Users\ann\report.pdf", "report.pdf"),
            ("..", "document"),
            ("", "document"),
            (".hidden", "hidden"),
            ("a\r\nb\x00\x1b[2J.txt", "a b[2J.txt"),
            ("gpj.\u202etxt", "gpj.txt"),
            ("របាយការណ៍.txt", "របាយការណ៍.txt"),
            ("x" * 500 + ".txt", "x" * 96 + ".txt"),
            ("<b>.txt", "<b>.txt"),
        ],
    )
    def test_a_name_is_one_line_without_a_path(self, name, safe):
        assert safe_name(name) == safe


class TestLibraries:
    def test_two_sessions_never_see_each_others_documents(self, libraries, tmp_path):
        chat = WebChat(
            stub_bot(), feedback_file=FeedbackFile(tmp_path / "f.jsonl"), libraries=libraries
        )
        ann, bob = chat.open_library(), chat.open_library()
        add_and_wait(libraries, libraries.find(ann), "garden.txt", GARDEN)
        assert "violet orchid" in chat.take_turn("Which orchid?", [], None, ann)["html"]
        assert [entry["id"] for entry in chat.library(ann) or ()] == ["garden.txt"]
        for other in (bob, ""):
            assert "violet orchid" not in chat.take_turn("Which orchid?", [], None, other)["html"]
            with pytest.raises(QuestionFormatError, match=r"'garden.txt': no such document"):
                chat.document("garden.txt", other)
            assert not chat.library(other)
        turn = chat.take_turn("Which orchid?", [], None, ann)["turn"]
        assert chat.restore([turn], bob) == [""]
        chat.remove(bob, "garden.txt")
        assert chat.library(ann)

    def test_a_session_asks_its_own_documents_the_servers_or_both(self, libraries, tmp_path):
        chat = WebChat(
            stub_bot(), feedback_file=FeedbackFile(tmp_path / "f.jsonl"), libraries=libraries
        )
        secret = chat.open_library()
        add_and_wait(libraries, libraries.find(secret), "garden.txt", GARDEN)
        question = "Which orchid, and who is the captain?"
        for documents, words in (
            (None, "Sok Dara violet orchid"),
            (["garden.txt"], "violet orchid"),
            (["letter.txt"], "Sok Dara"),
        ):
            turn = chat.take_turn(question, [], documents, secret)["turn"]
            assert turn["record"]["answer"] == words

    def test_feedback_keeps_no_words_of_a_visitors_documents(self, libraries, tmp_path):
        path = tmp_path / "f.jsonl"
        chat = WebChat(stub_bot(), feedback_file=FeedbackFile(path), libraries=libraries)
        secret = chat.open_library()
        add_and_wait(libraries, libraries.find(secret), "garden.txt", GARDEN)
        turn = chat.take_turn("Which orchid?", [], None, secret)["turn"]
        assert chat.give_feedback(turn, "liked", None, secret).startswith("Not kept")
        assert not path.exists()

    def test_a_document_of_the_server_keeps_its_name(self, libraries):
        library = libraries.find(libraries.open())
        upload = asyncio.run(libraries.add(library, "letter.txt", _chunks(b"x"), {"letter.txt"}))
        assert upload.id == "letter (2).txt"

    def test_a_document_gives_way_to_one_of_the_server_that_comes_later(self, libraries, tmp_path):
        bot = stub_bot()
        chat = WebChat(bot, feedback_file=FeedbackFile(tmp_path / "f.jsonl"), libraries=libraries)
        secret = chat.open_library()
        add_and_wait(libraries, libraries.find(secret), "2.txt", GARDEN)
        assert "violet orchid" in chat.take_turn("Which orchid?", [], None, secret)["html"]
        bot.newer_index = stub_bot(LETTER, "The server's own.").index
        turn = chat.take_turn("Which orchid?", [], ["2 (2).txt"], secret)["turn"]
        assert turn["record"]["citations"][0]["document"] == "2 (2).txt"
        assert [entry["id"] for entry in chat.library(secret) or ()] == ["2 (2).txt"]
        assert "The server's own." in unescape(chat.document("2.txt", secret))
        assert "violet orchid" in chat.document("2 (2).txt", secret)

    def test_a_document_that_is_renamed_while_it_is_indexed_keeps_the_new_name(self, library):
        upload = receive(library, "garden.txt", GARDEN.encode())

        class Renaming(KeywordEncoder):
            def encode_passages(self, texts):
                library.keep_apart({"garden.txt"})
                return self.encode_queries(texts)

        library._encoder = Renaming("orchid", "ferry")
        library.process(upload)
        assert list(library.index.documents) == ["garden (2).txt"]
        assert library.index.passages[0].document_id == "garden (2).txt"

    def test_a_document_that_is_gone_is_told_with_what_to_do(self, libraries, tmp_path):
        bot = stub_bot(LETTER, "The server's own.")
        chat = WebChat(bot, feedback_file=FeedbackFile(tmp_path / "f.jsonl"), libraries=libraries)
        secret = chat.open_library()
        add_and_wait(libraries, libraries.find(secret), "garden.txt", GARDEN)
        chat.remove(secret, "garden.txt")
        with pytest.raises(QuestionFormatError, match=r"'garden.txt': was removed since; add it"):
            chat.document("garden.txt", secret)
        bot.newer_index = stub_bot(LETTER).index
        chat.take_turn("Who is the captain?", [], None, secret)
        with pytest.raises(
            QuestionFormatError,
            match=r"'2.txt': was removed from the index since; put the file back and run observer",
        ):
            chat.document("2.txt", secret)
        with pytest.raises(QuestionFormatError, match=r"'garden.txt': your documents were deleted"):
            chat.document("garden.txt", "a secret of old")

    def test_unused_documents_are_deleted_after_their_time(self, libraries, settings):
        secret = libraries.open()
        library = libraries.find(secret)
        add_and_wait(libraries, library, "garden.txt", GARDEN)
        now = time.monotonic()
        libraries.expire(now + 60 * settings.minutes - 10)
        assert library.folder.exists()
        libraries.expire(now + 60 * settings.minutes + 10)
        assert not library.folder.exists()
        assert libraries.find(secret) is None

    def test_documents_of_a_page_that_was_left_are_deleted_unless_it_comes_back(self, libraries):
        stays, goes = libraries.open(), libraries.open()
        for secret in (stays, goes):
            libraries.leave(secret)
        libraries.find(stays)
        libraries.expire(time.monotonic() + 61)
        assert libraries.find(stays)
        assert libraries.find(goes) is None

    def test_a_thread_deletes_what_is_over(self, tmp_path):
        libraries = Libraries(
            KeywordEncoder(), UploadSettings(minutes=0.0005, folder=tmp_path / "uploads")
        )
        secret = libraries.open()
        for _ in range(500):
            if secret not in libraries._libraries:
                break
            time.sleep(0.01)
        assert secret not in libraries._libraries
        libraries.close()

    def test_the_end_deletes_everything(self, libraries):
        library = libraries.find(libraries.open())
        add_and_wait(libraries, library, "garden.txt", GARDEN)
        libraries.close()
        assert not libraries.folder.exists()

    def test_a_start_deletes_what_a_killed_process_left_and_no_living_ones(
        self, libraries, settings
    ):
        library = libraries.find(libraries.open())
        add_and_wait(libraries, library, "garden.txt", GARDEN)
        left = settings.folder / "killed"
        (left / "session").mkdir(parents=True)
        (left / "session" / "1.txt").write_text("secret")
        later = Libraries(KeywordEncoder(), settings)
        assert not left.exists()
        assert library.folder.exists()
        later.close()

    def test_all_sessions_together_hold_no_more_than_they_may(self, tmp_path):
        settings = UploadSettings(max_bytes=1000, max_total_bytes=1500, folder=tmp_path)
        libraries = Libraries(KeywordEncoder(), settings)
        first, second = (libraries.find(libraries.open()) for _ in range(2))
        assert first
        assert second
        asyncio.run(libraries.add(first, "a.txt", _chunks(b"x" * 600)))
        with pytest.raises(UnreadableDocumentError, match=r"b.txt: the server holds as many"):
            asyncio.run(libraries.add(second, "b.txt", _chunks(b"x")))
        libraries.close()

    def test_a_folder_that_cannot_be_made_is_named(self, tmp_path):
        (tmp_path / "file").write_text("")
        libraries = Libraries(KeywordEncoder(), UploadSettings(folder=tmp_path / "file" / "sub"))
        with pytest.raises(SettingsError, match="sub: cannot be written: Not a directory"):
            libraries.open()
        libraries.close()


class TestChosenDocuments:
    @pytest.fixture
    def documents(self):
        return dict.fromkeys(("2025/report.txt", "2026/report.txt", "letter.txt"))

    def test_they_are_found_by_id_or_by_the_end_of_it(self, documents):
        assert find_documents(documents, ["letter.txt"]) == {"letter.txt"}
        assert find_documents(documents, ["report.txt"]) == {
            "2025/report.txt",
            "2026/report.txt",
        }

    def test_an_unknown_one_is_told_with_the_nearest(self, documents):
        with pytest.raises(SettingsError, match=r"leter.txt: no such document; did you mean 'let"):
            find_documents(documents, ["leter.txt"])
        with pytest.raises(
            SettingsError, match=r"x: no such document; there are 2025/report.txt, 2"
        ):
            find_documents(documents, ["x"])

    def test_none_at_all_are_no_choice(self, documents):
        with pytest.raises(SettingsError, match="choose at least one"):
            find_documents(documents, [])
