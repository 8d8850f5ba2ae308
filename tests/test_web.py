"""The web chat without a browser: what it renders, keeps, exports and serves."""

import asyncio
import gc
import json
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from gradio_client import Client  # type: ignore[import-untyped]
from gradio_client.exceptions import AppError  # type: ignore[import-untyped]

from bot.cli_web import _is_this_machine, web_command
from bot.lint import lint
from bot.questions import load_questions
from bot.web import WebSettings, build_app, serve
from bot.web.document_view import DocumentView
from bot.web.export import chat_as_markdown, escape_markdown
from bot.web.feedback import FeedbackFile
from bot.web.messages import answer_html
from bot.web.server import check_port
from bot.web.service import WebChat
from bot.web.turns import MAX_QUESTION_LENGTH, ChatTurn, parse_history, parse_turn
from corpus.errors import QuestionFormatError, SettingsError
from tests.web_stub import HOSTILE, StubBot, StubSuggester, free_port, stub_bot

# Gradio makes event loops that it never closes; they surface when they are collected.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def collect_loops() -> Iterator[None]:
    """Collect them here, where they are forgiven, and not in another module's test."""
    yield
    asyncio.set_event_loop(None)
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


@pytest.fixture
def bot() -> StubBot:
    return stub_bot()


@pytest.fixture
def view(bot: StubBot) -> DocumentView:
    return DocumentView(bot.index.contents)


@pytest.fixture
def chat(bot: StubBot, tmp_path: Path) -> WebChat:
    file = FeedbackFile(tmp_path / "data" / "feedback.jsonl")
    return WebChat(bot, feedback_file=file, suggester=StubSuggester())


def text_of(html: str) -> str:
    """Read the text content of the HTML under test, which has no < or > inside attributes."""
    pieces = html.split("<")
    return unescape(pieces[0] + "".join(piece.partition(">")[2] for piece in pieces[1:]))


class TestDocumentView:
    def test_the_text_of_a_passage_is_the_passage_character_by_character(self, bot, view):
        sections = view.html("letter.txt").split("</section>")[:-1]
        assert [text_of(section) for section in sections] == [
            passage.text for passage in bot.index.passages
        ]

    def test_passages_are_numbered_over_all_documents(self):
        bot = stub_bot("One\n\nThe first file has this sentence.", "The second file is here.")
        view = DocumentView(bot.index.contents)
        assert 'data-number="1"' in view.html("letter.txt")
        assert f'data-number="{len(bot.index.passages)}"' in view.html("2.txt")
        assert view.passage_number("2.txt", 0) == len(bot.index.passages)

    def test_markup_in_a_document_stays_text(self, view):
        html = view.html("letter.txt")
        assert "<script" not in html
        assert "&lt;script&gt;window.hacked" in html

    def test_the_title_stands_out_and_verses_keep_their_lines(self):
        bot = stub_bot("A Song\n\nRow, row, row\nyour boat,\ngently down the stream, " * 2)
        view = DocumentView(bot.index.contents)
        assert 'class="block headline">A Song' in view.html("letter.txt")
        assert 'class="block lines">Row' in view.html("letter.txt")

    def test_an_unknown_document_is_refused(self, view):
        with pytest.raises(QuestionFormatError, match="no such document"):
            view.html("../secret.txt")


