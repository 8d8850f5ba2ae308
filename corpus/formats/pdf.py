"""PDF: the text of the pages in reading order, without running headers and page numbers."""

import ctypes
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from corpus.errors import UnreadableDocumentError
from corpus.formats.pdf_layout import Page, Segment, add_pages
from corpus.formats.pdf_outline import read_outline
from corpus.formats.structure import Extracted, TextBuilder

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

MAX_PAGES = 10_000
_CELL_GAP = 1.8  # in sizes of the font; justified words stand closer
_SAME_LINE = 0.6  # a footnote's number stands higher
_BOLD_WEIGHT = 600
_HYPHENS = "\x02\ufffe\u00ad"  # how PDFium writes a hyphen that ends a line
_UPRIGHT = 0.2  # radians


def read_pdf(data: bytes) -> Extracted:
    """Read the text of a PDF; its pages and headings become marks.

    Raises:
        UnreadableDocumentError: It is encrypted or damaged, holds no text, or has too many pages.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise UnreadableDocumentError(
                "is encrypted with a password; save it without one"
            ) from error
        raise UnreadableDocumentError("is a damaged or truncated PDF; save it anew") from error
    with document:
        if len(document) > MAX_PAGES:
            raise UnreadableDocumentError(f"has more than {MAX_PAGES:,} pages; split it")
        title = document.get_metadata_value("Title")
        outline = read_outline(document)
        pages = list(_pages(document))
    if not any(page.segments for page in pages):
        raise UnreadableDocumentError(
            "holds pictures of pages but no text; recognise the text first, with ocrmypdf for one"
        )
    builder = TextBuilder()
    add_pages(pages, builder, outline)
    return builder.build(title=title)


def _pages(document: "PdfDocument") -> Iterator[Page]:
    import pypdfium2

    for number in range(len(document)):
        try:
            page = document[number]
        except pypdfium2.PdfiumError:
            # A damaged page; the number of every other one stays right.
            yield Page(number + 1, 0.0, 1.0, ())
            continue
        _, bottom, _, top = page.get_bbox()
        yield Page(number + 1, bottom, top, tuple(_segments(page)))
        page.close()


def _segments(page: "PdfPage") -> Iterator[Segment]:
    """Yield the runs of words on a line, parted where a wide gap makes cells or columns."""
    text = page.get_textpage()
    run = _Run(text)
    row = 0
    for i in range(text.count_chars()):
        character = run.character(i)
        if character in "\r\n":
            yield from run.end(row)
            row += 1
        elif character.isspace():
            run.is_spaced = True
        elif run.place(i):
            if run.leaves_line():
                yield from run.end(row)
                row += 1
            elif run.leaves_gap():
                yield from run.end(row)
            run.add(character, i)
    yield from run.end(row)
    text.close()


class _Run:
    """Characters that are put together into a segment."""

    def __init__(self, text: Any) -> None:
        from pypdfium2 import raw

        self._raw = raw
        self._text = text
        self._box = raw.FS_RECTF()
        self._matrix = raw.FS_MATRIX()
        self._origin = (ctypes.c_double(), ctypes.c_double())
        self._parts: list[str] = []
        self._left = self._right = self._baseline = self._size = 0.0
        self._n_bold = 0
        self.is_spaced = False

    def character(self, i: int) -> str:
        code = self._raw.FPDFText_GetUnicode(self._text, i)
        character = chr(code) if 0 < code <= 0x10FFFF else " "
        return "-" if character in _HYPHENS else character

    def place(self, i: int) -> bool:
        """Look where a character stands; False where it is not read from left to right."""
        raw, text = self._raw, self._text
        angle = raw.FPDFText_GetCharAngle(text, i)
        return (
            min(angle % math.tau, -angle % math.tau) <= _UPRIGHT
            and bool(raw.FPDFText_GetLooseCharBox(text, i, self._box))
            and bool(raw.FPDFText_GetCharOrigin(text, i, *self._origin))
            and math.isfinite(self._box.left + self._box.right + self._origin[1].value)
        )

    def leaves_line(self) -> bool:
        """Tell whether a character stands on another line than the run, though none is ended."""
        rise = abs(self._origin[1].value - self._baseline)
        return bool(self._parts) and rise > _SAME_LINE * self._size

    def leaves_gap(self) -> bool:
        """Tell whether a character stands far to the right of the run."""
        return bool(self._parts) and self._box.left - self._right > _CELL_GAP * self._size

    def add(self, character: str, i: int) -> None:
        if not self._parts:
            self._left = self._right = self._box.left
            self._baseline = self._origin[1].value
            self._size = self._size_of(i)
        elif self.is_spaced:
            self._parts.append(" ")
        self._right = max(self._right, self._box.right)
        self._parts.append(character)
        self._n_bold += self._raw.FPDFText_GetFontWeight(self._text, i) >= _BOLD_WEIGHT
        self.is_spaced = False

    def end(self, row: int) -> Iterator[Segment]:
        if self._parts:
            text = "".join(self._parts)
            is_bold = 2 * self._n_bold > len(text)
            edges = (self._left, self._right, self._baseline, self._size)
            yield Segment(text, *edges, row, is_bold)
        self._parts = []
        self._n_bold = 0
        self.is_spaced = False

    def _size_of(self, i: int) -> float:
        """Return the size that a character is drawn with, in half points."""
        scale = 1.0
        if self._raw.FPDFText_GetMatrix(self._text, i, self._matrix):
            scale = math.hypot(self._matrix.c, self._matrix.d)
        size = self._raw.FPDFText_GetFontSize(self._text, i) * scale
        return max(round(2 * size) / 2, 0.5) if math.isfinite(size) else 0.5
