"""Every quote of an answers file is read again in its document; no model and no index is needed."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.questions import malformed, parse_object, shorten
from corpus.documents import Document
from corpus.errors import QuestionFormatError


@dataclass(frozen=True, slots=True)
class Check:
    """What came of the check of one answer.

    Attributes:
        n_quotes: How many quotes and passages were read again.
        problems: What is not as the documents have it, a line each that names file, line and id.
    """

    n_quotes: int
    problems: tuple[str, ...]


def verify_answers(path: Path, documents: Mapping[str, Document]) -> Iterator[Check]:
    """Check an answers file line by line, so that its size does not matter.

    Args:
        path: The file, as `observer run` writes it.
        documents: By id.

    Raises:
        QuestionFormatError: The file cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield _check_line(f"{path}:{number}", line.rstrip("\n"), documents)
    except OSError as error:
        raise QuestionFormatError(
            f"{path}: cannot be read: {error.strerror}; check the name"
        ) from error
    except UnicodeDecodeError as error:
        raise QuestionFormatError(f"{path}: is not UTF-8; write it anew by observer run") from error


def _check_line(where: str, line: str, documents: Mapping[str, Document]) -> Check:
    try:
        return _check(where, parse_object(where, line), documents)
    except QuestionFormatError as error:
        # What the lines after it quote is still to be read.
        return Check(0, (str(error),))


def _check(where: str, record: Mapping[str, Any], documents: Mapping[str, Document]) -> Check:
    name, answer = record.get("id"), record.get("answer")
    if not isinstance(name, str) or not isinstance(answer, str):
        raise malformed(where, f'expected an answer with "id" and "answer", got {shorten(record)}')
    listed = [
        (entry.get("document"), entry.get("start"), entry.get("end"))
        for entry in _entries(where, record, "passages")
    ]
    n_entries, problems = 0, []
    for kind in ("citation", "alternative", "passage"):
        for number, entry in enumerate(_entries(where, record, f"{kind}s"), start=1):
            n_entries += 1
            found = _problems(entry, "text" if kind == "passage" else "quote", listed, documents)
            problems += [f"{kind} {number}: {problem}" for problem in found]
    quotes = [entry.get("quote") for entry in _entries(where, record, "citations")]
    problems += _problems_of_answer(answer, quotes)
    return Check(n_entries, tuple(f"{where}: {name}: {problem}" for problem in problems))


def _entries(where: str, record: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    entries = record.get(key) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise malformed(where, f'"{key}" must be a list of objects, got {shorten(entries)}')
    return entries


def _problems(
    entry: Mapping[str, Any],
    words: str,
    listed: Collection[tuple[Any, Any, Any]],
    documents: Mapping[str, Document],
) -> Iterator[str]:
    document = documents.get(str(entry.get("document")))
    if document is None:
        yield f"there is no document {shorten(entry.get('document'))}"
        return
    text = entry.get(words)
    start: Any = entry.get("start")
    end: Any = entry.get("end")
    if not _is_place(start, end, document):
        place = _place(document, start, end)
        yield f"{place} is no place in it, of {len(document.text)} characters"
        return
    found = document.text[start:end]
    if found != text:
        yield (
            f"{_place(document, start, end)} reads {shorten(found)}, "
            f"not {shorten(text)}{_elsewhere(document, text)}"
        )
    first, last = entry.get("passage_start", start), entry.get("passage_end", end)
    if not _is_place(first, last, document) or not (first <= start and end <= last):
        yield f"its passage {_place(document, first, last)} does not hold it"
    elif "passage_start" in entry and (other := _with_one_end(document, first, last, listed)):
        yield f"its passage {_place(document, first, last)} is listed as {other}"
    location = document.location(start)
    if entry.get("location", location) != location:
        yield f"stands at {shorten(location)}, not at {shorten(entry['location'])}"


def _with_one_end(
    document: Document, start: int, end: int, listed: Collection[tuple[Any, Any, Any]]
) -> str:
    """Name the listed passage that has one end of a passage and not the other; "" if none has."""
    if (document.id, start, end) in listed:
        return ""
    for name, first, last in listed:
        if name == document.id and (first == start) != (last == end):
            return _place(document, first, last)
    return ""


def _is_place(start: object, end: object, document: Document) -> bool:
    return type(start) is type(end) is int and 0 <= start < end <= len(document.text)


def _place(document: Document, start: object, end: object) -> str:
    return f"{document.id}:{start}-{end}"


def _elsewhere(document: Document, text: object) -> str:
    """Say where the words stand now, if they stand in the document once."""
    if not isinstance(text, str) or not text or document.text.count(text) != 1:
        return ""
    start = document.text.index(text)
    return f"; that stands at {_place(document, start, start + len(text))}"


def _problems_of_answer(answer: str, quotes: list[Any]) -> Iterator[str]:
    """Tell an answer that is not made of its quotes: of the first, or of all for a summary."""
    if not answer.strip():
        if quotes:
            yield "abstains, but quotes"
    elif not quotes:
        yield f"answers {shorten(answer)} without a quote"
    elif answer not in (quotes[0], " ".join(map(str, quotes))):
        yield f"answers {shorten(answer)}, which is not what it quotes"
