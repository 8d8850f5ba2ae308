import io
import json
import sys
from pathlib import Path

import pytest

from bot.answer import Answer
from bot.followup import Turn
from bot.questions import Question
from bot.run import ask_all, kept_records, run_questions
from corpus.errors import ObserverError, QuestionFormatError
from corpus.passages import Passage
from index.passage_index import Hit

QUESTIONS = [
    Question("a1", "Which ship?"),
    Question("a2", "Which café’s?"),
    Question("b1", "And its captain?", follows="a1"),
    Question("b2", "And his wife?", follows="b1"),
]


class StubBot:
    """Answers with the last word of the question, abstains on "wife", stops at one if told to."""

    def __init__(self, *, stop_at=None):
        self.stop_at = stop_at
        self.asked = []

    def ask(self, question, history=()):
        if len(self.asked) + 1 == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append((question, tuple(history)))
        text = "" if "wife" in question else question.split()[-1]
        hit = Hit(Passage("a.txt", 0, 5, "« a »"), 0.5, 1)
        return Answer(question.strip(), f"{question} ({len(history)})", text, (), (hit,), 0.25)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers.jsonl"


@pytest.fixture
def whole(tmp_path):
    """The bytes of an uninterrupted run; the stub always takes 0 seconds."""
    path = tmp_path / "whole.jsonl"
    run_questions(StubBot(), QUESTIONS, path)
    return path.read_bytes()


def test_every_question_gets_one_line_in_its_order(whole):
    records = [json.loads(line) for line in whole.decode().splitlines()]
    assert [record["id"] for record in records] == ["a1", "a2", "b1", "b2"]
    assert [record["answer"] for record in records] == ["ship?", "café’s?", "captain?", ""]
    assert "café’s?" in whole.decode()


def test_a_follow_up_is_asked_with_the_bots_own_answers_as_history(path):
    bot = StubBot()
    run_questions(bot, QUESTIONS, path)
    first = Turn("Which ship?", "ship?", "Which ship? (0)")
    second = Turn("And its captain?", "captain?", "And its captain? (1)")
    assert [history for _, history in bot.asked] == [(), (), (first,), (first, second)]


def test_the_record_holds_the_question_as_the_set_has_it(path):
    run_questions(StubBot(), [Question("1", " Who? ")], path)
    assert json.loads(path.read_text())["question"] == " Who? "
    assert kept_records(path, [Question("1", " Who? ")], resume=True)


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4])
def test_an_interrupted_run_leaves_whole_lines_and_a_resumed_one_ends_the_same(
    path, whole, stop_at
):
    with pytest.raises(KeyboardInterrupt):
        run_questions(StubBot(stop_at=stop_at), QUESTIONS, path)
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[: stop_at - 1])
    bot = StubBot()
    run_questions(bot, QUESTIONS, path, resume=True)
    assert len(bot.asked) == len(QUESTIONS) - stop_at + 1
    assert path.read_bytes() == whole


def test_a_run_resumes_after_any_byte_at_which_it_was_cut(path, whole):
    for n_bytes in range(0, len(whole), 7):
        path.write_bytes(whole[:n_bytes])
        run_questions(StubBot(), QUESTIONS, path, resume=True)
        assert path.read_bytes() == whole


def test_resuming_a_finished_run_asks_nothing_and_changes_nothing(path, whole):
    path.write_bytes(whole)
    bot = StubBot()
    run_questions(bot, QUESTIONS, path, resume=True)
    assert bot.asked == []
    assert path.read_bytes() == whole


def test_resuming_without_a_file_starts_one(path, whole):
    run_questions(StubBot(), QUESTIONS, path, resume=True)
    assert path.read_bytes() == whole


def test_answers_are_written_before_the_next_question_is_asked(path):
    n_lines = []

    class WatchingBot(StubBot):
        def ask(self, question, history=()):
            n_lines.append(path.read_bytes().count(b"\n"))
            return super().ask(question, history)

    run_questions(WatchingBot(), QUESTIONS, path)
    assert n_lines == [0, 1, 2, 3]


