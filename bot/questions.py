"""Question sets: what to ask, which answers are right, and where the documents say so."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.documents import unify_newlines
from corpus.errors import QuestionFormatError
from corpus.text import decode_text

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


@dataclass(frozen=True, slots=True)
class Row:
    """A row as read, before it is known to be a question.

    Attributes:
        where: File and line, as messages name it.
        default_id: The id it has if it names none.
        keys: What it holds, or the error where that cannot be read.
    """

    where: str
    default_id: str
    keys: Mapping[str, Any] | QuestionFormatError


def load_questions(path: Path | str) -> list[Question]:
    """Load a question set; the suffix of the file decides how it is read.

    JSON Lines (`.jsonl`, `.ndjson`), tables with a header (`.csv`, `.tsv`; answers separated by
    `|`), plain text with a question a line (`.txt`), and SQuAD 2.0 (`.json`). SQuAD offsets count
    within a paragraph and not within a document, so such questions come without evidence.

    Returns:
        The questions in the order of the file, at least one.

    Raises:
        QuestionFormatError: The file is missing, of another kind or empty, or a row is malformed.
    """
    lines: dict[str, str] = {}
    questions = []
    for row in read_rows(Path(path)):
        question = parse_question(row)
        if question.id in lines:
            raise malformed(
                row.where,
                f"the id {question.id!r} is taken by {lines[question.id]}; give this row another",
            )
        if question.follows is not None and question.follows not in lines:
            raise malformed(
                row.where,
                f'"follows" must be the id of a row above, got {question.follows!r}; '
                "correct it or move the row down",
            )
        lines[question.id] = row.where
        questions.append(question)
    return questions


def read_rows(path: Path) -> Iterator[Row]:
    """Read a question set row by row, at least one; a row that cannot be read ends nothing.

    Raises:
        QuestionFormatError: The file is missing, of another kind or empty.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise QuestionFormatError(
            f"{path}: a question set ends in {', '.join(_READERS)}; rename or convert it"
        )
    row: Row | None = None
    for row in reader(path, read_text(path)):
        yield row
    if row is None:
        raise QuestionFormatError(f"{path}: holds no questions; write one a line")


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


def read_text(path: Path) -> str:
    """Read a file in whatever encoding, with line breaks unified.

    Raises:
        QuestionFormatError: The file cannot be read or is no text.
    """
    try:
        return unify_newlines(decode_text(path.read_bytes()))
    except OSError as error:
        raise QuestionFormatError(
            f"{path}: cannot be read: {error.strerror}; check the name"
        ) from error
    except ValueError as error:
        raise QuestionFormatError(
            f"{path}: is not text in a known encoding; save it as UTF-8"
        ) from error