class TestAnswers:
    def test_a_quote_is_marked_inside_its_sentence(self, bot, view):
        html = answer_html(bot.ask("Who is the captain?"), view)
        assert (
            "<blockquote>Captain <mark>Sok Dara</mark> has steered the ferry for eleven years."
            "</blockquote>"
        ) in html
        assert "Very likely" in html
        assert "paragraph 2" in html

    def test_a_citation_names_its_place(self, bot, view):
        html = answer_html(bot.ask("Who is the captain?"), view)
        start = bot.index.documents["letter.txt"].text.index("Sok Dara")
        assert f'data-document="letter.txt" data-start="{start}" data-end="{start + 8}"' in html

    def test_each_quote_of_an_answer_is_numbered(self, bot, view):
        html = answer_html(bot.ask("When does the captain leave?"), view)
        words = text_of(html[: html.index("</p>")]).replace("\u2060", "")
        assert words == "Sok Dara[1] seven in the morning[2]"
        assert text_of(html).count("[2]") == 2

    def test_other_words_that_may_answer_stand_apart_and_numbered_on(self, bot, view):
        [other] = bot.ask("How many passengers?").citations
        answer = replace(bot.ask("Who is the captain?"), alternatives=(other,))
        html = answer_html(answer, view)
        assert "[2]" not in html[: html.index("It may also be:")]
        assert text_of(html[html.index("It may also be:") :]).startswith("It may also be:[2]")
        assert "<mark>forty passengers</mark>" in html
        assert "forty passengers" in chat_as_markdown([ChatTurn.now(answer)], view)
        turn = ChatTurn.now(answer)
        kept = parse_turn(json.loads(json.dumps(turn.as_json())), view.documents)
        assert kept.answer.alternatives == (other,)

    def test_markup_in_a_quote_stays_text(self, bot, view):
        html = answer_html(bot.ask("Which tag?"), view)
        assert "<script" not in html
        assert "<b>" not in html

    def test_an_abstention_says_why_and_shows_what_came_nearest(self, bot, view):
        html = answer_html(bot.ask("How deep is the sea?"), view)
        assert "The document does not say." in html
        assert "none names what you ask" in html
        assert html.count('class="near"') == 3

    def test_several_documents_do_not_say_also_when_the_turn_comes_back(self, bot, view):
        answer = replace(bot.ask("How deep is the sea?"), n_documents=2)
        kept = parse_turn(json.loads(json.dumps(ChatTurn.now(answer).as_json())), view.documents)
        assert "The documents do not say." in answer_html(kept.answer, view)
        assert "**The documents do not say\\.**" in chat_as_markdown([kept], view)

    def test_a_reply_to_a_greeting_is_no_abstention(self, bot, view):
        html = answer_html(bot.ask("hello"), view)
        assert "Hello. Ask about the letter." in html
        assert "does not say" not in html

    def test_a_resolved_follow_up_is_shown(self, bot, view):
        history = parse_history([{"question": "Who is the captain?", "answer": "Sok Dara"}])
        html = answer_html(bot.ask("Where did he mend nets?", history), view)
        assert "searched: <q>Where did Sok Dara mend nets?</q>" in html


class TestTurns:
    def test_a_turn_comes_back_from_the_page_as_it_was(self, bot):
        turn = ChatTurn.now(bot.ask("When does the captain leave?"), ("Why?",))
        kept = json.loads(json.dumps(turn.as_json()))
        assert parse_turn(kept, bot.index.documents).as_json() == turn.as_json()

    @pytest.mark.parametrize(
        "change",
        [
            {"id": "<b>"},
            {"note": None},
            {"record": {"question": "Who?"}},
        ],
    )
    def test_a_malformed_turn_is_refused(self, bot, change):
        kept = ChatTurn.now(bot.ask("Who is the captain?")).as_json() | change
        with pytest.raises(QuestionFormatError, match="malformed or older than the document"):
            parse_turn(kept, bot.index.documents)

    def test_a_quote_that_the_document_lacks_is_refused(self, bot):
        kept = ChatTurn.now(bot.ask("Who is the captain?")).as_json()
        kept["record"]["citations"][0]["quote"] = "Somebody"
        with pytest.raises(QuestionFormatError, match="a quote is not in the document"):
            parse_turn(kept, bot.index.documents)

    def test_restoring_passes_over_turns_the_documents_no_longer_bear_out(self, chat):
        kept = chat.take_turn("Who is the captain?", [])["turn"]
        html, lost = chat.restore([kept, {"id": "old"}])
        assert "Sok Dara" in html
        assert lost == ""

    @pytest.mark.parametrize("history", ["Who?", [1], [{"answer": "x"}], [{"question": 1}]])
    def test_a_malformed_history_is_refused(self, history):
        with pytest.raises(QuestionFormatError, match="expected a list of"):
            parse_history(history)

    @pytest.mark.parametrize(
        ("question", "message"),
        [("", "is empty"), (" \n", "is empty"), ("a" * (MAX_QUESTION_LENGTH + 1), "20,001")],
    )
    def test_an_empty_or_endless_question_is_refused(self, chat, question, message):
        with pytest.raises(QuestionFormatError, match=message):
            chat.ask(question, None)


