"""A question set is asked in one go; every answer is on disk before the next is waited for."""

import json
import os
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from bot.answer import Answer, answer_record
from bot.followup import Turn
from bot.questions import Question, parse_object, shorten
from bot.run_record import check_begun, write_begun
from corpus.errors import ObserverError, QuestionFormatError

Record = dict[str, Any]
# How far ahead of the answer that is next to be written questions are asked, a worker.
_AHEAD = 8


class Answerer(Protocol):
    """What can be asked, such as `bot.pipeline.Bot`; with several workers, from several threads."""

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Answer a question; `history` is its dialogue, oldest turn first."""
        ...


class Questions(Protocol):
    """Questions that can be gone through more than once, each after the one that it follows."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Question]: ...


class Dialogues:
    """The turns that questions still to come lean on; others are forgotten."""

    def __init__(self, questions: Questions) -> None:
        self._n_following = Counter(
            question.follows for question in questions if question.follows is not None
        )
        self._turns: dict[str, tuple[Turn, ...]] = {}

    def has_history(self, question: Question) -> bool:
        """Tell whether the turns before a question are all there."""
        return question.follows is None or question.follows in self._turns

    def history(self, question: Question) -> tuple[Turn, ...]:
        """Return the turns before a question, oldest first."""
        return () if question.follows is None else self._turns[question.follows]

    def add(self, question: Question, record: Record) -> None:
        """Take in what was answered."""
        if self._n_following[question.id]:
            turn = Turn(record["question"], record["answer"], record["query"])
            self._turns[question.id] = (*self.history(question), turn)
        if question.follows is not None:
            self._n_following[question.follows] -= 1
            if not self._n_following[question.follows]:
                del self._turns[question.follows]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of an answers file.

    Attributes:
        n: How many answers, to the first questions.
        n_bytes: Their length in the file; what follows them is a line cut short.
        dialogues: The turns in them that the other questions lean on.
    """

    n: int
    n_bytes: int
    dialogues: Dialogues


def run_questions(
    bot: Answerer,
    questions: Questions,
    path: Path,
    kept: Kept,
    *,
    begun_with: Mapping[str, Any],
    workers: int = 1,
) -> None:
    """Ask the questions that are left and append the record of each to an answers file.

    However it ends, the file is valid but for a last line cut short, which `kept_answers` drops.

    Args:
        bot: What is asked.
        questions: The whole set.
        path: The answers file.
        kept: What `kept_answers` found in it.
        begun_with: What the answers depend on, by `bot.run_record.describe`; written beside a new
            answers file, and compared where answers are kept.
        workers: As for `ask_all`.

    Raises:
        ObserverError: The kept answers were given by another bot, or a file cannot be written.
    """
    if kept.n:
        check_begun(path, begun_with)
    try:
        with path.open("r+b" if kept.n else "wb") as stream:
            if kept.n:
                stream.truncate(kept.n_bytes)
    except OSError as error:
        raise _not_writable(path, error) from error
    if not kept.n and path.is_file():
        # After the old answers are gone, so that it never stands beside answers of another bot.
        write_begun(path, begun_with)
    size = kept.n_bytes
    for record in ask_all(bot, questions, kept, workers=workers):
        line = record_line(record)
        # Opened anew each time, so that a full disk is told from a failing bot.
        try:
            with path.open("ab") as stream:
                stream.write(line)
        except OSError as error:
            with suppress(OSError):
                os.truncate(path, size)
            raise _not_writable(path, error) from error
        size += len(line)


def ask_all(
    bot: Answerer, questions: Questions, kept: Kept | None = None, *, workers: int = 1
) -> Iterator[Record]:
    """Ask the questions after those already answered and yield their records, in order.

    A question that follows another is asked with that dialogue as its history. Progress is shown
    on standard error where that is a terminal.

    Args:
        bot: What is asked.
        questions: All the questions.
        kept: The first of them that are not asked again.
        workers: How many are asked at a time. The records are the same for any number, but for
            `seconds`.
    """
    kept = kept or Kept(0, 0, Dialogues(questions))
    left = islice(questions, kept.n, None)
    ask = _ask_in_turn if workers == 1 else _ask_at_a_time
    with tqdm(total=len(questions), initial=kept.n, unit="question", disable=None) as progress:
        for record in ask(bot, left, kept.dialogues, workers):
            yield record
            progress.update()


def _ask_in_turn(
    bot: Answerer, questions: Iterator[Question], dialogues: Dialogues, _workers: int
) -> Iterator[Record]:
    for question in questions:
        record = _ask(bot, question, dialogues.history(question))
        dialogues.add(question, record)
        yield record


def _ask_at_a_time(
    bot: Answerer, questions: Iterator[Question], dialogues: Dialogues, workers: int
) -> Iterator[Record]:
    """Ask several questions at a time; one that follows another waits for its answer."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="question")
    waiting: deque[Question] = deque()
    asked: dict[str, Future[Record]] = {}
    running: dict[Future[Record], Question] = {}
    try:
        while True:
            waiting.extend(islice(questions, workers * _AHEAD - len(waiting)))
            if not waiting:
                return
            for question in waiting:
                if question.id not in asked and dialogues.has_history(question):
                    history = dialogues.history(question)
                    future = asked[question.id] = pool.submit(_ask, bot, question, history)
                    running[future] = question
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                question = running.pop(future)
                if future.exception() is None:
                    dialogues.add(question, future.result())
            while waiting and waiting[0].id in asked and asked[waiting[0].id].done():
                yield asked.pop(waiting.popleft().id).result()
    finally:
        pool.shutdown(cancel_futures=True)


