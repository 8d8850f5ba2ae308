"""What a reader of a format gives back: one plain text, and where its parts begin."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from corpus.documents import Mark, unify_newlines
from corpus.text import cleaned

_MAX_LABEL = 80
_BREAKS = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_NUMBER = re.compile(r"[-+(]?[^\w\s]{0,2}[\d.,:/ -]+[^\w\s]{0,2}\)?")


@dataclass(frozen=True, slots=True)
class Extracted:
    """The content of a file.

    Attributes:
        text: Paragraphs parted by blank lines, lists and tables as lines.
        marks: Where pages and headings begin in it.
        title: What the file itself names as its title, or "".
    """

    text: str
    marks: tuple[Mark, ...] = ()
    title: str = ""


class TextBuilder:
    """Puts blocks together into one text and keeps where pages and headings begin."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._last = 0
        self._marks: list[Mark] = []
        self._waiting: list[tuple[str, str, int]] = []

    def mark(self, kind: str, label: str, level: int = 0) -> None:
        """Let a page or heading begin with the block that is added next."""
        if label := label_of(label):
            self._waiting.append((kind, label, level))

    def add(self, block: str, *, gap: str = "\n\n") -> None:
        """Add a paragraph, a list or a table; one without words is passed over.

        Args:
            block: Its text; blank lines in it become single line breaks.
            gap: What parts it from the block before it.
        """
        block = _BREAKS.sub("\n", cleaned(unify_newlines(block))).strip("\n").rstrip()
        if not block:
            return
        if self._parts:
            self._append(gap)
        self._last = self._length
        self._marks += [Mark(self._length, *waiting) for waiting in self._waiting]
        self._waiting.clear()
        self._append(block)

    def add_heading(self, words: str, level: int) -> None:
        """Add a heading and let what follows stand under it."""
        words = " ".join(words.split())
        if words:
            self.mark("heading", words, level)
            self.add(words)

    def mark_within(self, kind: str, label: str, offset: int) -> None:
        """Let a page begin inside the block that was added last, at an offset in it."""
        self._marks.append(Mark(self._last + offset, kind, label))

    def build(self, *, title: str = "") -> Extracted:
        """Return what was added."""
        title = " ".join(cleaned(title).split())
        return Extracted("".join(self._parts), tuple(self._marks), title)

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def label_of(words: str) -> str:
    """Write the words of a heading in one line that fits beside a citation."""
    label = " ".join(cleaned(words).split())
    if len(label) > _MAX_LABEL:
        label = label[:_MAX_LABEL].rsplit(" ", 1)[0] + " …"
    return label


def table_lines(rows: Iterable[Sequence[str]]) -> str:
    """Write a table with a line for each row and bars between its cells."""
    lines = (" | ".join(" ".join(cell.split()) for cell in row) for row in rows)
    return "\n".join(line for line in lines if line.strip(" |"))


def record_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Write each row of a data table by itself, the names of the columns beside the values.

    A first row of words, no two of them the same, names the columns. Empty cells are left out.
    """
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    if not has_header(rows):
        return [" | ".join(cell for cell in row if cell) for row in rows]
    names = rows[0]
    return [
        " | ".join(
            f"{names[i]}: {cell}" if i < len(names) and names[i] else cell
            for i, cell in enumerate(row)
            if cell
        )
        for row in rows[1:]
    ]


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names the columns: all words, no two of them the same."""
    if len(rows) < 2:
        return False
    names = [name.strip() for name in rows[0]]
    while names and not names[-1]:
        names.pop()
    return (
        len(names) > 1
        and all(names)
        and len(set(names)) == len(names)
        and not any(_NUMBER.fullmatch(name) for name in names)
    )