class TestAnotherVersionOfTheDocuments:
    def test_the_next_question_is_asked_of_it_and_shown_in_it(self, bot, chat):
        before = chat.take_turn("How many passengers?", [])["key"]
        bot.newer_index = stub_bot("On board\n\nThe old ferry took forty passengers.").index
        after = chat.take_turn("How many passengers?", [])
        assert after["key"] != before
        assert "The old ferry took" in after["html"]
        assert "The old ferry took" in chat.document("letter.txt")

    def test_a_page_that_is_opened_shows_it(self, bot, chat):
        before = chat.start()["key"]
        bot.newer_index = stub_bot("On board\n\nThe old ferry took forty passengers.").index
        assert chat.start()["key"] != before

    def test_a_program_is_answered_from_it(self, bot, chat):
        bot.newer_index = stub_bot("On board\n\nThe old ferry took forty passengers.").index
        [citation] = chat.ask("How many passengers?", [])["citations"]
        assert chat.view.documents["letter.txt"].text[citation["start"] :].startswith("forty")


class TestFeedback:
    def rows(self, chat: WebChat, question: str, *verdict: Any) -> list[dict[str, Any]]:
        turn = chat.take_turn(question, [])["turn"]
        chat.give_feedback(turn, *verdict)
        lines = chat._feedback_file.path.read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def test_a_like_takes_the_answer_as_the_right_one(self, chat, bot):
        (row,) = self.rows(chat, "Who is the captain?", "liked", None)
        start = bot.index.documents["letter.txt"].text.index("Sok Dara")
        assert row["answers"] == ["Sok Dara"]
        assert row["evidence"] == [{"document": "letter.txt", "start": start, "end": start + 8}]

    def test_a_liked_abstention_is_an_unanswerable_question(self, chat):
        (row,) = self.rows(chat, "How deep is the sea?", "liked", None)
        assert row["answers"] == []

    def test_a_right_answer_is_found_in_the_document_whatever_its_case(self, chat, bot):
        (row,) = self.rows(chat, "Who is it?", "disliked", "captain  sok dara")
        (place,) = row["evidence"]
        text = bot.index.documents["letter.txt"].text
        assert text[place["start"] : place["end"]] == "Captain Sok Dara"
        assert row["answers"] == ["captain  sok dara"]

    def test_words_that_the_document_lacks_are_kept_without_a_place(self, chat):
        turn = chat.take_turn("Who is it?", [])["turn"]
        assert "not in the document" in chat.give_feedback(turn, "disliked", "A ghost")

    def test_a_dislike_without_words_leaves_the_question_unscored(self, chat):
        (row,) = self.rows(chat, "Who is the captain?", "disliked", None)
        assert row["answers"] is None
        assert row["bot_answer"] == "Sok Dara"

    def test_the_document_does_not_say(self, chat):
        (row,) = self.rows(chat, "Who is the captain?", "disliked", "")
        assert (row["answers"], row["evidence"]) == ([], [])

    def test_the_file_is_a_question_set(self, chat):
        self.rows(chat, "Who is the captain?", "liked", None)
        self.rows(chat, "How deep is the sea?", "disliked", "")
        self.rows(chat, "Why?", "disliked", None)
        questions = load_questions(chat._feedback_file.path)
        assert [question.answers for question in questions] == [("Sok Dara",), (), None]

    def test_what_the_document_lacks_is_kept_and_not_scored(self, chat):
        (row,) = self.rows(chat, "Who is it?", "disliked", "A ghost")
        assert (row["answers"], row["evidence"], row["correction"]) == (None, [], "A ghost")

    def test_a_right_answer_is_not_found_in_the_middle_of_a_word(self, chat, bot):
        (row,) = self.rows(chat, "Who is it?", "disliked", "ok Dar")
        assert (row["evidence"], row["correction"]) == ([], "ok Dar")

    def test_words_are_looked_for_in_the_passage_that_is_marked(self, bot, chat):
        once = (
            "For many years and in all weathers the ferry of the harbour was steered by Sok Dara."
        )
        bot.newer_index = stub_bot(f"{once}\n\nOthers mended it. {once}").index
        for number, start in enumerate((once.index("Sok"), len(once) + 20 + once.index("Sok"))):
            row = self.rows(chat, "Who?", "disliked", "sok dara", "", number)[-1]
            assert row["answers"] == ["sok dara"]
            assert row["evidence"] == [{"document": "letter.txt", "start": start, "end": start + 8}]

    @pytest.mark.parametrize("words", [None, "a ghost", "the"])
    def test_a_marked_passage_is_evidence_where_its_words_are_not_known(self, chat, bot, words):
        (row,) = self.rows(chat, "Who is it?", "disliked", words, "", 2)
        passage = bot.index.passages[2]
        place = {"document": "letter.txt", "start": passage.start, "end": passage.end}
        assert (row["answers"], row["evidence"]) == (None, [place])
        assert row.get("correction") == words

    def test_of_words_that_do_not_stand_in_the_marked_passage_the_user_is_told(self, chat):
        turn = chat.take_turn("Who is it?", [])["turn"]
        said = chat.give_feedback(turn, "disliked", "forty passengers", "", 2)
        assert said == (
            "Noted, with the passage. Those words do not stand in it, so they are not scored."
        )

    def test_a_marked_passage_is_not_forgotten_for_a_verdict_that_knows_none(self, chat):
        self.rows(chat, "Who is it?", "disliked", None, "", 2)
        (row,) = self.rows(chat, "Who is it?", "disliked", None)
        assert row["evidence"]

    @pytest.mark.parametrize("number", [-1, 99, "1", True])
    def test_a_passage_that_is_not_there_is_refused(self, chat, number):
        with pytest.raises(QuestionFormatError, match="passage: expected the number of a passage"):
            self.rows(chat, "Who is it?", "disliked", None, "", number)

    def test_the_passages_to_choose_from_are_those_of_the_turn_and_text(self, chat, bot):
        taken = chat.take_turn("Which tag?", [])
        choices = taken["html"].split('<template class="choices">')[1]
        assert choices.count("<input") == len(taken["turn"]["record"]["passages"])
        assert "&lt;script&gt;" in choices
        assert "<script" not in choices

    def test_the_last_verdict_on_a_question_stays(self, chat):
        self.rows(chat, "Who is the captain?", "liked", None)
        self.rows(chat, "How deep is the sea?", "liked", None)
        rows = self.rows(chat, "who is the captain", "disliked", "")
        assert [(row["question"], row["answers"]) for row in rows] == [
            ("How deep is the sea?", []),
            ("who is the captain", []),
        ]

    def test_a_verdict_that_knows_nothing_better_replaces_none_that_does(self, chat):
        self.rows(chat, "Who is the captain?", "liked", None)
        (row,) = self.rows(chat, "Who is the captain?", "disliked", None)
        assert row["answers"] == ["Sok Dara"]

    def test_a_row_that_a_person_wrote_stays(self, tmp_path):
        path = tmp_path / "feedback.jsonl"
        path.write_text('{"id": "a", "question": "Who?", "answers": []}\nnotes\n', "utf-8")
        row = {"id": "b", "question": "Who?", "answers": ["Sok Dara"], "feedback": "liked"}
        FeedbackFile(path).append(row)
        FeedbackFile(path).append({**row, "question": "Why?"})
        lines = path.read_text("utf-8").splitlines()
        assert [*map(len, lines[:2])] == [46, 5]
        assert [json.loads(line)["question"] for line in lines[2:]] == ["Why?"]

    def test_lint_accepts_the_file_as_it_is(self, chat, bot):
        for question, *verdict in (
            ("Who is the captain?", "liked", None),
            ("Who is the captain?", "liked", None),
            ("Who is the captain", "disliked", None),
            ("How deep is the sea?", "liked", None),
            ("Who steers it?", "disliked", "captain  sok dara"),
            ("Who steers it?", "disliked", "A ghost"),
            ("Who pays?", "disliked", "a ghost"),
            ("Who swims?", "disliked", "The"),
            ("Who sings?", "disliked", None),
            ("Who sinks?", "disliked", ""),
            ("Who waits?", "disliked", None, "", 1),
            ("Who wins?", "disliked", "Kep", "", 1),
            ("Who mends?", "disliked", "kep", "", 2),
        ):
            turn = chat.take_turn(question, [])["turn"]
            chat.give_feedback(turn, *verdict)
        checked = lint(chat._feedback_file.path, bot.index.documents)
        assert (checked.n_rows, checked.findings) == (10, ())

    def test_lint_accepts_a_file_of_verdicts_that_know_nothing_better(self, chat, bot):
        self.rows(chat, "Who is the captain?", "disliked", None)
        assert lint(chat._feedback_file.path, bot.index.documents).findings == ()

    @pytest.mark.parametrize(
        "verdict", [("adored", None), ("disliked", 7), ("disliked", "x" * 9999)]
    )
    def test_malformed_feedback_is_refused(self, chat, verdict):
        with pytest.raises(QuestionFormatError):
            self.rows(chat, "Who is the captain?", *verdict)

    def test_lines_stay_whole_when_many_write_at_once(self, tmp_path):
        file = FeedbackFile(tmp_path / "feedback.jsonl")
        with ThreadPoolExecutor(8) as pool:
            list(
                pool.map(lambda number: file.append({"id": number, "text": "é" * 5000}), range(64))
            )
        lines = file.path.read_text("utf-8").splitlines()
        assert sorted(json.loads(line)["id"] for line in lines) == list(range(64))

    def test_an_unfinished_last_line_is_ended_first(self, tmp_path):
        path = tmp_path / "feedback.jsonl"
        path.write_text('{"id": "a"}', "utf-8")
        FeedbackFile(path).append({"id": "b"})
        assert path.read_text("utf-8") == '{"id": "a"}\n{"id": "b"}\n'

    def test_a_file_that_cannot_be_written_is_named(self, tmp_path):
        with pytest.raises(SettingsError, match=r"cannot be written: .*--feedback"):
            FeedbackFile(tmp_path).append({})


