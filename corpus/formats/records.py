"""JSON and JSON Lines: each record a paragraph, each value behind its key."""

import json
from collections.abc import Iterator
from typing import Any

from corpus.errors import UnreadableDocumentError
from corpus.formats.structure import Extracted, TextBuilder
from corpus.formats.tables import MAX_ROWS, too_many_rows
from corpus.text import decode_text

_MAX_DEPTH = 100


def read_json(data: bytes) -> Extracted:
    """Read a JSON value: the elements of an outer array are records, anything else is one.

    Raises:
        UnreadableDocumentError: It is no JSON, nests too deeply, or has too many records.
        NoTextError: The bytes are no text in any known encoding.
    """
    value = _parse(decode_text(data), "")
    return _extract(value if isinstance(value, list) else [value])


def read_json_lines(data: bytes) -> Extracted:
    """Read one JSON value a line, each a record.

    Raises:
        UnreadableDocumentError: A line is no JSON or nests too deeply, or there are too many.
        NoTextError: The bytes are no text in any known encoding.
    """
    lines = decode_text(data).split("\n")
    return _extract(
        [_parse(line, f"line {n}: ") for n, line in enumerate(lines, start=1) if line.strip()]
    )


def _parse(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = place or f"line {error.lineno}: "
        raise UnreadableDocumentError(f"{place}is no JSON: {error.msg}; mend it") from error
    except RecursionError as error:
        raise UnreadableDocumentError(f"{place}nests too deeply; flatten it") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise UnreadableDocumentError(f"{place}is no JSON that can be read: {error}") from error


def _extract(records: list[Any]) -> Extracted:
    if len(records) > MAX_ROWS:
        raise UnreadableDocumentError(too_many_rows())
    builder = TextBuilder()
    for record in records:
        builder.add("\n".join(_lines(record, "", 0)))
    return builder.build()


def _lines(value: Any, key: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise UnreadableDocumentError(f"nests more than {_MAX_DEPTH} levels deep; flatten it")
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _lines(inner, f"{key}.{name}" if key else name, depth + 1)
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for inner in value:
            yield from _lines(inner, key, depth + 1)
    elif isinstance(value, list):
        if value:
            yield _line(key, ", ".join(_scalar(inner) for inner in value))
    elif value is not None and value != "":
        yield _line(key, _scalar(value))


def _line(key: str, words: str) -> str:
    return f"{key}: {words}" if key else words


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
