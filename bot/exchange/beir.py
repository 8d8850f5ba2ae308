"""BEIR: a folder of `corpus.jsonl`, `queries.jsonl` and `qrels/SPLIT.tsv` in."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.exchange.files import json_lines, safe_name, write_text
from bot.questions import malformed, parse_object, shorten
from corpus.documents import unify_newlines
from corpus.errors import QuestionFormatError

_CORPUS = "corpus.jsonl"
_QUERIES = "queries.jsonl"


def is_beir(folder: Path) -> bool:
    """Tell whether a folder is laid out as BEIR's are."""
    return (folder / _CORPUS).is_file() and (folder / _QUERIES).is_file()


def import_beir(folder: Path, output: Path, *, split: str = "test") -> tuple[int, int]:
    """Write the documents of a BEIR folder, a file each, and its questions with evidence.

    The evidence is the whole document. The rows have no answers: recall and MRR are measured, and
    exact match and F1 are not. What is judged of no use, of no words or not at all is left out.

    Args:
        folder: The data set.
        output: Where to make `documents` and `questions.jsonl`.
        split: Which judgements to take.

    Returns:
        How many documents and questions were written.

    Raises:
        QuestionFormatError: A file is missing, unreadable or malformed.
        ObserverError: A file cannot be written.
    """
    judged = _judged(folder / "qrels" / f"{split}.tsv")
    lengths: dict[str, int] = {}
    n_documents = 0
    needed = {name for names in judged.values() for name in names}
    for where, record in _records(folder / _CORPUS):
        name, text = _id(where, record), _text(record)
        if any(map(str.isalnum, text)):
            write_text(output / "documents" / _file(name), text, make_folder=True)
            n_documents += 1
            if name in needed:
                lengths[name] = len(text)
    rows: list[dict[str, Any]] = []
    for where, record in _records(folder / _QUERIES):
        name, question = _id(where, record), record.get("text")
        evidence = [
            {"document": _file(document), "start": 0, "end": lengths[document]}
            for document in judged.get(name, ())
            if document in lengths
        ]
        if not isinstance(question, str) or not question.strip():
            raise malformed(where, f'expected a query with "text", got {shorten(record)}')
        if evidence:
            rows.append({"id": name, "question": question, "evidence": evidence})
    if not rows:
        raise QuestionFormatError(f"{folder}: no query of the split {split!r} is judged; check it")
    write_text(output / "questions.jsonl", json_lines(rows), make_folder=True)
    return n_documents, len(rows)


def _text(record: dict[str, Any]) -> str:
    """Put a document together as it will be loaded again."""
    parts = [unify_newlines(str(record.get(key) or "")).strip() for key in ("title", "text")]
    # A byte order mark would go, a zero byte would make it no text.
    return "\n\n".join(filter(None, parts)).replace("\ufeff", "").replace("\0", " ") + "\n"


def _file(name: str) -> str:
    return f"{safe_name(name)}.txt"


def _judged(path: Path) -> dict[str, list[str]]:
    judged: defaultdict[str, list[str]] = defaultdict(list)
    for number, line in _lines(path):
        where = f"{path}:{number}"
        cells = next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE))
        if number == 1 and cells[-1].strip() == "score":
            continue
        try:
            query, document, score = cells
            is_relevant = float(score) > 0
        except ValueError as error:
            raise malformed(
                where, f"expected query, document and score, got {shorten(line)}"
            ) from error
        if is_relevant:
            judged[query].append(document)
    return judged


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in _lines(path):
        where = f"{path}:{number}"
        yield where, parse_object(where, line)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield number, line.rstrip("\n")
    except OSError as error:
        raise QuestionFormatError(
            f"{path}: cannot be read: {error.strerror}; a BEIR folder has it"
        ) from error
    except UnicodeDecodeError as error:
        raise QuestionFormatError(f"{path}: is not UTF-8; save it as such") from error


def _id(where: str, record: dict[str, Any]) -> str:
    name = record.get("_id")
    if not isinstance(name, str) or not name.strip():
        raise malformed(where, f'expected a text as "_id", got {shorten(record)}')
    return name
