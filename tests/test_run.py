import io
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bot.answer import Answer
from bot.followup import Turn
from bot.questions import Question
from bot.run import Dialogues, ask_all, kept_answers, run_questions
from bot.run_record import beside, check_begun
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


def run(bot, questions, path, *, begun_with=None, workers=1, **options):
    kept = kept_answers(path, questions, **options)
    run_questions(bot, questions, path, kept, begun_with=begun_with or {}, workers=workers)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers.jsonl"


@pytest.fixture
def whole(tmp_path):
    """The bytes of an uninterrupted run; the stub always takes 0 seconds."""
    path = tmp_path / "whole.jsonl"
    run(StubBot(), QUESTIONS, path)
    return path.read_bytes()


def test_every_question_gets_one_line_in_its_order(whole):
    records = [json.loads(line) for line in whole.decode().splitlines()]
    assert [record["id"] for record in records] == ["a1", "a2", "b1", "b2"]
    assert [record["answer"] for record in records] == ["ship?", "café’s?", "captain?", ""]
    assert "café’s?" in whole.decode()


def test_a_follow_up_is_asked_with_the_bots_own_answers_as_history(path):
    bot = StubBot()
    run(bot, QUESTIONS, path)
    first = Turn("Which ship?", "ship?", "Which ship? (0)")
    second = Turn("And its captain?", "captain?", "And its captain? (1)")
    assert [history for _, history in bot.asked] == [(), (), (first,), (first, second)]


def test_the_record_holds_the_question_as_the_set_has_it(path):
    run(StubBot(), [Question("1", " Who? ")], path)
    assert json.loads(path.read_text())["question"] == " Who? "
    assert kept_answers(path, [Question("1", " Who? ")], resume=True).n == 1


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4])
def test_an_interrupted_run_leaves_whole_lines_and_a_resumed_one_ends_the_same(
    path, whole, stop_at
):
    with pytest.raises(KeyboardInterrupt):
        run(StubBot(stop_at=stop_at), QUESTIONS, path)
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[: stop_at - 1])
    bot = StubBot()
    run(bot, QUESTIONS, path, resume=True)
    assert len(bot.asked) == len(QUESTIONS) - stop_at + 1
    assert path.read_bytes() == whole


def test_a_run_resumes_after_any_byte_at_which_it_was_cut(path, whole):
    for n_bytes in range(0, len(whole), 7):
        path.write_bytes(whole[:n_bytes])
        run(StubBot(), QUESTIONS, path, resume=True)
        assert path.read_bytes() == whole


def test_resuming_a_finished_run_asks_nothing_and_changes_nothing(path, whole):
    path.write_bytes(whole)
    bot = StubBot()
    run(bot, QUESTIONS, path, resume=True)
    assert bot.asked == []
    assert path.read_bytes() == whole


def test_resuming_without_a_file_starts_one(path, whole):
    run(StubBot(), QUESTIONS, path, resume=True)
    assert path.read_bytes() == whole


def test_answers_are_written_before_the_next_question_is_asked(path):
    n_lines = []

    class WatchingBot(StubBot):
        def ask(self, question, history=()):
            n_lines.append(path.read_bytes().count(b"\n"))
            return super().ask(question, history)

    run(WatchingBot(), QUESTIONS, path)
    assert n_lines == [0, 1, 2, 3]


def test_an_existing_file_is_refused_and_left_alone(path):
    path.write_text("mine")
    with pytest.raises(
        ObserverError, match=r"already exists; .* --resume, .* --overwrite, or name"
    ):
        run(StubBot(), QUESTIONS, path)
    assert path.read_text() == "mine"


def test_an_existing_file_is_replaced_when_told_to(path, whole):
    path.write_bytes(whole * 2)
    run(StubBot(), QUESTIONS, path, overwrite=True)
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
            run(StubBot(), questions, path, resume=True)
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
        run(StubBot(), QUESTIONS, path, resume=True)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == content


