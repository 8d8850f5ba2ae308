"""A document: a name, a text whose offsets never change, and the file it came from."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a part of a document begins: a page, or a heading (with what is under it).

    Attributes:
        start: Offset of its first character (code point) in the document's text.
        kind: "page", "slide", "sheet" or "heading".
        label: What a reader calls it: the number of a page from 1, the words of a heading.
        level: Of a heading, from 1; of other kinds 0.
    """

    start: int
    kind: str
    label: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A text to answer from.

    Offsets everywhere in the project count code points in `text`, after decoding, without a byte
    order mark and with every line break as a single newline.

    Attributes:
        id: Path relative to the folder it was loaded from, with forward slashes.
        text: The whole text.
        title: Its first heading or headline; "" where there is none.
        sha256: SHA-256 of the file's bytes, in hexadecimal.
        path: The file it was loaded from, or None for a text that never was a file.
        marks: Where its pages and headings begin, sorted by start; empty where none are known.
    """

    id: str
    text: str
    title: str
    sha256: str
    path: Path | None = None
    marks: tuple[Mark, ...] = ()

    @classmethod
    def from_text(cls, document_id: str, text: str, *, title: str = "") -> Self:
        """Make a document from a text in memory; its line breaks are unified as at load."""
        return cls(
            id=document_id,
            text=unify_newlines(text),
            title=title,
            sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        )

    def location(self, start: int) -> str:
        """Say where an offset stands as a reader would: "page 4, Results"; "" if nothing is known.

        Headings are given as the path to the nearest one, without the document's title.
        """
        place = ""
        path: list[Mark] = []
        for mark in self.marks:
            if mark.start > start:
                break
            if mark.kind == "heading":
                path = heading_path(path, mark)
            else:
                place = f"{mark.kind} {mark.label}"
        return ", ".join(part for part in (place, self.path_label(path)) if part)

    def path_label(self, path: Iterable[Mark]) -> str:
        """Write a path of headings, without one that only repeats the document's title."""
        return " › ".join(mark.label for mark in path if mark.label != self.title)


def heading_path(path: Sequence[Mark], heading: Mark) -> list[Mark]:
    """Return the headings that a new heading stands under, and that heading itself."""
    return [*(mark for mark in path if mark.level < heading.level), heading]


def unify_newlines(text: str) -> str:
    r"""Turn every `\r\n` and `\r` into `\n`."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
