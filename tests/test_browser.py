"""The web chat in a real Chromium."""

import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FilePayload,
    Page,
    Route,
    expect,
)

from tests.test_uploads import make_pdf, make_zip
from tests.web_page import (
    LOW_CONTRAST,
    NAMELESS,
    ask,
    is_in_view,
    open_page,
    overflow,
    rows,
    start,
)
from tests.web_stub import HOSTILE, LETTER, SECOND_FILE, StubBot, free_port, stub_bot

# Gradio makes event loops that it never closes; they surface when they are collected.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def feedback_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser") / "feedback.jsonl"


@pytest.fixture(scope="module")
def url(feedback_path: Path) -> Iterator[str]:
    app, url = start(free_port(), feedback_path)
    yield url
    app.close(verbose=False)
    del app
    gc.collect()


@pytest.fixture(scope="module")
def shelf_url(feedback_path: Path) -> Iterator[str]:
    """Serve a letter and a long book."""
    app, url = start(free_port(), feedback_path, LETTER, SECOND_FILE)
    yield url
    app.close(verbose=False)


@pytest.fixture(scope="module")
def shared_context(browser: Browser) -> Iterator[BrowserContext]:
    """One for most tests: it keeps what it loaded of Gradio."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def new_page(shared_context: BrowserContext) -> Iterator[Callable[[], Page]]:
    """Open pages that start without history and fail the test on an error in their scripts."""
    pages: list[Page] = []
    errors: list[str] = []

    def opened() -> Page:
        page = shared_context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.wait_for_function("!document.querySelector('.busy')")
        page.evaluate("localStorage.clear(), sessionStorage.clear()")
        page.close()
    assert errors == []


@pytest.fixture
def page(new_page: Callable[[], Page], url: str) -> Page:
    page = new_page()
    open_page(page, url)
    return page


expect.set_options(timeout=30_000)


class TestAsking:
    def test_an_answer_is_cited_and_its_quote_marked_in_the_document(self, page):
        ask(page, "Who is the captain?")
        expect(page.locator(".words")).to_contain_text("Sok Dara")
        expect(page.locator(".confidence")).to_have_text("Very likely")
        expect(page.locator("#text mark")).to_have_text("Sok Dara")
        expect(page.locator("#text .cited")).to_have_attribute("data-number", "2")

    def test_offsets_count_characters_beyond_the_basic_plane_once(self, page):
        ask(page, "How many passengers?")
        expect(page.locator("#text mark")).to_have_text("forty passengers")

    def test_an_example_question_is_asked_and_the_next_ones_follow(self, page):
        page.get_by_role("button", name="Who is the captain?").click()
        expect(page.locator(".words")).to_contain_text("Sok Dara")
        expect(page.locator("#welcome")).to_be_hidden()
        page.get_by_role("button", name="Where did he mend nets?").click()
        expect(page.locator(".words").nth(1)).to_contain_text("Kep")

    def test_a_follow_up_is_shown_as_it_was_searched(self, page):
        ask(page, "Who is the captain?")
        ask(page, "Where did he mend nets?")
        expect(page.locator(".searched")).to_contain_text("Where did Sok Dara mend nets?")

    def test_an_abstention_shows_why_and_what_came_nearest(self, page):
        ask(page, "How deep is the sea?")
        expect(page.locator(".words")).to_have_text("The document does not say.")
        expect(page.locator(".note")).to_contain_text("none names what you ask")
        page.get_by_role("link", name="paragraph 3").click()
        expect(page.locator(".passage.near")).to_have_attribute("data-number", "3")

    def test_status_is_shown_and_announced_while_it_reads(self, page):
        page.get_by_label("Your question").fill("slowly, who is the captain?")
        page.get_by_label("Your question").press("Enter")
        expect(page.locator(".reading-now")).to_be_visible()
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        expect(page.locator("#announcement")).to_contain_text("Sok Dara")

    def test_a_question_can_be_stopped_and_comes_back_into_the_box(self, page):
        page.get_by_label("Your question").fill("slowly, who is the captain?")
        page.get_by_label("Your question").press("Enter")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_label("Your question")).to_have_value("slowly, who is the captain?")
        expect(page.locator(".turn")).to_have_count(0)

    def test_a_question_asked_before_the_page_has_begun_is_answered_then(self, new_page, url):
        page = new_page()
        held: list[Route] = []
        page.route("**/run/start", lambda route: held.append(route))
        page.goto(url)
        page.get_by_label("Your question").fill("Who is the captain?")
        page.get_by_label("Your question").press("Enter")
        expect(page.locator(".turn")).to_have_count(0)
        held[0].continue_()
        expect(page.locator(".answer")).to_contain_text("Sok Dara")

    def test_markup_in_questions_and_documents_stays_text(self, page):
        ask(page, "Which tag? <img src=x onerror='window.hacked=1'> **bold** $x$")
        expect(page.locator("#text")).to_contain_text(HOSTILE)
        expect(page.locator(".question")).to_contain_text("<img src=x onerror='window.hacked=1'>")
        expect(page.locator(".words")).to_contain_text("<script>window.hacked = true</script>")
        assert page.evaluate("window.hacked") is None
        assert (
            page.locator(
                "#observer :is(img:not(#page-image), b, strong, .katex, .answer script)"
            ).count()
            == 0
        )

    def test_no_request_leaves_the_machine(self, new_page, url):
        page = new_page()
        hosts = set()
        page.on("request", lambda request: hosts.add(urlparse(request.url).hostname))
        open_page(page, url)
        ask(page, "Who is the captain?")
        page.wait_for_load_state("networkidle")
        assert hosts <= {"127.0.0.1", None}


class TestQuestionBox:
    def test_an_empty_question_does_nothing(self, page):
        page.get_by_label("Your question").press("Enter")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator(".turn")).to_have_count(0)

    def test_shift_enter_makes_a_new_line(self, page):
        box = page.get_by_label("Your question")
        box.fill("Who is")
        box.press("Shift+Enter")
        box.press_sequentially("the captain?")
        expect(box).to_have_value("Who is\nthe captain?")
        box.press("Enter")
        expect(page.locator(".question")).to_have_text("Who is\nthe captain?")

    def test_a_long_question_is_answered_and_the_box_stays_usable(self, page):
        ask(page, "Who is the captain? " + "x" * 10_000)
        expect(page.locator(".words")).to_contain_text("Sok Dara")
        assert overflow(page) == 0
        assert is_in_view(page, "#question")

    def test_an_endless_question_is_refused_with_its_length(self, page):
        page.get_by_label("Your question").fill("x" * 20_001)
        page.get_by_label("Your question").press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("20,001 characters")
        expect(page.locator(".turn")).to_have_count(0)
        assert is_in_view(page, "#send")


class TestCitations:
    def test_a_click_scrolls_to_the_quote_and_shows_it(self, new_page, shelf_url):
        page = new_page()
        open_page(page, shelf_url)
        ask(page, "What is the second thing?")
        page.select_option("#document-choice", "letter.txt")
        expect(page.locator("#text mark")).to_have_count(0)
        page.locator(".evidence .cite").click()
        expect(page.locator("#document-choice")).to_have_value("2.txt")
        expect(page.locator("#text mark")).to_have_text("second file")
        expect(page.locator("#text mark")).to_be_focused()
        expect(page.locator("#text mark.flash")).to_be_in_viewport()

    def test_the_enter_key_follows_a_citation(self, page):
        ask(page, "Which tag?")
        page.evaluate("document.querySelector('#document').scrollTop = 0")
        page.locator(".words .cite").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#text mark")).to_be_focused()

    def test_every_control_has_a_name_and_shows_its_focus(self, page):
        ask(page, "Who is the captain?")
        page.get_by_role("button", name="Wrong answer").click()
        assert page.evaluate(NAMELESS) == []
        page.locator("#new-chat").focus()
        page.keyboard.press("Tab")
        focused = "getComputedStyle(document.activeElement)"
        assert page.evaluate("document.activeElement.id") == "library-button"
        assert page.evaluate(f"{focused}.outlineStyle + {focused}.outlineWidth") == "solid2px"


class TestDocuments:
    GARDEN = (
        "The Garden\n\nThe violet orchid flowers in March behind the old boat house by the pier."
    )

    def add(self, page: Page, *files: tuple[str, bytes]) -> None:
        if page.locator("#library-sheet").is_hidden():
            page.get_by_role("button", name="Documents").click()
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Add documents").click()
        payloads: list[FilePayload] = [
            {"name": name, "mimeType": "text/plain", "buffer": data} for name, data in files
        ]
        chooser.value.set_files(payloads)

    def test_an_added_document_is_listed_shown_and_asked(self, page):
        self.add(page, ("garden.txt", self.GARDEN.encode()))
        row = page.locator("#library-list li", has_text="garden.txt")
        expect(row).to_contain_text("85 bytes · 1 passage")
        expect(page.locator("#text")).to_contain_text("violet orchid")
        ask(page, "Which orchid?")
        expect(page.locator(".words")).to_contain_text("violet orchid")
        expect(page.locator(".source")).to_have_text("garden.txt, paragraph 4")
        expect(page.locator("#text mark")).to_have_text("violet orchid")

    def test_a_pdf_shows_the_page_of_a_quote_and_its_text_on_demand(self, page):
        words = "The violet orchid flowers in March behind the old boat house."
        self.add(page, ("garden.pdf", make_pdf("The garden in all its parts.", words)))
        expect(page.locator("#library-list")).to_contain_text("2 pages")
        expect(page.locator("#page-image")).to_have_attribute("alt", "Page 1 of 2 of garden.pdf")
        ask(page, "Which orchid?")
        expect(page.locator(".source")).to_have_text("garden.pdf, page 2")
        marked = "Page 2 of 2 of garden.pdf, the quoted words marked"
        expect(page.locator("#page-image")).to_have_attribute("alt", marked)
        page.get_by_role("button", name="Page before").click()
        expect(page.locator("#page-number")).to_have_value("1")
        page.locator(".words .cite").click()
        expect(page.locator("#page-image")).to_have_attribute("alt", marked)
        expect(page.locator("#page-image")).to_be_focused()
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate(LOW_CONTRAST) == []
        page.get_by_role("button", name="Text", exact=True).click()
        expect(page.locator("#text mark")).to_have_text("violet orchid")
        expect(page.locator("#page-image")).to_be_hidden()

    def test_the_documents_in_a_zip_are_listed_and_asked(self, page):
        data = make_zip(garden_txt=self.GARDEN, in__empty_txt=" ")
        self.add(page, ("more.zip", data))
        names = page.locator("#library-list .document-name")
        expect(names).to_have_text(["letter.txt", "more.zip/garden.txt", "more.zip/in/empty.txt"])
        expect(page.locator("#library-list .failed-document")).to_contain_text("holds no words")
        ask(page, "Which orchid?")
        expect(page.locator(".source")).to_have_text("more.zip/garden.txt, paragraph 4")

    def test_another_version_of_the_index_is_listed_after_the_next_answer(
        self, new_page, feedback_path
    ):
        app, url = start(free_port(), feedback_path)
        page = new_page()
        open_page(page, url)
        self.add(page, ("2.txt", self.GARDEN.encode()))
        expect(page.locator("#library-list")).to_contain_text("1 passage")
        bot = app.chat._bot
        assert isinstance(bot, StubBot)
        bot.newer_index = stub_bot(LETTER, "One that came later.").index
        ask(page, "Which orchid?")
        expect(page.locator(".source")).to_have_text("2 (2).txt, paragraph 5")
        names = page.locator("#library-list .document-name")
        expect(names).to_have_text(["letter.txt", "2.txt", "2 (2).txt"])
        app.close(verbose=False)
        del app
        gc.collect()

    def test_a_bad_document_is_one_line_in_the_list_and_the_others_go_on(self, page):
        self.add(
            page,
            ("empty.txt", b" "),
            ("big.txt", b"x" * 1_100_000),
            ("garden.txt", self.GARDEN.encode()),
        )
        for name, words in (
            ("empty.txt", "holds no words; leave it out, or write some"),
            ("big.txt", "is larger than 1 MB; add a part of it"),
            ("garden.txt", "1 passage"),
        ):
            row = page.locator("#library-list li", has=page.get_by_text(name, exact=True))
            expect(row.locator(".facts")).to_contain_text(words)

    def test_a_dropped_file_is_added(self, page):
        page.evaluate(
            """text => {
              const data = new DataTransfer();
              data.items.add(new File([text], "garden.txt", { type: "text/plain" }));
              for (const name of ["dragenter", "dragover", "drop"]) {
                const options = { dataTransfer: data, bubbles: true, cancelable: true };
                document.body.dispatchEvent(new DragEvent(name, options));
              }
            }""",
            self.GARDEN,
        )
        expect(page.locator("#library-list")).to_contain_text("1 passage")
        expect(page.locator("#drop")).to_be_hidden()

    def test_a_document_that_is_not_chosen_is_not_asked(self, page):
        self.add(page, ("garden.txt", self.GARDEN.encode()))
        page.get_by_role("checkbox", name="letter.txt").uncheck()
        expect(page.locator("#library-count")).to_have_text("1 of 2")
        ask(page, "Which orchid, and who is the captain?")
        expect(page.locator(".words")).to_have_text("violet orchid\u2060[1]")
        page.get_by_role("button", name="Documents").click()
        page.get_by_role("checkbox", name="garden.txt").uncheck()
        page.get_by_label("Your question").fill("Who is the captain?")
        page.get_by_label("Your question").press("Enter")
        expect(page.locator("#complaint")).to_contain_text("No document is chosen")

    def test_a_removed_document_is_shown_and_asked_no_more(self, page):
        self.add(page, ("garden.txt", self.GARDEN.encode()))
        page.get_by_role("button", name="Remove garden.txt").click()
        expect(page.locator("#library-list li")).to_have_count(1)
        expect(page.get_by_role("button", name="Add documents")).to_be_focused()
        expect(page.locator("#text")).to_contain_text("The ferry leaves Kampot")
        ask(page, "Which orchid?")
        expect(page.locator(".words")).to_have_text("The document does not say.")

    def test_documents_stay_when_the_page_is_loaded_again_and_belong_to_its_tab(
        self, page, new_page, url
    ):
        self.add(page, ("garden.txt", self.GARDEN.encode()))
        expect(page.locator("#library-list")).to_contain_text("1 passage")
        ask(page, "Which orchid?")
        page.reload()
        page.wait_for_selector("#observer[data-ready]")
        expect(page.locator(".words")).to_contain_text("violet orchid")
        other = new_page()
        open_page(other, url)
        expect(other.locator("#library-list li")).to_have_count(1)
        ask(other, "Which orchid?")
        expect(other.locator(".words").last).to_have_text("The document does not say.")

    def test_the_list_is_worked_by_keys_and_every_control_has_a_name(self, page):
        self.add(page, ("garden.txt", self.GARDEN.encode()))
        expect(page.locator("#library-list")).to_contain_text("1 passage")
        assert page.evaluate(NAMELESS) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Documents")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("checkbox", name="letter.txt")).to_be_focused()
        page.keyboard.press("Space")
        expect(page.locator("#library-count")).to_have_text("1 of 2")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_list_has_enough_contrast(self, page, scheme):
        page.emulate_media(color_scheme=scheme)
        self.add(page, ("garden.txt", self.GARDEN.encode()), ("empty.txt", b""))
        expect(page.locator("#library-list")).to_contain_text("holds no words")
        page.get_by_role("checkbox", name="letter.txt").uncheck()
        assert page.evaluate(LOW_CONTRAST) == []


class TestTools:
    def test_copy_takes_the_plain_words(self, page):
        ask(page, "Which tag?")
        page.get_by_role("button", name="Copy the answer").click()
        expect(page.locator(".done")).to_have_text("Copied")
        words = page.evaluate("navigator.clipboard.readText()")
        assert words == "<script>window.hacked = true</script>"

    def test_edit_asks_anew_and_drops_what_followed(self, page):
        ask(page, "Who is the captain?")
        ask(page, "How deep is the sea?")
        page.get_by_role("button", name="Edit the question").first.click()
        page.get_by_label("Edited question").fill("When does the ferry leave?")
        page.get_by_label("Edited question").press("Enter")
        expect(page.locator(".words")).to_have_count(1)
        expect(page.locator(".words")).to_contain_text("seven in the morning")

    def test_retry_asks_the_last_question_again(self, page):
        ask(page, "Who is the captain?")
        first = page.locator(".turn").get_attribute("data-id")
        page.get_by_role("button", name="Ask again").click()
        expect(page.locator(f".turn[data-id]:not([data-id='{first}'])")).to_have_count(1)
        expect(page.locator(".turn")).to_have_count(1)

    def test_a_like_becomes_a_row_of_the_question_set(self, page, feedback_path):
        ask(page, "When does the ferry leave?")
        page.get_by_role("button", name="Good answer").click()
        expect(page.locator(".done")).to_contain_text("Noted")
        expect(page.get_by_role("button", name="Good answer")).to_have_attribute(
            "aria-pressed", "true"
        )
        assert rows(feedback_path)[-1]["answers"] == ["seven in the morning"]

    def test_a_dislike_takes_the_right_answer(self, page, feedback_path):
        ask(page, "Who mends nets?")
        page.get_by_role("button", name="Wrong answer").click()
        page.get_by_label("The right answer").fill("Captain Sok Dara")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".done")).to_contain_text("Noted")
        row = rows(feedback_path)[-1]
        assert row["answers"] == ["Captain Sok Dara"]
        assert row["evidence"]

    def test_the_passage_that_is_marked_is_the_evidence_of_the_row(self, page, feedback_path):
        ask(page, "Who steers it?")
        page.get_by_role("button", name="Wrong answer").click()
        choice = page.get_by_role("radio", name="paragraph 2")
        choice.check()
        expect(page.locator("#text mark").first).to_contain_text("Captain Sok Dara has steered")
        expect(choice).to_be_checked()
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".done")).to_contain_text("Noted")
        row = rows(feedback_path)[-1]
        assert row["answers"] is None
        start = LETTER.index("Captain")
        place = {"document": "letter.txt", "start": start, "end": LETTER.index("Kep.") + 4}
        assert row["evidence"] == [place]

    def test_no_passage_is_marked_where_the_document_does_not_say(self, page, feedback_path):
        ask(page, "Who knows the nets of the others?")
        page.get_by_role("button", name="Wrong answer").click()
        page.get_by_role("radio", name="paragraph 3").check()
        page.get_by_label("The document does not say").check()
        expect(page.get_by_role("radio", name="paragraph 3")).to_be_disabled()
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".done")).to_contain_text("Noted")
        assert (rows(feedback_path)[-1]["answers"], rows(feedback_path)[-1]["evidence"]) == ([], [])

    def test_the_chat_is_downloaded_as_markdown_and_json(self, page, tmp_path):
        ask(page, "Who is the captain?")
        for kind, name in (("Markdown", "silent-observer.md"), ("JSON", "silent-observer.json")):
            page.get_by_role("button", name="Download").click()
            with page.expect_download() as download:
                page.get_by_role("button", name=f"Chat as {kind}").click()
            assert download.value.suggested_filename == name
            download.value.save_as(tmp_path / name)
        assert "**Sok Dara**" in (tmp_path / "silent-observer.md").read_text("utf-8")
        turns = json.loads((tmp_path / "silent-observer.json").read_text("utf-8"))["turns"]
        assert [turn["answer"] for turn in turns] == ["Sok Dara"]


class TestHistory:
    def test_chats_survive_a_restart_of_the_server(self, new_page, tmp_path):
        port = free_port()
        app, url = start(port, tmp_path / "feedback.jsonl")
        page = new_page()
        open_page(page, url)
        ask(page, "Who is the captain?")
        app.close(verbose=False)
        app, url = start(port, tmp_path / "feedback.jsonl")
        open_page(page, url)
        expect(page.locator(".words")).to_contain_text("Sok Dara")
        expect(page.locator("#text mark")).to_have_text("Sok Dara")
        app.close(verbose=False)

    def test_a_server_that_is_gone_is_told_and_the_question_kept(self, new_page, tmp_path):
        app, url = start(free_port(), tmp_path / "feedback.jsonl")
        page = new_page()
        open_page(page, url)
        app.close(verbose=False)
        page.get_by_label("Your question").fill("Who is the captain?")
        page.get_by_label("Your question").press("Enter")
        expect(page.locator(".failure")).to_contain_text("Is it still running?")
        expect(page.locator(".question")).to_have_text("Who is the captain?")

    def test_a_new_chat_keeps_the_old_one_and_clear_forgets_all(self, page):
        ask(page, "Who is the captain?")
        page.get_by_role("button", name="New chat").click()
        expect(page.locator("#welcome")).to_be_visible()
        page.get_by_role("button", name="History").click()
        page.locator("#chat-list").get_by_role("button", name="Who is the captain?").click()
        expect(page.locator(".words")).to_contain_text("Sok Dara")
        page.get_by_role("button", name="History").click()
        page.get_by_role("button", name="Clear history").click()
        expect(page.locator("#welcome")).to_be_visible()
        page.reload()
        page.wait_for_selector("#observer[data-ready]")
        expect(page.locator(".turn")).to_have_count(0)


class TestDisplay:
    @pytest.fixture
    def open_in(self, browser: Browser, url: str) -> Iterator[Callable[..., Page]]:
        contexts = []

        def opened(query: str = "", **options: Any) -> Page:
            context = browser.new_context(**options)
            contexts.append(context)
            page = context.new_page()
            open_page(page, url + query)
            return page

        yield opened
        for context in contexts:
            context.close()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_systems_colours_are_followed_with_enough_contrast(self, open_in, scheme):
        page = open_in(color_scheme=scheme)
        assert page.evaluate(LOW_CONTRAST) == []
        ask(page, "Who is the captain?")
        ask(page, "How deep is the sea?")
        ask(page, "Who is the captain, and when does he leave?")
        page.get_by_role("button", name="Wrong answer").last.click()
        page.get_by_role("radio", name="paragraph 2").check()
        page.get_by_role("button", name="History").click()
        assert page.evaluate(LOW_CONTRAST) == []
        assert page.evaluate(NAMELESS) == []
        background = page.evaluate("getComputedStyle(document.querySelector('#chat')).color")
        assert (background == "rgb(236, 230, 218)") is (scheme == "dark")

    def test_the_button_changes_the_colours_for_good(self, open_in):
        page = open_in()
        button = page.get_by_role("button", name="Dark mode")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        page.reload()
        expect(button).to_have_attribute("aria-pressed", "true")

    def test_the_address_can_ask_for_dark_mode(self, open_in):
        page = open_in("?__theme=dark")
        expect(page.get_by_role("button", name="Dark mode")).to_have_attribute(
            "aria-pressed", "true"
        )

    def test_wide_windows_have_chat_and_document_side_by_side_at_full_height(self, open_in):
        page = open_in(viewport={"width": 1280, "height": 800})
        chat, document = (page.locator(id_).bounding_box() for id_ in ("#chat", "#document"))
        assert chat["x"] + chat["width"] <= document["x"]
        assert document["y"] + document["height"] == 800

    def test_on_a_phone_the_document_follows_and_a_citation_leads_there_and_back(self, open_in):
        page = open_in(viewport={"width": 390, "height": 844}, has_touch=True)
        ask(page, "Which tag?")
        chat, document = (page.locator(id_).bounding_box() for id_ in ("#chat", "#document"))
        assert chat["y"] + chat["height"] <= document["y"]
        assert overflow(page) == 0
        page.locator(".words .cite").click()
        expect(page.locator("#text mark")).to_be_in_viewport()
        assert is_in_view(page, "#question")
        page.get_by_role("button", name="Back to the answer").click()
        expect(page.locator(".words .cite")).to_be_in_viewport()
