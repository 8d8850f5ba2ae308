"""A question set is asked in one go; every answer is on disk before the next question."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from bot.answer import Answer, answer_record
from bot.followup import Turn
from bot.questions import Question, parse_object, shorten
from corpus.errors import ObserverError, QuestionFormatError

Record = dict[str, Any]


class Answerer(Protocol):
    """What can be asked, such as `bot.pipeline.Bot`."""

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Answer a question; `history` is its dialogue, oldest turn first."""
        ...


def run_questions(
    bot: Answerer,
    questions: Sequence[Question],
    path: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Ask every question and append its record to an answers file, a line each, as they come.

    However it ends, the file is valid but for a last line cut short, which `resume` drops.

    Args:
        bot: What is asked.
        questions: In an order in which a question stands after the one that it follows.
        path: The answers file.
        resume: Keep the answers an earlier run wrote to the file and ask only the rest; where
            there is no file yet, ask them all.
        overwrite: Replace an existing file.

    Raises:
        ObserverError: As for `kept_records`, or the file cannot be written.
    """
    kept = kept_records(path, questions, resume=resume, overwrite=overwrite)
    try:
        with path.open("r+b" if kept else "wb") as stream:
            if kept:
                stream.truncate(sum(len(stream.readline()) for _ in kept))
    except OSError as error:
        raise _not_writable(path, error) from error
    for record in ask_all(bot, questions, kept):
        # Opened anew each time, so that a full disk is told from a failing bot.
        try:
            with path.open("ab") as stream:
                stream.write(record_line(record))
        except OSError as error:
            raise _not_writable(path, error) from error


def ask_all(
    bot: Answerer, questions: Sequence[Question], kept: Iterable[Record] = ()
) -> Iterator[Record]:
    """Ask the questions after those already answered and yield their records, in order.

    A question that follows another is asked with that dialogue as its history. Progress is shown
    on standard error where that is a terminal.

    Args:
        bot: What is asked.
        questions: All the questions.
        kept: The records of the first of them, which are not asked again.
    """
    records = {record["id"]: record for record in kept}
    with tqdm(
        total=len(questions), initial=len(records), unit="question", disable=None
    ) as progress:
        by_id = {question.id: question for question in questions}
        for question in questions[len(records) :]:
            answer = bot.ask(question.text, _history(question, by_id, records))
            # The text as it stands in the set: `kept_records` compares it.
            record = answer_record(question.id, answer) | {"question": question.text}
            records[question.id] = record
            yield record
            progress.update()


def kept_records(
    path: Path, questions: Sequence[Question], *, resume: bool = False, overwrite: bool = False
) -> list[Record]:
    """Check that an answers file may be written and read back what is to be kept of it.

    Returns:
        The records of the first questions, without a last line cut short; none unless `resume`.

    Raises:
        ObserverError: The folder is missing, the file exists and neither `resume` nor `overwrite`
            is set, or it is to be resumed and does not answer these questions.
    """
    try:
        if path.is_dir() or not path.parent.is_dir():
            raise ObserverError(
                f"{path}: expected a file in an existing folder; make the folder first"
            )
        if not path.is_file() or overwrite:
            return []
        if not resume:
            raise ObserverError(
                f"{path}: already exists; go on with it with --resume, replace it with "
                "--overwrite, or name another file"
            )
        *lines, torn = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ObserverError(
            f"{path}: cannot be read: {error.strerror}; name another file"
        ) from error
    if len(lines) > len(questions):
        raise _other_questions(f"{path}:{len(questions) + 1}", "there is no such question")
    records = [
        _kept_record(f"{path}:{number}", line, question)
        for number, (line, question) in enumerate(zip(lines, questions, strict=False), start=1)
    ]
    following = questions[len(lines)] if len(lines) < len(questions) else None
    if torn and not _may_begin(torn, following):
        raise _other_questions(f"{path}:{len(lines) + 1}", "it is not the start of its answer")
    return records


def record_line(record: Record) -> bytes:
    """Return a record as it stands in an answers file, with the end of its line."""
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _history(
    question: Question, by_id: dict[str, Question], records: dict[str, Record]
) -> tuple[Turn, ...]:
    turns = []
    while question.follows is not None:
        record = records[question.follows]
        turns.append(Turn(record["question"], record["answer"], record["query"]))
        question = by_id[question.follows]
    return tuple(reversed(turns))


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
