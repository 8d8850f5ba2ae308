"""The lines of PDF pages become paragraphs, headings, lists and tables in reading order."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

from corpus.formats.pdf_outline import Entry, place_entries
from corpus.formats.structure import TextBuilder

_MARGIN = 0.12  # share of the page's height where running headers and page numbers stand
_PAGE_NUMBER = re.compile(
    r"(?:page|p\.|seite|página)?\s*[-–—|]?\s*(?:\d{1,4}|[ivxlc]{1,7})\s*[-–—|]?"
    r"(?:\s*(?:of|/|von|de)\s*\d{1,4})?",
    re.I,
)
# What a browser prints around a page: the date and the title, the address and "3/10".
_PRINTED = re.compile(r"\d{1,2}/\d{1,2}/\d{2,4}, \d{1,2}:\d\d\D.*|\w+://\S+ .*?\d+/\d+", re.S)
_BULLET = re.compile(r"[-•●▪◦‣·–*o\uf0b7\uf0a7]\s+\S|(?:\d{1,2}|[a-z])[.)]\s+\S")
_SENTENCE_END = re.compile(r"[.!?…:;。！？។]['\"”’»)\]]*$")
_HYPHENATED = re.compile(r"\b\w+-\w+\b")
_HYPHENATED_SHARE = 0.02
_PREFIXES = frozenset("self well ex non half cross all long short high low full e".split())
_WIDE_PITCH = 1.35
_OTHER_SIZE = 1.12
_MAX_HEADING_WORDS = 20
_MAX_HEADING_LINES = 3


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of words on one line of a page; measures in points, upwards from the page's bottom.

    Attributes:
        text: The words.
        left: Where they begin.
        right: Where they end.
        baseline: The height that they stand on.
        size: The size of the font.
        row: Segments of one row stand on the same line, as cells or columns do.
        is_bold: Whether most of it is.
    """

    text: str
    left: float
    right: float
    baseline: float
    size: float
    row: int
    is_bold: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its number from 1, its lower and upper edge, and its segments in stored order."""

    number: int
    bottom: float
    top: float
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a block.

    Attributes:
        segments: From left to right.
        page: Where it stands.
        breaks: Whether it begins a line of the text too, as rows of tables and list items do.
    """

    segments: Sequence[Segment]
    page: int
    breaks: bool

    @property
    def words(self) -> str:
        return " | ".join(segment.text.strip() for segment in self.segments)


# Lines that belong together: a paragraph, a heading, a list or a table.
_Block = list[_Line]


def add_pages(pages: Sequence[Page], builder: TextBuilder, outline: Sequence[Entry] = ()) -> None:
    """Write pages as text, with a mark where each page and each heading begins.

    Args:
        pages: In order.
        builder: What takes the text.
        outline: Gives the headings of pages that show none.
    """
    repeated = _repeated(pages)
    kept = [_without_margins(page, repeated, len(pages)) for page in pages]
    segments = [segment for page in kept for segment in page.segments]
    sizes: Counter[float] = Counter()
    for segment in segments:
        sizes[segment.size] += len(segment.text)
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    hyphens = _Hyphens([segment.text for segment in segments])
    blocks = [block for page in kept for block in _blocks(page, body)]
    levels = _levels(blocks, body)
    marked = 0
    written = [(block, *_text(block, hyphens)) for block in _joined_over_pages(blocks, body)]
    entries = place_entries(
        outline,
        [(block[0].page, text) for block, text, _ in written],
        {number for number, (block, *_) in enumerate(written) if levels(block)},
    )
    for number, (block, text, page_breaks) in enumerate(written):
        if block[0].page > marked:
            builder.mark("page", str(block[0].page))
        for entry in entries.get(number, ()):
            builder.mark("heading", entry.title, entry.level)
        if level := levels(block):
            builder.add_heading(text, level)
        else:
            builder.add(text)
        for page, offset in page_breaks:
            builder.mark_within("page", str(page), offset)
        marked = block[-1].page


def _repeated(pages: Sequence[Page]) -> set[tuple[bool, str]]:
    """Find what stands in the margins of many pages: running headers and footers."""
    counts: Counter[tuple[bool, str]] = Counter()
    for page in pages:
        counts.update({(at_top, _shape(line)) for at_top, line in _margin_lines(page)})
    least = max(2, 0.3 * len(pages)) if len(pages) < 10 else 3
    return {line for line, n in counts.items() if n >= least}


def _shape(line: Sequence[Segment]) -> str:
    words = " ".join(segment.text for segment in line)
    return re.sub(r"\d+", "#", " ".join(words.lower().split()))