class TestExport:
    def test_markdown_keeps_the_words_of_the_document_plain(self, chat):
        turns = [
            chat.take_turn(question, [])["turn"] for question in ("Which tag?", "Why?", "hello")
        ]
        markdown = chat.export(turns, "markdown")
        assert "**\\<script\\>window\\.hacked = true\\</script\\>** (very likely)" in markdown
        assert "letter\\.txt, paragraph 3, characters" in markdown
        assert "**The document does not say\\.**" in markdown
        assert "Hello\\. Ask about the letter\\." in markdown

    def test_escaped_markdown_has_no_bare_markup(self):
        assert escape_markdown("# a\n*b* $x$ [c](d)") == r"\# a \*b\* \$x\$ \[c\]\(d\)"

    def test_json_holds_the_answers_as_an_answers_file_does(self, chat):
        turn = chat.take_turn("Who is the captain?", [])["turn"]
        exported = json.loads(chat.export([turn], "json"))
        assert exported["turns"][0]["answer"] == "Sok Dara"
        assert exported["documents"]["letter.txt"]["title"] == "A Letter from the Harbour"

    def test_an_unknown_format_is_refused(self, chat):
        with pytest.raises(QuestionFormatError, match="one of"):
            chat.export([], "pdf")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, StubBot]]:
    bot = stub_bot(delay=0.3)
    path = tmp_path_factory.mktemp("served") / "feedback.jsonl"
    app = build_app(bot, WebSettings(max_queue=4, feedback_path=path))
    url = serve(app, host="127.0.0.1", port=free_port(), sign_in=None, open_browser=False)
    yield url, bot
    app.close(verbose=False)
    del app
    gc.collect()