def test_a_malformed_line_amid_the_file_is_refused(path, whole):
    first, _, *rest = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([first, b'{"id": "a2", "quest\n', *rest]))
    with pytest.raises(QuestionFormatError, match=r"answers\.jsonl:2: expected one JSON object"):
        run(StubBot(), QUESTIONS, path, resume=True)


def test_more_bytes_after_the_last_answer_are_not_taken_for_a_torn_line(path, whole):
    path.write_bytes(whole + b"{")
    with pytest.raises(ObserverError, match=r"answers\.jsonl:5: does not answer"):
        run(StubBot(), QUESTIONS, path, resume=True)


def test_a_missing_folder_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none" / "answers.jsonl", tmp_path):
        with pytest.raises(ObserverError, match="expected a file in an existing folder"):
            run(StubBot(), QUESTIONS, path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_one_line_of_error(path):
    path.symlink_to("/dev/full")
    with pytest.raises(ObserverError, match="cannot be written: No space left on device; name"):
        run(StubBot(), QUESTIONS, path)


def test_an_impossible_path_is_one_line_of_error(tmp_path):
    with pytest.raises(ObserverError, match="cannot be read: File name too long"):
        run(StubBot(), QUESTIONS, tmp_path / ("x" * 300))


def test_a_file_that_may_not_be_written_is_one_line_of_error(path, whole, monkeypatch):
    path.write_bytes(whole[:-20])

    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ObserverError, match="cannot be written: Permission denied; name another"):
        run(StubBot(), QUESTIONS, path, overwrite=True)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_terminals_only(monkeypatch):
    for stream, shown in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr(sys, "stderr", stream)
        assert len(list(ask_all(StubBot(), QUESTIONS))) == 4
        assert ("4/4" in stream.getvalue()) == shown


class SlowBot(StubBot):
    """Takes a while for the first of several questions, so that later ones are done before it."""

    def ask(self, question, history=()):
        time.sleep(0.05 if "ship" in question else 0)
        return super().ask(question, history)


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_workers_give_the_same_bytes_whichever_is_done_first(path, whole, workers):
    run(SlowBot(), QUESTIONS, path, workers=workers)
    assert path.read_bytes() == whole


def test_workers_ask_at_a_time_and_a_follow_up_waits_for_its_answer(path):
    together = threading.Barrier(2, timeout=10)

    class MeetingBot(StubBot):
        def ask(self, question, history=()):
            if question.startswith("Which"):
                together.wait()
            return super().ask(question, history)

    bot = MeetingBot()
    run(bot, QUESTIONS, path, workers=2)
    histories = dict(bot.asked)
    assert [turn.answer for turn in histories["And his wife?"]] == ["ship?", "captain?"]


def test_many_dialogues_are_asked_by_workers_as_by_one(path, tmp_path):
    questions = [
        Question(f"{dialogue}.{turn}", f"What of {dialogue}?", follows=before)
        for turn in range(3)
        for dialogue in range(60)
        for before in [f"{dialogue}.{turn - 1}" if turn else None]
    ]
    run(StubBot(), questions, path)
    run(StubBot(), questions, tmp_path / "b.jsonl", workers=4)
    assert (tmp_path / "b.jsonl").read_bytes() == path.read_bytes()
    assert json.loads(path.read_bytes().splitlines()[-1])["query"] == "What of 59? (2)"


def test_with_workers_what_comes_before_a_failing_question_is_written(path, whole):
    class FailingBot(StubBot):
        def ask(self, question, history=()):
            if "captain" in question:
                raise ObserverError("the reader is gone")
            return super().ask(question, history)

    with pytest.raises(ObserverError, match="the reader is gone"):
        run(FailingBot(), QUESTIONS, path, workers=2)
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:2])
    run(StubBot(), QUESTIONS, path, workers=2, resume=True)
    assert path.read_bytes() == whole


