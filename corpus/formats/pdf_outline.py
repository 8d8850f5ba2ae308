"""The outline of a PDF, its bookmarks: headings where the layout shows none."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_MAX_ENTRIES = 5_000
# The first level is left to the title of the document.
_FIRST_LEVEL = 2
_MAX_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of an outline: its words, the page it leads to, from 1, and its level, from 2."""

    title: str
    page: int
    level: int


def read_outline(document: "PdfDocument") -> list[Entry]:
    """Read the entries that lead to a page, page by page; none where the outline is damaged."""
    import pypdfium2

    entries = []
    try:
        for bookmark in islice(document.get_toc(max_depth=_MAX_LEVEL), _MAX_ENTRIES):
            target = bookmark.get_dest()
            page = target.get_index() if target else None
            title = " ".join(bookmark.get_title().split())
            if page is not None and title:
                level = min(_FIRST_LEVEL + bookmark.level, _MAX_LEVEL)
                entries.append(Entry(title, page + 1, level))
    except (pypdfium2.PdfiumError, ValueError):
        return []
    return sorted(entries, key=lambda entry: entry.page)


def place_entries(
    entries: Sequence[Entry], blocks: Sequence[tuple[int, str]], headings: set[int]
) -> dict[int, list[Entry]]:
    """Find the block that each entry names, or else, on a page without headings, the first one.

    Args:
        entries: Page by page.
        blocks: The page that each begins on, and its text.
        headings: The numbers of the blocks that are headings already.

    Returns:
        The entries that begin with a block, by its number.
    """
    placed: dict[int, list[Entry]] = {}
    first = 0
    for entry in entries:
        while first < len(blocks) and blocks[first][0] < entry.page:
            first += 1
        here = range(first, len(blocks))
        on_page = [number for number in here if blocks[number][0] == entry.page]
        named = [number for number in on_page if _names(entry.title, blocks[number][1])]
        if headings.intersection(named):
            continue
        for number in (named if headings.intersection(on_page) else named or on_page)[:1]:
            placed.setdefault(number, []).append(entry)
            first = number
    return placed


def _names(title: str, text: str) -> bool:
    """Tell whether a block begins with a title, numbered or not."""
    words, wanted = text.casefold().split(), title.casefold().split()
    return wanted in (words[: len(wanted)], words[1 : len(wanted) + 1])