def parse_object(where: str, line: str) -> dict[str, Any]:
    """Parse a line that holds one JSON object.

    Args:
        where: File and line, for the message of an error.
        line: The line.

    Raises:
        QuestionFormatError: It is no JSON object.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise QuestionFormatError(
            f"{where}: expected one JSON object, got {shorten(line)}; correct or delete the line"
        ) from error
    if not isinstance(value, dict):
        raise malformed(
            where, f"expected one JSON object, got {shorten(line)}; correct or delete the line"
        )
    return value


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


def malformed(where: str, problem: str) -> QuestionFormatError:
    """Make the error for a malformed row, to be raised."""
    return QuestionFormatError(f"{where}: {problem}")


def shorten(value: object, limit: int = 80) -> str:
    """Quote a value in one line of about `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


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


def _keys_or_error(
    parse: Callable[..., dict[str, Any]], *args: object
) -> dict[str, Any] | QuestionFormatError:
    """Keep the error of a malformed row, so that the rows after it can be read."""
    try:
        return parse(*args)
    except QuestionFormatError as error:
        return error


def _read_json_lines(path: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield Row(where, str(number), _keys_or_error(parse_object, where, line))


def _read_plain_text(path: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if question := line.strip():
            yield Row(f"{path}:{number}", str(number), {"question": question})


def _read_table(path: Path, text: str) -> Iterator[Row]:
    # Spreadsheets separate by semicolons where the comma is the decimal mark.
    delimiter = max(",;\t", key=text.lstrip("\n ").split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    last_line = 0
    header: list[str] | None = None
    while True:
        where = f"{path}:{last_line + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            problem = f'a cell is not closed: {error}; write " inside a cell as ""'
            yield Row(where, str(last_line + 1), malformed(where, problem))
            last_line = reader.line_num
            continue
        if cells is None:
            return
        line, last_line = str(last_line + 1), reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _parse_header(where, cells)
            continue
        yield Row(where, line, _keys_or_error(_parse_cells, where, header, cells))


def _parse_header(where: str, cells: list[str]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    if "question" not in header or len(set(header)) < len(header):
        raise malformed(
            where, f"expected a header such as id,question,answers, got {shorten(cells)}"
        )
    return header


def _parse_cells(where: str, header: list[str], cells: list[str]) -> dict[str, Any]:
    """Name the cells; an empty one is as good as none, except that no answer is an answer."""
    if len(cells) != len(header):
        raise malformed(
            where,
            f"expected {len(header)} cells as in the header, got {len(cells)}; "
            'put "..." around a cell that holds a separator',
        )
    keys: dict[str, Any] = {
        name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()
    }
    if "answers" in header:
        answers = keys.get("answers", "").split("|")
        keys["answers"] = [answer.strip() for answer in answers if answer.strip()]
    return keys


def _read_squad(path: Path, text: str) -> Iterator[Row]:
    try:
        squad = json.loads(text)
    except json.JSONDecodeError as error:
        raise QuestionFormatError(
            f"{path}:{error.lineno}: is not JSON: {error.msg}; "
            "write a question set as JSON Lines and name it .jsonl"
        ) from error
    except (ValueError, RecursionError) as error:
        raise QuestionFormatError(f"{path}: is not JSON that can be read; write it anew") from error
    number = 0
    for article_where, article in _squad_list(f"{path}: ", squad, "data"):
        for paragraph_where, paragraph in _squad_list(f"{article_where}.", article, "paragraphs"):
            for where, row in _squad_list(f"{paragraph_where}.", paragraph, "qas"):
                number += 1
                yield Row(where, str(number), _keys_or_error(_parse_squad_row, where, row))


def _squad_list(prefix: str, parent: object, key: str) -> Iterator[tuple[str, object]]:
    values = parent.get(key) if isinstance(parent, dict) else None
    if not isinstance(values, list):
        raise QuestionFormatError(
            f"{prefix}{key}: expected a list as in SQuAD 2.0, got {shorten(values)}; "
            "write another kind of question set as JSON Lines and name it .jsonl"
        )
    for number, value in enumerate(values):
        yield f"{prefix}{key}[{number}]", value


def _parse_squad_row(where: str, row: object) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise malformed(where, f"expected a JSON object, got {shorten(row)}")
    keys = {key: value for key, value in row.items() if key not in ("evidence", "follows")}
    if not isinstance(keys.get("is_impossible", False), bool):
        raise malformed(
            where, f'"is_impossible" must be true or false, got {shorten(row["is_impossible"])}'
        )
    if keys.get("is_impossible"):
        keys["answers"] = []
    elif keys.get("answers") is not None:
        keys["answers"] = _parse_squad_answers(where, keys["answers"])
    return keys


def _parse_squad_answers(where: str, answers: object) -> list[object]:
    if not isinstance(answers, list) or not all(
        isinstance(answer, dict) and "text" in answer for answer in answers
    ):
        raise malformed(
            where, f'"answers" must be a list of objects with "text", got {shorten(answers)}'
        )
    return [answer["text"] for answer in answers]


_READERS: dict[str, Callable[[Path, str], Iterator[Row]]] = {
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".csv": _read_table,
    ".tsv": _read_table,
    ".txt": _read_plain_text,
    ".json": _read_squad,
}
