"""Documents and passages as the rows of a saved index, JSON Lines in ASCII."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from corpus.documents import Document, Mark
from corpus.passages import Passage

DOCUMENTS = "documents.jsonl"
PASSAGES = "passages.jsonl"


def document_row(document: Document) -> dict[str, Any]:
    """Turn a document into its row of `documents.jsonl`."""
    return {
        "id": document.id,
        "title": document.title,
        "sha256": document.sha256,
        "path": str(document.path) if document.path else None,
        "text": document.text,
        "marks": [[m.start, m.kind, m.label, m.level] for m in document.marks],
    }


def check_document(row: dict[str, Any]) -> tuple[str, str]:
    """Return the id and the text of a row of `documents.jsonl`; a malformed one raises."""
    if not all(isinstance(row[key], str) for key in ("id", "text", "title", "sha256")):
        raise ValueError("expected texts")
    return row["id"], row["text"]


def parse_document(row: dict[str, Any]) -> Document:
    """Turn a row of `documents.jsonl` into its document; a malformed one raises."""
    check_document(row)
    return Document(
        id=row["id"],
        text=row["text"],
        title=row["title"],
        sha256=row["sha256"],
        path=Path(row["path"]) if row["path"] else None,
        marks=tuple(Mark(*mark) for mark in row.get("marks", ())),
    )


def passage_row(passage: Passage) -> dict[str, Any]:
    """Turn a passage into its row of `passages.jsonl`."""
    return {
        "document": passage.document_id,
        "start": passage.start,
        "end": passage.end,
        "context": passage.context,
    }


def parse_passage(row: dict[str, Any], text: str) -> Passage:
    """Turn a row of `passages.jsonl` into its passage, of a text; a malformed one raises."""
    start, end, context = row["start"], row["end"], row["context"]
    if not (type(start) is type(end) is int and 0 <= start < end <= len(text)):
        raise ValueError(f"no passage from {start!r} to {end!r}")
    if not isinstance(context, str):
        raise TypeError(f"expected a text as context, got {context!r}")
    return Passage(
        document_id=row["document"], start=start, end=end, text=text[start:end], context=context
    )


def write_rows(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as JSON Lines."""
    with file.open("wb") as stream:
        stream.writelines(map(row_line, rows))


def row_line(row: dict[str, Any]) -> bytes:
    """Return a row as its line of JSON Lines."""
    return json.dumps(row).encode("ascii") + b"\n"