def _margin_lines(page: Page) -> Iterator[tuple[bool, Sequence[Segment]]]:
    height = page.top - page.bottom
    for line in _lines(page.segments):
        middle = line[0].baseline
        if middle > page.top - _MARGIN * height:
            yield True, line
        elif middle < page.bottom + _MARGIN * height:
            yield False, line


def _without_margins(page: Page, repeated: set[tuple[bool, str]], n_pages: int) -> Page:
    dropped: set[int] = set()
    for at_top, line in _margin_lines(page):
        words = " ".join(segment.text for segment in line).strip()
        if (
            (n_pages > 1 and (at_top, _shape(line)) in repeated)
            or _PAGE_NUMBER.fullmatch(words)
            or _PRINTED.fullmatch(words)
        ):
            dropped.add(line[0].row)
    segments = tuple(segment for segment in page.segments if segment.row not in dropped)
    return Page(page.number, page.bottom, page.top, segments)


def _lines(segments: Iterable[Segment]) -> list[list[Segment]]:
    return [list(line) for _, line in groupby(segments, key=lambda segment: segment.row)]


def _ordered(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Return lines in reading order: as stored, unless that leaps between two columns."""
    gutter = _gutter(segments)
    if gutter is None:
        return _lines(segments)
    lines: list[list[Segment]] = []
    left: list[Segment] = []
    right: list[Segment] = []
    for segment in sorted(segments, key=lambda segment: -segment.baseline):
        if segment.right <= gutter:
            left.append(segment)
        elif segment.left >= gutter:
            right.append(segment)
        else:
            lines += [[s] for s in (*left, *right, segment)]
            left, right = [], []
    return lines + [[segment] for segment in (*left, *right)]


def _gutter(segments: Sequence[Segment]) -> float | None:
    """Find the gap between two columns of prose whose lines are stored by turns."""
    if len(segments) < 10:
        return None
    first = min(segment.left for segment in segments)
    last = max(segment.right for segment in segments)
    width = last - first
    edges = sorted(
        {segment.left for segment in segments if 0.35 < (segment.left - first) / width < 0.65}
    )
    for edge in edges:
        gutter = edge - 1
        left = [s for s in segments if s.right <= gutter]
        right = [s for s in segments if s.left >= gutter]
        if min(len(left), len(right)) < 5 or len(left) + len(right) < 0.7 * len(segments):
            continue
        # Columns of a table are mostly empty.
        filled = [median(s.right - s.left for s in side) for side in (left, right)]
        if filled[0] < 0.6 * (gutter - first) or filled[1] < 0.6 * (last - gutter):
            continue
        sides = [s.left >= gutter for s in segments if s.right <= gutter or s.left >= gutter]
        n_leaps = sum(a != b for a, b in pairwise(sides))
        if n_leaps > max(4, len(sides) / 4):
            return gutter
    return None


def _blocks(page: Page, body: float) -> Iterator[_Block]:
    lines = _unjustified(_ordered(page.segments))
    if not lines:
        return
    steps = [a[0].baseline - b[0].baseline for a, b in pairwise(lines)]
    near = [step for step in steps if 0.5 * body < step < 2.5 * body]
    pitch = median(near) if near else 1.2 * body
    block = [_Line(lines[0], page.number, False)]
    for before, line in pairwise(lines):
        if _parts(before, line, pitch, _right_edge(lines, before)):
            yield block
            block = []
        breaks = len(line) > 1 or len(before) > 1 or bool(_BULLET.match(line[0].text))
        block.append(_Line(line, page.number, breaks))
    yield block


def _right_edge(lines: Sequence[Sequence[Segment]], line: Sequence[Segment]) -> float:
    """Find where the longest line of a line's column ends."""
    near = 3 * line[0].size
    return max(other[-1].right for other in lines if abs(other[0].left - line[0].left) <= near)


def _unjustified(lines: list[list[Segment]]) -> list[list[Segment]]:
    """Put together again what wide spaces parted in justified prose: a full line under another."""
    put: list[list[Segment]] = []
    for line in lines:
        above = put[-1][0] if put and len(put[-1]) == 1 else None
        first, last = line[0], line[-1]
        if (
            above is not None
            and len(line) > 1
            and len(above.text.split()) > 3
            and above.size == first.size
            and 0 < above.baseline - first.baseline < 2 * first.size
            and abs(above.left - first.left) < first.size
            and abs(above.right - last.right) < first.size
        ):
            words = " ".join(segment.text for segment in line)
            line = [replace(first, text=words, right=last.right)]
        put.append(line)
    return put


def _parts(before: Sequence[Segment], line: Sequence[Segment], pitch: float, edge: float) -> bool:
    """Tell whether a new block begins with a line."""
    last, first = before[-1], line[0]
    step = before[0].baseline - first.baseline
    scale = first.size
    if max(first.size, last.size) > _OTHER_SIZE * min(first.size, last.size):
        return True
    if len(before) == len(line) == 1 and first.is_bold != last.is_bold:
        return True
    if step < -0.5 * scale or step > _WIDE_PITCH * max(pitch, scale):
        # A new column, or space between paragraphs.
        return step > 0 or not _goes_on(last.text, first.text)
    if len(before) > 1 or len(line) > 1 or not _SENTENCE_END.search(last.text):
        return False
    is_indented = first.left > before[0].left + 0.8 * scale and not _BULLET.match(before[0].text)
    is_short = edge - last.right > 0.3 * (edge - before[0].left)
    return (is_indented or is_short) and not _BULLET.match(first.text)


def _goes_on(before: str, after: str) -> bool:
    """Tell whether a sentence goes on in the next column or on the next page."""
    if _SENTENCE_END.search(before):
        return False
    return before.endswith("-") or after[:1].islower()


def _joined_over_pages(blocks: Sequence[_Block], body: float) -> Iterator[_Block]:
    last: _Block = []
    for block in blocks:
        if (
            last
            and block[0].page > last[-1].page
            and _is_prose(last[-1], body)
            and _is_prose(block[0], body)
            and _goes_on(last[-1].words, block[0].words)
        ):
            last += block
            continue
        if last:
            yield last
        last = block
    if last:
        yield last


def _is_prose(line: _Line, body: float) -> bool:
    return len(line.segments) == 1 and line.segments[0].size <= _OTHER_SIZE * body


def _levels(blocks: Sequence[_Block], body: float) -> Callable[[_Block], int]:
    """Return what tells the level of a heading by its size, and 0 for other blocks."""
    sizes = {size for block in blocks if (size := _heading_size(block, body))}
    ranked = sorted(sizes, reverse=True)
    return lambda block: (
        min(1 + ranked.index(size), 6) if (size := _heading_size(block, body)) else 0
    )


def _heading_size(block: _Block, body: float) -> float:
    """Return the size of a heading, larger or bolder than the body; 0 for other blocks."""
    if len(block) > _MAX_HEADING_LINES or any(len(line.segments) > 1 for line in block):
        return 0
    segments = [line.segments[0] for line in block]
    words = " ".join(segment.text for segment in segments)
    if len(words.split()) > _MAX_HEADING_WORDS or sum(map(str.isalpha, words)) < 3:
        return 0
    size = min(segment.size for segment in segments)
    if size > _OTHER_SIZE * body:
        return size
    is_bold = all(segment.is_bold for segment in segments) and size >= 0.95 * body
    return body if is_bold and not _SENTENCE_END.search(words) else 0


def _text(block: _Block, hyphens: "_Hyphens") -> tuple[str, list[tuple[int, int]]]:
    """Join the lines of a block, and say which pages begin at which offsets in it."""
    text = block[0].words
    page_breaks: list[tuple[int, int]] = []
    for before, line in pairwise(block):
        text = text + "\n" if line.breaks else _before_more(text, line.words, hyphens)
        if line.page > before.page:
            page_breaks.append((line.page, len(text)))
        text += line.words
    return text, page_breaks


def _before_more(text: str, words: str, hyphens: "_Hyphens") -> str:
    """Return a text as it stands before its next line: with a space, or without its hyphen."""
    if text.endswith("-") and text[-2:-1].isalpha() and words[:1].islower():
        return text[:-1] if hyphens.fall_away(text, words) else text
    if text.endswith("-") or (_is_ideograph(text[-1:]) and _is_ideograph(words[:1])):
        return text
    return text + " "


class _Hyphens:
    """Tells hyphens that part a word at the end of a line from those that belong to it.

    The document itself is the dictionary: it may write the word whole elsewhere, or with a hyphen.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        text = " ".join(lines).lower()
        self._words = Counter(re.findall(r"[^\W\d_]+", text))
        self._compounds = set(_HYPHENATED.findall(text))
        n_hyphens = sum(line.endswith("-") and line[-2:-1].islower() for line in lines)
        self._are_common = n_hyphens >= _HYPHENATED_SHARE * len(lines)

    def fall_away(self, before: str, after: str) -> bool:
        """Tell whether the hyphen that a line ends with goes when the next line is joined."""
        first = re.findall(r"[^\W\d_]+", before.lower())[-1]
        second = re.findall(r"[^\W\d_]+", after.lower())[0]
        if f"{first}-{second}" in self._compounds or first in _PREFIXES:
            return False
        if first + second in self._words:
            return True
        # Each piece is counted once where the word is parted.
        are_words = self._words[first] > 1 and self._words[second] > 1
        return self._are_common and not are_words


def _is_ideograph(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff" or "\uf900" <= character <= "\uffef"
