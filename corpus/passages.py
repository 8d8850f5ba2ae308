"""Documents become passages: paragraphs, fragments joined, long ones cut at sentence ends."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from corpus.documents import Document, Mark, heading_path
from corpus.sentences import split_sentences

_BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
# Hard-wrapped text has shorter lines: a line of this many characters is a paragraph of its own.
_UNWRAPPED_LINE = re.compile(r"(?<=[^\n]{120})\n")
_SENTENCE_END = re.compile(r"[.!?…。！？។]['\"”’»)\]*_]*$")
_BYLINE = re.compile(
    r"^[^\w\n]*(?:(?i:written by|posted by|author:?)\s+\S|[Bb][Yy]\s+[A-Z])", re.MULTILINE
)
_SPACES = re.compile(r"\s+")
# An encoder may take an unknown word of any length for one token, a whole paragraph in a script
# that sets no spaces.
_MAX_CHARACTERS_PER_TOKEN = 20
_JOINERS = frozenset("\u200d\u17d2")  # zero-width joiner, Khmer coeng
_MAX_NUDGE = 8
_MIN_ROOM = 8
_SURE_SHARE = 0.75
_PARTING_LEVEL = 2
_MAX_HEADING_WORDS = 20

FRONT_CONTEXT = "Title of the document, where and when it was published:"
BYLINE_CONTEXT = "Author: who wrote the document, its writer and signature:"


@dataclass(frozen=True, slots=True)
class SplitSettings:
    """How documents are cut into passages.

    Attributes:
        min_words: A paragraph of fewer words joins its neighbours; so does one of up to twice as
            many that does not end as a sentence does, such as a headline.
        max_tokens: The longest passage, counted by the encoder that will embed it; 0 means as long
            as the encoder reads.
    """

    min_words: int = 15
    max_tokens: int = 0

    def __post_init__(self) -> None:
        if self.min_words < 0:
            raise ValueError(f"min_words must be at least 0, got {self.min_words}")
        if self.max_tokens != 0 and self.max_tokens < 16:
            raise ValueError(f"max_tokens must be 0 or at least 16, got {self.max_tokens}")


@dataclass(frozen=True, slots=True)
class Passage:
    """A contiguous slice of a document.

    `document.text[passage.start:passage.end] == passage.text` always holds, so an offset inside a
    passage becomes an offset in its document by adding `start`.

    Attributes:
        document_id: Id of the document the passage was cut from.
        start: Offset of the first character (code point) in the document's text.
        end: Offset after the last character, as in a Python slice.
        text: The slice itself, with nothing stripped or normalised.
        context: Words that the passage is found by but that are no part of it: what a headline or
            a signature is, which its own words do not say. Never quoted.
    """

    document_id: str
    start: int
    end: int
    text: str
    context: str = ""

    @property
    def searchable_text(self) -> str:
        """The text to embed and to index: the context, if any, and the passage."""
        return f"{self.context}\n{self.text}" if self.context else self.text


def split_document(
    document: Document,
    settings: SplitSettings | None = None,
    *,
    count_tokens: Callable[[str], int] = lambda text: len(text.split()),
    max_tokens: int = 180,
) -> list[Passage]:
    """Cut a document into passages.

    Args:
        document: The document to cut.
        settings: When to join and when to cut.
        count_tokens: Length of a text in the unit of `max_tokens`: the encoder's tokens, or words.
        max_tokens: The encoder's window, used where the settings do not name a shorter one.

    Returns:
        Passages in reading order that do not overlap; every word of the document is in one of
        them. A document without words has no passages.
    """
    settings = settings or SplitSettings()
    limit = min(settings.max_tokens or max_tokens, max_tokens)
    passages: list[Passage] = []
    under = _Headings(document)
    for start, end in _joined_blocks(document, settings.min_words):
        context = _context(
            document.text[start:end], is_first=not passages, min_words=settings.min_words
        )
        context = "\n".join(part for part in (under.context(start, end), context) if part)
        room = limit - (count_tokens(context) if context else 0)
        room = max(room, min(limit, _MIN_ROOM))
        for piece_start, piece_end in _cut(document.text, start, end, count_tokens, room):
            passages.append(
                Passage(
                    document_id=document.id,
                    start=piece_start,
                    end=piece_end,
                    text=document.text[piece_start:piece_end],
                    context=context,
                )
            )
    return passages


class _Headings:
    """The headings that passages stand under, asked for in reading order."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._marks = iter([m for m in document.marks if m.kind in {"heading", "sheet"}])
        self._next = next(self._marks, None)
        self._path: list[Mark] = []

    def context(self, start: int, end: int) -> str:
        """Name the headings above a block; those in it speak for themselves."""
        while self._next is not None and self._next.start < start:
            self._advance(self._next)
        label = self._document.path_label(self._path)
        while self._next is not None and self._next.start < end:
            if self._next.start == start:
                path = heading_path(self._path, self._next)[:-1]
                label = self._document.path_label(path)
            self._advance(self._next)
        return " ".join(label.split()[-_MAX_HEADING_WORDS:])

    def _advance(self, mark: Mark) -> None:
        self._path = heading_path(self._path, mark)
        self._next = next(self._marks, None)