def _ask(bot: Answerer, question: Question, history: tuple[Turn, ...]) -> Record:
    answer = bot.ask(question.text, history)
    # The text as it stands in the set: `kept_answers` compares it.
    return answer_record(question.id, answer) | {"question": question.text}


def kept_answers(
    path: Path, questions: Questions, *, resume: bool = False, overwrite: bool = False
) -> Kept:
    """Check that an answers file may be written and find what is to be kept of it.

    Returns:
        The first answers, without a last line cut short; none unless `resume`.

    Raises:
        ObserverError: The folder is missing, the file exists and neither `resume` nor `overwrite`
            is set, or it is to be resumed and does not answer these questions.
    """
    dialogues = Dialogues(questions)
    try:
        if path.is_dir() or not path.parent.is_dir():
            raise ObserverError(
                f"{path}: expected a file in an existing folder; make the folder first"
            )
        if not path.is_file() or overwrite:
            return Kept(0, 0, dialogues)
        if not resume:
            raise ObserverError(
                f"{path}: already exists; go on with it with --resume, replace it with "
                "--overwrite, or name another file"
            )
        return _read_kept(path, questions, dialogues)
    except OSError as error:
        raise ObserverError(
            f"{path}: cannot be read: {error.strerror}; name another file"
        ) from error


def _read_kept(path: Path, questions: Questions, dialogues: Dialogues) -> Kept:
    n = n_bytes = 0
    left = iter(questions)
    with path.open("rb") as stream:
        for line in stream:
            question, where = next(left, None), f"{path}:{n + 1}"
            if not line.endswith(b"\n"):
                if not _may_begin(line, question):
                    raise _other_questions(where, "it is not the start of its answer")
                break
            if question is None:
                raise _other_questions(where, "there is no such question")
            dialogues.add(question, _kept_record(where, line.removesuffix(b"\n"), question))
            n, n_bytes = n + 1, n_bytes + len(line)
    return Kept(n, n_bytes, dialogues)


def record_line(record: Record) -> bytes:
    """Return a record as it stands in an answers file, with the end of its line."""
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _kept_record(where: str, line: bytes, question: Question) -> Record:
    try:
        record = parse_object(where, line.decode())
    except UnicodeDecodeError as error:
        raise _other_questions(where, "it is not UTF-8") from error
    if (record.get("id"), record.get("question")) != (question.id, question.text):
        raise _other_questions(where, f"that is {question.id!r}: {shorten(question.text)}")
    for key in ("answer", "query"):
        if not isinstance(record.get(key), str):
            raise QuestionFormatError(
                f'{where}: "{key}" must be a text, got {shorten(record.get(key))}; '
                "start again with --overwrite or name another file"
            )
    return record


def _may_begin(torn: bytes, question: Question | None) -> bool:
    """Tell whether a line cut short is the start of the record of this question."""
    if question is None:
        return False
    record = {"id": question.id, "question": question.text}
    start = json.dumps(record, ensure_ascii=False).removesuffix("}").encode()
    return torn.startswith(start[: len(torn)])


def _other_questions(where: str, reason: str) -> ObserverError:
    return ObserverError(
        f"{where}: does not answer the question in this place of the set ({reason}); "
        "start again with --overwrite or name another file"
    )


def _not_writable(path: Path, error: OSError) -> ObserverError:
    return ObserverError(f"{path}: cannot be written: {error.strerror}; name another file")
