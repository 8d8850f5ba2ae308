"""Where the documents say the words of an answer, in the form in which words are compared."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from string import whitespace

from bot.near_duplicates import ALIKE, PUNCTUATION, fold
from bot.questions import Evidence
from corpus.documents import Document

# Thai is the first of the scripts that set no space between words, or hang endings on them.
_FIRST_WITHOUT_SPACES = "\u0e00"


class DocumentWords:
    """What the documents say, in the form in which words are compared."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self.documents = documents
        self._all = "\0".join(fold(document.text) for document in documents.values())
        self.hold = cache(self._hold)
        self._folded = cache(lambda document_id: _Folded(documents[document_id].text))

    def _hold(self, answer: str) -> bool:
        """Tell whether an answer stands in any document, and not only within a longer word."""
        return next(_places(fold(answer), self._all), None) is not None

    def stand_around(self, answer: str, place: Evidence) -> bool:
        """Tell whether a place, but for punctuation at its ends, is a part of an answer there."""
        text = self.documents[place.document_id].text
        found = text[place.start : place.end].translate(ALIKE)
        start = place.end - len(found.lstrip(PUNCTUATION + whitespace))
        end = place.start + len(found.rstrip(PUNCTUATION + whitespace))
        if start >= end or _cuts_a_word(text, start) or _cuts_a_word(text, end):
            return False
        document, words = self._folded(place.document_id), fold(answer)
        return any(
            document.offset(first) <= start and end <= document.offset(first + len(words) - 1) + 1
            for first in _places(words, document.text)
        )

    def only_place(self, answers: Sequence[str], lost: Evidence) -> Evidence | None:
        """Find where the words of lost evidence stand in its document, if they stand there once.

        They were those answers that are as long as the evidence; where none is, any of them.
        """
        if lost.document_id not in self.documents:
            return None
        document = self._folded(lost.document_id)
        likely = [answer for answer in answers if len(answer) == lost.end - lost.start] or answers
        spans = {
            (start, start + len(answer))
            for answer in map(fold, likely)
            for start in _places(answer, document.text)
        }
        widest: list[tuple[int, int]] = []
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            if not widest or end > widest[-1][1]:
                widest.append((start, end))
        if len(widest) != 1:
            return None
        [(start, end)] = widest
        return Evidence(lost.document_id, document.offset(start), document.offset(end - 1) + 1)


class _Folded:
    """A text as `fold` has it, with the way back to its offsets."""

    def __init__(self, text: str) -> None:
        self.text = fold(text, strip=False)
        removed = 0
        self._ends, self._removed = [0], [0]
        for gap in re.finditer(r"\s{2,}", text):
            removed += len(gap[0]) - 1
            self._ends.append(gap.end() - removed)
            self._removed.append(removed)

    def offset(self, place: int) -> int:
        """Return where a character of the folded text stands in the text itself."""
        return place + self._removed[bisect_right(self._ends, place) - 1]


def _places(words: str, text: str) -> Iterator[int]:
    """Find where words stand in a text without being part of longer ones."""
    start = text.find(words)
    while start >= 0:
        if not _cuts_a_word(text, start) and not _cuts_a_word(text, start + len(words)):
            yield start
        start = text.find(words, start + 1)


def _cuts_a_word(text: str, place: int) -> bool:
    return 0 < place < len(text) and all(
        character.isalnum() and character < _FIRST_WITHOUT_SPACES
        for character in text[place - 1 : place + 1]
    )