def test_an_existing_file_is_refused_and_left_alone(path):
    path.write_text("mine")
    with pytest.raises(
        ObserverError, match=r"already exists; .* --resume, .* --overwrite, or name"
    ):
        run_questions(StubBot(), QUESTIONS, path)
    assert path.read_text() == "mine"


def test_an_existing_file_is_replaced_when_told_to(path, whole):
    path.write_bytes(whole * 2)
    run_questions(StubBot(), QUESTIONS, path, overwrite=True)
    assert path.read_bytes() == whole


def test_only_the_answers_to_the_same_questions_are_resumed(path, whole):
    path.write_bytes(whole)
    renamed = [Question("z1", "Which ship?"), *QUESTIONS[1:]]
    reworded = [QUESTIONS[0], Question("a2", "Which cafés?"), *QUESTIONS[2:]]
    for questions, line in (
        (renamed, 1),
        (reworded, 2),
        (QUESTIONS[::-1], 1),
        (QUESTIONS[:2], 3),
    ):
        with pytest.raises(
            ObserverError, match=rf"answers\.jsonl:{line}: does not answer .* --over"
        ):
            run_questions(StubBot(), questions, path, resume=True)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}\n", "answers.jsonl:1: does not answer the question"),
        (b"notes\n", "answers.jsonl:1: expected one JSON object"),
        (b"\xff\n", r"answers.jsonl:1: .* \(it is not UTF-8\)"),
        (b"notes", r"answers.jsonl:1: .* \(it is not the start of its answer\)"),
        (b'{"id": "a1", "question": "Which s?"', "answers.jsonl:1: does not answer the question"),
        (b'{"id": "a1", "question": "Which ship?"}\n', 'answers.jsonl:1: "answer" must be a text'),
        (b'{"id": "a1", "question": "Which ship?", "answer": ""}\n', '"query" must be a text'),
    ],
)
def test_a_file_that_is_no_answers_file_is_not_resumed_and_left_alone(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ObserverError, match=message) as error:
        run_questions(StubBot(), QUESTIONS, path, resume=True)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == content


def test_a_malformed_line_amid_the_file_is_refused(path, whole):
    first, _, *rest = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([first, b'{"id": "a2", "quest\n', *rest]))
    with pytest.raises(QuestionFormatError, match=r"answers\.jsonl:2: expected one JSON object"):
        run_questions(StubBot(), QUESTIONS, path, resume=True)


def test_more_bytes_after_the_last_answer_are_not_taken_for_a_torn_line(path, whole):
    path.write_bytes(whole + b"{")
    with pytest.raises(ObserverError, match=r"answers\.jsonl:5: does not answer"):
        run_questions(StubBot(), QUESTIONS, path, resume=True)


def test_a_missing_folder_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none" / "answers.jsonl", tmp_path):
        with pytest.raises(ObserverError, match="expected a file in an existing folder"):
            run_questions(StubBot(), QUESTIONS, path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_one_line_of_error(path):
    path.symlink_to("/dev/full")
    with pytest.raises(ObserverError, match="cannot be written: No space left on device; name"):
        run_questions(StubBot(), QUESTIONS, path)


def test_an_impossible_path_is_one_line_of_error(tmp_path):
    with pytest.raises(ObserverError, match="cannot be read: File name too long"):
        run_questions(StubBot(), QUESTIONS, tmp_path / ("x" * 300))


def test_a_file_that_may_not_be_written_is_one_line_of_error(path, whole, monkeypatch):
    path.write_bytes(whole[:-20])

    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ObserverError, match="cannot be written: Permission denied; name another"):
        run_questions(StubBot(), QUESTIONS, path, overwrite=True)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_terminals_only(monkeypatch):
    for stream, shown in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr(sys, "stderr", stream)
        assert len(list(ask_all(StubBot(), QUESTIONS))) == 4
        assert ("4/4" in stream.getvalue()) == shown
