"""Question sets: what to ask, which answers are right, and where the documents say so."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bot.questions.formats import read_rows
from bot.questions.rows import Row, malformed, shorten
from corpus.errors import QuestionFormatError

_KNOWN_KEYS = frozenset({"id", "question", "answers", "evidence", "follows"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place in a document that answers a question; several are alternatives.

    Attributes:
        document_id: Id of the document.
        start: Offset of the first character (code point) in the document's text.
        end: Offset after the last character, greater than `start`.
    """

    document_id: str
    start: int
    end: int

    def overlaps(self, other: "Evidence") -> bool:
        """Tell whether two places of one document share a character."""
        return (
            self.document_id == other.document_id
            and self.start < other.end
            and other.start < self.end
        )


@dataclass(frozen=True, slots=True)
class Question:
    """One row of a question set.

    Attributes:
        id: Its name, unique in the set; the line number where the row names none.
        text: The question itself.
        answers: Every wording that is right; empty where the documents do not answer; None where
            the question is only asked and not scored.
        evidence: Alternative places that answer it; empty where none is named.
        follows: Id of the earlier row that this one continues, or None.
        extra: The row's other keys, as they were read.
    """

    id: str
    text: str
    answers: tuple[str, ...] | None = None
    evidence: tuple[Evidence, ...] = ()
    follows: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def answerable(self) -> bool:
        """Whether the documents are known to answer it."""
        return bool(self.answers)

    @property
    def unanswerable(self) -> bool:
        """Whether the documents are known not to answer it."""
        return self.answers == ()


def load_questions(path: Path | str) -> list[Question]:
    """Load a question set; the suffix of the file decides how it is read.

    JSON Lines (`.jsonl`, `.ndjson`), tables with a header (`.csv`, `.tsv`, the first sheet of
    `.xlsx`; answers separated by `|`), plain text with a question a line (`.txt`), and SQuAD 2.0
    (`.json`). SQuAD offsets count within a paragraph and not within a document, so such questions
    come without evidence.

    Returns:
        The questions in the order of the file, at least one.

    Raises:
        QuestionFormatError: The file is missing, of another kind or empty, or a row is malformed.
    """
    questions = []
    for question in _questions_or_errors(Path(path)):
        if isinstance(question, QuestionFormatError):
            raise question
        questions.append(question)
    return questions


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """The sound rows of a question set, read from its file anew each time they are gone through.

    So a set of any length takes up little memory. Workbooks, SQuAD 2.0 JSON and files in another
    encoding than UTF-8 are the exception: their text is held while they are gone through.

    Attributes:
        path: The file.
        n: How many rows are sound.
        problems: Why the others are not, a line each that names file and line.
        sha256: Of what is asked: ids, questions and which follows which, in their order.
    """

    path: Path
    n: int
    problems: tuple[str, ...]
    sha256: str
    _malformed: frozenset[int]

    @classmethod
    def open(cls, path: Path, *, strict: bool = False) -> Self:
        """Go through a question set once and tell its sound rows from the others.

        A row that follows a malformed one is malformed itself.

        Args:
            path: The set, of any kind that `load_questions` reads.
            strict: Stop at the first malformed row.

        Raises:
            QuestionFormatError: The file is missing, of another kind or empty; or a row is
                malformed, if `strict`.
        """
        digest = hashlib.sha256()
        n, problems, malformed_rows = 0, [], []
        for number, question in enumerate(_questions_or_errors(path)):
            if isinstance(question, QuestionFormatError):
                if strict:
                    raise question
                problems.append(str(question))
                malformed_rows.append(number)
                continue
            n += 1
            asked = json.dumps([question.id, question.text, question.follows])
            digest.update(asked.encode())
        return cls(path, n, tuple(problems), digest.hexdigest(), frozenset(malformed_rows))

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Question]:
        for number, row in enumerate(read_rows(self.path)):
            if number not in self._malformed:
                yield parse_question(row)


def _questions_or_errors(path: Path) -> Iterator[Question | QuestionFormatError]:
    lines: dict[str, str] = {}
    for row in read_rows(path):
        try:
            question = parse_question(row)
            _check_ids(row.where, question, lines)
        except QuestionFormatError as error:
            yield error
            continue
        lines[question.id] = row.where
        yield question


def _check_ids(where: str, question: Question, lines: Mapping[str, str]) -> None:
    if question.id in lines:
        raise malformed(
            where,
            f"the id {question.id!r} is taken by {lines[question.id]}; give this row another",
        )
    if question.follows is not None and question.follows not in lines:
        raise malformed(
            where,
            f'"follows" must be the id of a row above, got {question.follows!r}; '
            "correct it or move the row down",
        )


def parse_question(row: Row) -> Question:
    """Make a question of a row.

    Raises:
        QuestionFormatError: The row is malformed.
    """
    if isinstance(row.keys, QuestionFormatError):
        raise row.keys
    keys = {key: value for key, value in row.keys.items() if value is not None}
    if "question" not in keys:
        raise malformed(row.where, f'expected a row with "question", got {shorten(dict(row.keys))}')
    follows = keys.get("follows")
    return Question(
        id=_parse_text(row.where, "id", keys.get("id", row.default_id)),
        text=_parse_text(row.where, "question", keys["question"]),
        answers=_parse_answers(row.where, keys["answers"]) if "answers" in keys else None,
        evidence=_parse_evidence(row.where, keys.get("evidence", [])),
        follows=None if follows is None else _parse_text(row.where, "follows", follows),
        extra={key: value for key, value in row.keys.items() if key not in _KNOWN_KEYS},
    )


def parse_place(where: str, value: object) -> Evidence:
    """Parse an object with `document`, `start` and `end`; its other keys are passed over.

    Raises:
        QuestionFormatError: A key is missing or wrong.
    """
    match value:
        case {"document": str(document), "start": int(start), "end": int(end)} if (
            document and bool not in (type(start), type(end)) and 0 <= start < end
        ):
            return Evidence(document, start, end)
    raise malformed(
        where,
        'expected a place such as {"document": "a.txt", "start": 0, "end": 10} '
        f"with 0 <= start < end, got {shorten(value)}",
    )


def _parse_text(where: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise malformed(
            where, f'"{key}" must be a text in quotes that is not empty, got {shorten(value)}'
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise malformed(
            where, f'"{key}" holds half a character, got {shorten(value)}; write it in full'
        ) from error
    return value


def _parse_answers(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
        isinstance(answer, str) and answer.strip() for answer in value
    ):
        raise malformed(
            where,
            '"answers" must be a list of texts that are not empty, or [] where the documents do '
            f"not answer, got {shorten(value)}",
        )
    return tuple(value)


def _parse_evidence(where: str, value: object) -> tuple[Evidence, ...]:
    if not isinstance(value, list):
        raise malformed(
            where, f'"evidence" must be a list of places, as in JSON Lines, got {shorten(value)}'
        )
    return tuple(parse_place(where, place) for place in value)
