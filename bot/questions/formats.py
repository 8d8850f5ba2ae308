"""The file formats of question sets, read row by row; a row that cannot be read ends nothing."""

import codecs
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from bot.questions.rows import Row, keys_or_error, malformed, parse_object, read_text, shorten
from bot.questions.tables import read_csv, read_workbook
from corpus.errors import QuestionFormatError


def read_rows(path: Path) -> Iterator[Row]:
    """Read a question set row by row, at least one; a row that cannot be read ends nothing.

    Raises:
        QuestionFormatError: The file is missing, of another kind or empty.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise QuestionFormatError(
            f"{path}: a question set ends in {', '.join(_READERS)}; rename or convert it"
        )
    row: Row | None = None
    for row in read(path):
        yield row
    if row is None:
        raise QuestionFormatError(f"{path}: holds no questions; write one a line")


def _of_text(
    read: Callable[[Path, Iterator[str]], Iterator[Row]],
) -> Callable[[Path], Iterator[Row]]:
    """Make what reads the lines of a text file read the file."""

    def read_file(path: Path) -> Iterator[Row]:
        with _open_text(path) as stream:
            yield from read(path, stream)

    return read_file


def _open_text(path: Path) -> TextIO:
    """Open a file as `read_text` reads it; what is plain UTF-8 is not held in memory.

    Raises:
        QuestionFormatError: The file cannot be read or is no text.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        if path.is_file():
            with path.open("rb") as stream:
                for block in iter(lambda: stream.read(1 << 20), b""):
                    if b"\0" in block:
                        break
                    decoder.decode(block)
                else:
                    decoder.decode(b"", final=True)
                    return path.open(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        # To be named or decoded otherwise by what reads the whole.
        pass
    return io.StringIO(read_text(path))


def _read_json_lines(path: Path, lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield Row(where, str(number), keys_or_error(parse_object, where, line.rstrip("\n")))


def _read_plain_text(path: Path, lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if question := line.strip():
            yield Row(f"{path}:{number}", str(number), {"question": question})


def _read_squad(path: Path, lines: Iterator[str]) -> Iterator[Row]:
    try:
        squad = json.loads("".join(lines))
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
                yield Row(where, str(number), keys_or_error(_parse_squad_row, where, row))


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


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _of_text(_read_json_lines),
    ".ndjson": _of_text(_read_json_lines),
    ".csv": _of_text(read_csv),
    ".tsv": _of_text(read_csv),
    ".xlsx": read_workbook,
    ".txt": _of_text(_read_plain_text),
    ".json": _of_text(_read_squad),
}