def test_turns_are_forgotten_once_no_question_leans_on_them(whole):
    dialogues = Dialogues(QUESTIONS)
    n_turns = []
    for question, line in zip(QUESTIONS, whole.splitlines(), strict=True):
        dialogues.add(question, json.loads(line))
        n_turns.append(len(dialogues._turns))
    assert n_turns == [1, 1, 1, 0]


def test_what_a_run_was_begun_with_stands_beside_it_before_the_first_answer(path):
    class LookingBot(StubBot):
        def ask(self, question, history=()):
            assert json.loads(beside(path).read_text()) == {"index": "a"}
            return super().ask(question, history)

    run(LookingBot(), QUESTIONS, path, begun_with={"index": "a"})
    assert beside(path).name == "answers.jsonl.run.json"


def test_answers_begun_with_something_else_are_left_alone_until_replaced(path, whole):
    run(StubBot(), QUESTIONS, path, begun_with={"index": "a"})
    with pytest.raises(ObserverError, match=r"answers\.jsonl: was begun with other index; go back"):
        run(StubBot(), QUESTIONS, path, begun_with={"index": "b"}, resume=True)
    assert path.read_bytes() == whole
    run(StubBot(), QUESTIONS, path, begun_with={"index": "b"}, overwrite=True)
    assert check_begun(path, {"index": "b"})


def test_a_run_that_wrote_no_answer_yet_is_begun_anew(path, whole):
    path.write_bytes(whole[:9])
    beside(path).write_text('{"index": "a"}')
    run(StubBot(), QUESTIONS, path, begun_with={"index": "b"}, resume=True)
    assert path.read_bytes() == whole
    assert check_begun(path, {"index": "b"})


def test_answers_of_an_earlier_version_are_gone_on_with_and_nothing_is_claimed_of_them(path, whole):
    path.write_bytes(whole[:-9])
    run(StubBot(), QUESTIONS, path, begun_with={"index": "b"}, resume=True)
    assert path.read_bytes() == whole
    assert not beside(path).exists()


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_an_unreadable_record_of_a_run_is_one_line_of_error(path, whole, content):
    path.write_bytes(whole)
    beside(path).write_text(content)
    with pytest.raises(ObserverError, match=r"answers\.jsonl\.run\.json: cannot be read; start"):
        run(StubBot(), QUESTIONS, path, begun_with={"index": "b"}, resume=True)


def test_a_record_of_a_run_that_cannot_be_written_is_one_line_of_error(path):
    beside(path).mkdir()
    with pytest.raises(ObserverError, match=r"run\.json: cannot be written: Is a directory; name"):
        run(StubBot(), QUESTIONS, path)
    assert [file.name for file in path.parent.iterdir() if file.is_file()] == [path.name]


def test_a_disk_that_fills_up_leaves_every_finished_row_whole(path, whole):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # In the middle of the third answer.
    limit = len(b"".join(whole.splitlines(keepends=True)[:2])) + 20
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        with pytest.raises(
            ObserverError, match=r"answers\.jsonl: cannot be written: File too larg"
        ):
            run(StubBot(), QUESTIONS, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:2])
    bot = StubBot()
    run(bot, QUESTIONS, path, resume=True)
    assert len(bot.asked) == 2
    assert path.read_bytes() == whole


_KILLED = """
import os, signal, sys
from pathlib import Path
from bot.run import kept_answers, run_questions
from tests.test_run import QUESTIONS, StubBot

class Killed(StubBot):
    def ask(self, question, history=()):
        if "captain" in question:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().ask(question, history)

path = Path(sys.argv[1])
run_questions(Killed(), QUESTIONS, path, kept_answers(path, QUESTIONS), begun_with={"index": "a"})
"""


def test_a_killed_run_leaves_every_finished_row_whole(path, whole):
    command = [sys.executable, "-c", _KILLED, str(path)]
    killed = subprocess.run(command, check=False, env=os.environ | {"PYTHONPATH": "."})
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:2])
    bot = StubBot()
    run(bot, QUESTIONS, path, begun_with={"index": "a"}, resume=True)
    assert len(bot.asked) == 2
    assert path.read_bytes() == whole
