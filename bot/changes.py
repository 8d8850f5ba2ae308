"""Two runs of the same questions are held against each other: which answers are others now."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from bot.questions import malformed, parse_object, read_text, shorten

Record = Mapping[str, Any]
Kind = Literal["changed", "appeared", "vanished"]
_KINDS: tuple[Kind, ...] = ("changed", "appeared", "vanished")
_MAX_SHOWN = 300


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """An answer that is another than before.

    Attributes:
        kind: "appeared" where the bot abstained before, "vanished" where it does now.
        old: The record of the answers file from before.
        new: The record now.
    """

    kind: Kind
    old: Record
    new: Record

    @classmethod
    def of(cls, old: Record, new: Record) -> Self | None:
        """Compare two answers to a question; None where they are the same."""
        before, now = _words(old), _words(new)
        if before == now:
            return None
        if not before:
            return cls("appeared", old, new)
        return cls("changed" if now else "vanished", old, new)


@dataclass(frozen=True, slots=True)
class RunChanges:
    """What differs between two runs.

    Attributes:
        n_compared: How many questions both runs asked.
        changes: Their answers that are others now, in the order of the later run.
    """

    n_compared: int
    changes: tuple[AnswerChange, ...]


def load_records(path: Path) -> list[Record]:
    """Read an answers file.

    Raises:
        QuestionFormatError: The file cannot be read, or a line is no answer.
    """
    lines = enumerate(read_text(path).split("\n"), start=1)
    return [_parse_record(f"{path}:{number}", line) for number, line in lines if line.strip()]


def compare_runs(old: Sequence[Record], new: Sequence[Record]) -> RunChanges:
    """Find the answers that changed between two runs.

    An answer is another where its words are, white space and case apart. The same words at another
    place of the documents are the same answer.

    Args:
        old: The records of an answers file.
        new: Those of another. Questions that are not in both are passed over.
    """
    before = {(record["id"], record["question"]): record for record in old}
    pairs = [
        (before[key], record)
        for record in new
        if (key := (record["id"], record["question"])) in before
    ]
    changes = (AnswerChange.of(*pair) for pair in pairs)
    return RunChanges(len(pairs), tuple(change for change in changes if change))


def format_changes(found: RunChanges) -> str:
    """Lay changes out as text, each with the passages that the two answers stand in."""
    counts = ", ".join(
        f"{sum(change.kind == kind for change in found.changes):,} {kind}" for kind in _KINDS
    )
    noun = "answer" if found.n_compared == 1 else "answers"
    lines = [f"{found.n_compared:,} {noun} compared: {counts}"]
    for change in found.changes:
        lines += ["", f"{change.kind:8} {change.new['id']}  {_shown(change.new['question'])}"]
        for name, record in (("before", change.old), ("now", change.new)):
            lines += [f"  {name:6} {line}" for line in _answer_lines(record)]
    return "\n".join(lines)


def _parse_record(where: str, line: str) -> Record:
    record = parse_object(where, line)
    if not all(isinstance(record.get(key), str) for key in ("id", "question", "answer")):
        raise malformed(
            where,
            f'expected an answer with "id", "question" and "answer", got {shorten(record)}',
        )
    for key in ("citations", "passages"):
        entries = record.setdefault(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise malformed(where, f'"{key}" must be a list of objects, got {shorten(entries)}')
    return record


def _answer_lines(record: Record) -> Iterator[str]:
    if not record["answer"]:
        yield "no answer"
        return
    yield _shown(record["answer"])
    for citation in record["citations"][:1]:
        place = "{document}:{start}-{end}".format_map(_Known(citation))
        yield f"{_shown(place)}  {_shown(_passage_text(record, citation))}"


class _Known(dict[str, Any]):
    """Whatever a citation lacks is a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


def _passage_text(record: Record, citation: Record) -> str:
    """Return the text of the passage of a quote; the quote where the passage is not reported."""
    place = citation.get("document"), citation.get("passage_start")
    for passage in record["passages"]:
        if (passage.get("document"), passage.get("start")) == place:
            return str(passage.get("text"))
    return str(citation.get("quote"))


def _words(record: Record) -> list[str]:
    return str(record["answer"]).casefold().split()


def _shown(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text)
    return textwrap.shorten(printable, _MAX_SHOWN, placeholder=" …")