def _joined_blocks(document: Document, min_words: int) -> Iterator[tuple[int, int]]:
    """Yield paragraphs, short ones joined but not over the heading of a part or a chapter."""
    parts: list[list[tuple[int, int]]] = [[]]
    starts = {
        mark.start
        for mark in document.marks
        if mark.kind in {"sheet", "slide"} or 0 < mark.level <= _PARTING_LEVEL
    }
    headings = {mark.start for mark in document.marks if mark.kind == "heading"}
    for block in _blocks(document.text):
        # A heading right under a heading stays with it.
        if block[0] in starts and any(start not in headings for start, _ in parts[-1]):
            parts.append([])
        parts[-1].append(block)
    for part in parts:
        yield from _join_fragments(document.text, iter(part), min_words)


def find_title(text: str) -> str:
    """Find the headline of a text: its first paragraph where that is short and no sentence."""
    for start, end in _blocks(text):
        first_line = text[start:end].split("\n", 1)[0].strip()
        headline = first_line.strip("#*_= \t")
        is_marked = first_line.startswith("#")
        if headline and (
            is_marked or (_n_words(headline) <= 30 and not _SENTENCE_END.search(headline))
        ):
            return headline
        return ""
    return ""


def paragraph_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the offsets of what blank lines part, without surrounding white space."""
    yield from _between(text, [match.span() for match in _BLANK_LINES.finditer(text)])


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield the paragraphs, long lines among them, without surrounding white space."""
    gaps = [m.span() for regex in (_BLANK_LINES, _UNWRAPPED_LINE) for m in regex.finditer(text)]
    yield from _between(text, sorted(gaps))


