"""The document as the page shows it: numbered passages, as HTML in which all text is escaped."""

from bisect import bisect_right
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from corpus import split_sentences
from corpus.errors import QuestionFormatError
from index.contents import Contents

# Shorter lines are verses, lists or addresses and keep their breaks; longer ones are wrapped prose.
_SHORTEST_WRAPPED_LINE = 40


class Place(NamedTuple):
    """A half-open range of offsets in a document's text."""

    start: int
    end: int


class DocumentView:
    """Documents cut into passages, found by offset and rendered as HTML.

    Passage numbers count from 1 over all documents in reading order.
    """

    def __init__(self, contents: Contents) -> None:
        self.documents = contents.documents
        self.passages = contents.passages
        self._rows = contents.rows

    def title(self, document_id: str) -> str:
        """Return the title of a document; its id where it has none."""
        return self.documents[document_id].title or document_id

    def n_passages(self, document_id: str) -> int:
        """Return how many passages a document has."""
        return len(self._rows[document_id])

    def passage_number(self, document_id: str, offset: int) -> int:
        """Return the number of the passage at an offset, or of the one before it."""
        rows = self._rows[document_id]
        position = bisect_right(rows, offset, key=lambda row: self.passages[row].start) - 1
        return rows[max(position, 0)] + 1 if rows else 0

    def html(self, document_id: str) -> str:
        """Render a document.

        The text content of each passage's element is the passage's text, character by character, so
        that the page can find an offset in it.

        Raises:
            QuestionFormatError: There is no such document.
        """
        if document_id not in self.documents:
            raise QuestionFormatError(f"{document_id!r}: no such document")
        document = self.documents[document_id]
        return "".join(
            self._passage_html(row, document.title if position == 0 else "")
            for position, row in enumerate(self._rows[document_id])
        )

    def _passage_html(self, row: int, title: str) -> str:
        passage = self.passages[row]
        sentences = split_sentences(passage.text)
        blocks = "".join(
            f'<span class="{_block_class(block, title)}">{escape(block)}</span>'
            for block in _blocks(passage.text, sentences)
        )
        return (
            f'<section class="passage" id="passage-{row + 1}" data-number="{row + 1}" '
            f'data-start="{passage.start}" data-end="{passage.end}">{blocks}</section>'
        )


def _blocks(text: str, sentences: Sequence[tuple[int, int]]) -> list[str]:
    """Cut a passage at its blank lines; the pieces joined are the passage."""
    bounds = [0]
    bounds += [
        start for (_, end), (start, _) in pairwise(sentences) if text[end:start].count("\n") > 1
    ]
    bounds.append(len(text))
    return [text[start:end] for start, end in pairwise(bounds)]


def _block_class(block: str, title: str) -> str:
    words = block.strip()
    if title and words.strip("#*_= \t") == title:
        return "block headline"
    lines = words.split("\n")
    is_prose = all(len(line) >= _SHORTEST_WRAPPED_LINE for line in lines[:-1])
    return "block" if is_prose else "block lines"