class TestServer:
    def test_programs_get_the_record_of_an_answer(self, served):
        client = Client(served[0], verbose=False)
        first = client.predict("Who is the captain?", api_name="/ask")
        assert first["answer"] == "Sok Dara"
        assert first["citations"][0]["quote"] == "Sok Dara"
        turn = {key: first[key] for key in ("question", "answer", "query")}
        second = client.predict("Where did he mend nets?", [turn], api_name="/ask")
        assert second["query"] == "Where did Sok Dara mend nets?"

    def test_only_asking_is_public(self, served):
        client = Client(served[0], verbose=False)
        endpoints = client.view_api(return_format="dict")["named_endpoints"]
        assert list(endpoints) == ["/ask"]

    def test_a_programs_mistake_is_told_in_one_line(self, served):
        client = Client(served[0], verbose=False)
        with pytest.raises(AppError, match="the question is empty; type one"):
            client.predict(" ", api_name="/ask")
        with pytest.raises(AppError, match="history: expected a list"):
            client.predict("Who?", "me", api_name="/ask")

    def test_one_question_is_read_at_a_time_and_the_queue_has_an_end(self, served):
        url, bot = served
        client = Client(url, verbose=False)
        bot.most_at_once = 0
        jobs = [client.submit(f"slowly {number}", api_name="/ask") for number in range(12)]
        outcomes = [job.exception() for job in jobs]
        assert bot.most_at_once == 1
        assert outcomes.count(None) >= 4
        assert any("queue" in str(outcome).lower() for outcome in outcomes if outcome)

    def test_no_question_skips_the_queue(self, served):
        reply = httpx.post(f"{served[0]}gradio_api/run/ask", json={"data": ["Who?", []]})
        assert reply.status_code == 404

    @pytest.mark.parametrize("page", ["monitoring", "monitoring/summary", "gradio_api/runs"])
    def test_there_is_no_monitoring_and_no_run_history(self, served, page):
        assert httpx.get(served[0] + page).status_code in {403, 404}

    def test_uploads_are_refused(self, served):
        reply = httpx.post(f"{served[0]}gradio_api/upload", files={"files": ("a.txt", b"text")})
        assert reply.status_code == 413

    def test_the_page_names_no_other_machine_to_load_from(self, served):
        config = httpx.get(f"{served[0]}config").json()
        assert config["analytics_enabled"] is False
        assert "https://" not in httpx.get(f"{served[0]}theme.css").text

    def test_a_sign_in_guards_page_and_calls(self, bot, tmp_path):
        app = build_app(bot, WebSettings(feedback_path=tmp_path / "feedback.jsonl"))
        sign_in = ("ann", "secret")
        url = serve(app, host="127.0.0.1", port=free_port(), sign_in=sign_in, open_browser=False)
        try:
            for call in ("run/start", "call/ask", "call/turn"):
                assert httpx.post(f"{url}gradio_api/{call}", json={"data": []}).status_code == 401
            assert HOSTILE[:20] not in httpx.get(url).text
            client = Client(url, auth=sign_in, verbose=False)
            assert client.predict("Who is the captain?", api_name="/ask")["answer"] == "Sok Dara"
        finally:
            app.close(verbose=False)

    def test_a_taken_port_is_named_with_the_remedy(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(SettingsError, match=f"choose another with --port {port + 1}"):
                check_port("127.0.0.1", port)

    @pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
    def test_an_address_of_another_machine_is_refused(self, host):
        with pytest.raises(SettingsError, match=host):
            check_port(host, free_port())


class TestCommand:
    def test_the_page_is_served_until_it_is_interrupted(self, bot, tmp_path, monkeypatch):
        class Interrupted:
            def wait(self) -> None:
                raise KeyboardInterrupt

        monkeypatch.setattr("bot.opening.open_bot", lambda *_, **__: bot)
        monkeypatch.setattr("bot.cli_web.Event", Interrupted)
        port = str(free_port())
        options = ["--host", "0.0.0.0", "--port", port, "--feedback", str(tmp_path / "f.jsonl")]
        outcome = CliRunner().invoke(web_command, options, catch_exceptions=False)
        assert outcome.exit_code == 0
        assert outcome.stderr.startswith("0.0.0.0: everyone who reaches this address")
        assert (
            outcome.stdout.strip()
            == f"Silent Observer is at http://localhost:{port}/ (Ctrl-C ends)"
        )

    def test_this_machine_needs_no_sign_in(self):
        assert all(map(_is_this_machine, ["localhost", "::1", "127.0.0.2"]))

    @pytest.mark.parametrize("auth", ["ann", ":secret", "ann:"])
    def test_a_malformed_sign_in_is_refused(self, auth):
        outcome = CliRunner().invoke(web_command, ["--auth", auth])
        assert outcome.exit_code == 2
        assert "expected USER:PASSWORD" in outcome.output

    def test_help_loads_neither_gradio_nor_models(self):
        code = (
            "import sys, bot.cli_web\n"
            "print({'gradio', 'numpy', 'torch', 'fastapi'} & set(sys.modules))"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert run.stdout == "set()\n"