def _between(text: str, gaps: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    bounds = [(0, 0), *gaps, (len(text), len(text))]
    for (_, start), (end, _) in pairwise(bounds):
        piece = text[start:end]
        if words := piece.strip():
            offset = start + piece.index(words)
            yield offset, offset + len(words)


def _join_fragments(
    text: str, blocks: Iterator[tuple[int, int]], min_words: int
) -> Iterator[tuple[int, int]]:
    """Join fragments (headlines, datelines, signatures) with each other or with what they lead to.

    Fragments that follow one another make a passage once they hold `min_words`; a shorter run joins
    the paragraph after it, and at the end of the document the one before it.
    """
    run: tuple[int, int] | None = None
    last: tuple[int, int] | None = None
    for block in blocks:
        joined = block if run is None else (run[0], block[1])
        if _is_fragment(text[block[0] : block[1]], min_words):
            if run and _n_words(text[run[0] : run[1]]) >= 3 * min_words:
                yield from (span for span in (last, run) if span)
                last, run = None, block
            else:
                run = joined
            continue
        if last:
            yield last
        if run and _n_words(text[run[0] : run[1]]) >= min_words:
            yield run
            last = block
        else:
            last = joined
        run = None
    if run and last and _n_words(text[run[0] : run[1]]) < min_words:
        last, run = (last[0], run[1]), None
    yield from (span for span in (last, run) if span)


def _is_fragment(text: str, min_words: int) -> bool:
    n_words = _n_words(text)
    return n_words < min_words or (n_words < 2 * min_words and not _SENTENCE_END.search(text))


def _context(text: str, *, is_first: bool, min_words: int) -> str:
    """Say what a headline or a byline is; other passages speak for themselves."""
    parts = []
    first_block = next(_blocks(text), (0, 0))
    if is_first and _is_fragment(text[first_block[0] : first_block[1]], min_words):
        parts.append(FRONT_CONTEXT)
    if _BYLINE.search(text) and any(
        _BYLINE.search(text[start:end]) and _is_fragment(text[start:end], min_words)
        for start, end in _blocks(text)
    ):
        parts.append(BYLINE_CONTEXT)
    return " ".join(parts)


def _cut(
    text: str, start: int, end: int, count_tokens: Callable[[str], int], max_tokens: int
) -> Iterator[tuple[int, int]]:
    """Yield pieces of at most `max_tokens`, cut at sentence ends where there are any."""
    if _fits(text, start, end, count_tokens, max_tokens):
        yield start, end
        return
    sentences = [(start + first, start + last) for first, last in split_sentences(text[start:end])]
    if len(sentences) < 2:
        yield from _halve(text, start, end, count_tokens, max_tokens)
        return
    piece = sentences[0]
    n_tokens = _n_tokens(text, *piece, count_tokens, max_tokens)
    for sentence in sentences[1:]:
        n_more = _n_tokens(text, *sentence, count_tokens, max_tokens)
        joined = (piece[0], sentence[1])
        # Counting the whole again with every sentence takes long; far from the limit a sum will do.
        n_joined = n_tokens + n_more
        is_long = joined[1] - joined[0] > _MAX_CHARACTERS_PER_TOKEN * max_tokens
        if is_long or n_joined > _SURE_SHARE * max_tokens:
            n_joined = _n_tokens(text, *joined, count_tokens, max_tokens)
        if n_joined <= max_tokens:
            piece, n_tokens = joined, n_joined
        else:
            yield from _halve(text, *piece, count_tokens, max_tokens)
            piece, n_tokens = sentence, n_more
    yield from _halve(text, *piece, count_tokens, max_tokens)


def _halve(
    text: str, start: int, end: int, count_tokens: Callable[[str], int], max_tokens: int
) -> Iterator[tuple[int, int]]:
    """Yield a sentence whole, or in halves cut at the space nearest to its middle."""
    if end - start < 2 or _fits(text, start, end, count_tokens, max_tokens):
        yield start, end
        return
    left, right = _middle(text, start, end)
    yield from _halve(text, start, left, count_tokens, max_tokens)
    yield from _halve(text, right, end, count_tokens, max_tokens)


def _fits(
    text: str, start: int, end: int, count_tokens: Callable[[str], int], max_tokens: int
) -> bool:
    return _n_tokens(text, start, end, count_tokens, max_tokens) <= max_tokens


def _n_tokens(
    text: str, start: int, end: int, count_tokens: Callable[[str], int], max_tokens: int
) -> int:
    """Count tokens; a text that is too long at any count is not looked at."""
    if end - start > _MAX_CHARACTERS_PER_TOKEN * max_tokens:
        return max_tokens + 1
    return count_tokens(text[start:end])


def _middle(text: str, start: int, end: int) -> tuple[int, int]:
    """Find the white space nearest to the middle, or a place between two characters if none."""
    middle = (start + end) // 2
    head = text[start:middle].rstrip()
    if len(head) == middle - start:
        words = head.rsplit(maxsplit=1)
        head = words[0] if len(words) > 1 else ""
    before = _SPACES.match(text, start + len(head)) if head else None
    after = _SPACES.search(text, before.end() if before else middle, end)
    spaces = [match for match in (before, after) if match]
    if spaces:
        return min(spaces, key=lambda match: abs(match.start() - middle)).span()
    # Not between a letter or emoji and what is drawn onto it.
    for place in range(middle, min(middle + _MAX_NUDGE, end)):
        if text[place - 1] not in _JOINERS and not _joins_what_is_before(text[place]):
            return place, place
    return middle, middle


def _joins_what_is_before(character: str) -> bool:
    return unicodedata.category(character).startswith("M") or character in _JOINERS


def _n_words(text: str) -> int:
    """Count words; scripts that write none apart count one for every eight characters."""
    return max(len(text.split()), len(text) // 8 if not text.isascii() else 0)
