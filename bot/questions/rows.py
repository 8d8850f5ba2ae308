"""Rows as they are read, of question sets and answers files, and the words for malformed ones."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.documents import unify_newlines
from corpus.errors import QuestionFormatError
from corpus.text import decode_text


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


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        QuestionFormatError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise QuestionFormatError(
            f"{path}: cannot be read: {error.strerror}; check the name"
        ) from error


def read_text(path: Path) -> str:
    """Read a file in whatever encoding, with line breaks unified.

    Raises:
        QuestionFormatError: The file cannot be read or is no text.
    """
    try:
        return unify_newlines(decode_text(read_bytes(path)))
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


def keys_or_error(
    parse: Callable[..., dict[str, Any]], *args: object
) -> dict[str, Any] | QuestionFormatError:
    """Keep the error of a malformed row, so that the rows after it can be read."""
    try:
        return parse(*args)
    except QuestionFormatError as error:
        return error


def malformed(where: str, problem: str) -> QuestionFormatError:
    """Make the error for a malformed row, to be raised."""
    return QuestionFormatError(f"{where}: {problem}")


def shorten(value: object, limit: int = 80) -> str:
    """Quote a value in one line of about `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"
