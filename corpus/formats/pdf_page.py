"""A page of a PDF as an image, with quoted words marked.

PDFium is one for a whole process, and a PDF may have been made to harm it: `page_image` lets
`python -m corpus.formats.pdf_page` do the work, within limits of time and memory.
"""

import io
import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.documents import Document, Mark
from corpus.errors import UnreadableDocumentError

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfBitmap, PdfPage, PdfTextPage

_SECONDS = 20
_MEMORY_BYTES = 1 << 30
_WIDTH = 1400
_MAX_HEIGHT = 2800
_CONTEXT = 80
_MARK = (255, 226, 122)

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Words:
    """Words to be marked, and what stands around them, which tells one place from another."""

    text: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class PageImage:
    """A page.

    Attributes:
        png: The image.
        number: Which page, from 1.
        n_pages: Of the document.
        n_marked: How many of the words were found, and marked.
        top: In [0, 1]; how far down the first mark stands, 0 without one.
    """

    png: bytes
    number: int
    n_pages: int
    n_marked: int
    top: float


def n_pages(document: Document) -> int:
    """Count the pages that a document is known to have."""
    return max((int(mark.label) for mark in _page_marks(document)), default=0)


def page_of(document: Document, start: int) -> int:
    """Return the number of the page, from 1, that an offset stands on."""
    pages = takewhile(lambda mark: mark.start <= start, _page_marks(document))
    return max((int(mark.label) for mark in pages), default=1)


def words_on(document: Document, number: int, places: Iterable[tuple[int, int]]) -> list[Words]:
    """Return the parts of places, half-open offsets in a document, that stand on a page."""
    marks = list(_page_marks(document))
    first = next((mark.start for mark in marks if int(mark.label) >= number), 0)
    last = next((mark.start for mark in marks if int(mark.label) > number), len(document.text))
    found = []
    for place_start, place_end in places:
        start, end = max(place_start, first), min(place_end, last)
        if start < end:
            before = document.text[max(start - _CONTEXT, first) : start]
            after = document.text[end : min(end + _CONTEXT, last)]
            found.append(Words(document.text[start:end], before, after))
    return found


def page_image(path: Path, number: int, words: Sequence[Words]) -> PageImage:
    """Draw a page of a PDF.

    Raises:
        UnreadableDocumentError: There is no such page, or it cannot be drawn within the limits.
    """
    request = {"path": str(path), "number": number, "words": [asdict(part) for part in words]}
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    try:
        reply = subprocess.run(
            [sys.executable, "-P", "-m", "corpus.formats.pdf_page"],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=True,
            env={**os.environ, "PYTHONPATH": paths},
        ).stdout
    except (subprocess.SubprocessError, OSError) as error:
        raise UnreadableDocumentError(f"page {number} cannot be drawn; read its text") from error
    described, _, png = reply.partition(b"\n")
    return PageImage(png=png, **json.loads(described))


def find_words(letters: str, words: Words) -> int:
    """Find words among the letters of a page, at the place whose surroundings are most alike.

    Args:
        letters: As `only_letters` gives them.
        words: As they stand in the document's text, whose spaces and hyphens differ.

    Returns:
        Where they begin, or -1.
    """
    sought, before, after = (only_letters(part) for part in (words.text, words.before, words.after))
    best, best_likeness = -1, -1
    start = letters.find(sought) if sought else -1
    while start >= 0:
        end = start + len(sought)
        likeness = _n_alike(reversed(before), reversed(letters[max(start - _CONTEXT, 0) : start]))
        likeness += _n_alike(after, letters[end : end + _CONTEXT])
        if likeness > best_likeness:
            best, best_likeness = start, likeness
        start = letters.find(sought, start + 1)
    return best


def only_letters(text: str) -> str:
    """Keep letters and digits, in lower case and without ligatures."""
    return "".join(
        char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum()
    )


def _n_alike(text: Iterable[str], other: Iterable[str]) -> int:
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, other, strict=False))
    )


def _page_marks(document: Document) -> Iterator[Mark]:
    return (mark for mark in document.marks if mark.kind == "page" and mark.label.isdecimal())


def _draw(path: str, number: int, words: Sequence[Words]) -> PageImage:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        page = document[number - 1]
        width, height = page.get_size()
        bitmap = page.render(scale=min(_WIDTH / width, _MAX_HEIGHT / height))
        text = page.get_textpage()
        places = list(_boxes(page, text, bitmap, words))
        image = _marked(bitmap.to_pil(), [box for boxes in places for box in boxes])
        stream = io.BytesIO()
        image.quantize(128).save(stream, "PNG")
        tops = [boxes[0][1] for boxes in places]
        top = max(0.0, min(tops) / image.height) if tops else 0.0
        return PageImage(stream.getvalue(), number, len(document), len(places), round(top, 4))


def _boxes(
    page: "PdfPage", text: "PdfTextPage", bitmap: "PdfBitmap", words: Sequence[Words]
) -> Iterator[list[Box]]:
    """Yield for each words that are found the boxes around them, in pixels, one a line or more."""
    from pypdfium2 import raw

    letters, owners = [], []
    for i in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, i)
        for letter in only_letters(chr(code)) if 0 < code <= 0x10FFFF else "":
            letters.append(letter)
            owners.append(i)
    conversion = bitmap.get_posconv(page)
    whole = "".join(letters)
    for part in words:
        start = find_words(whole, part)
        if start < 0:
            continue
        end = start + len(only_letters(part.text))
        boxes = []
        for i in range(owners[start], owners[end - 1] + 1):
            if chr(raw.FPDFText_GetUnicode(text, i)).isspace():
                continue
            left, bottom, right, top = text.get_charbox(i, loose=True)
            (x0, y0), (x1, y1) = (
                conversion.to_bitmap(left, top),
                conversion.to_bitmap(right, bottom),
            )
            boxes.append((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
        yield _joined(boxes)


def _joined(boxes: Sequence[Box]) -> list[Box]:
    """Join the boxes of characters that follow one another on a line."""
    lines: list[Box] = []
    for box in boxes:
        last = lines[-1] if lines else None
        size = box[3] - box[1]
        if last and abs(last[1] - box[1]) < size / 2 and -size < box[0] - last[2] < size:
            lines[-1] = (last[0], min(last[1], box[1]), max(last[2], box[2]), max(last[3], box[3]))
        else:
            lines.append(box)
    return lines


def _marked(image: "Image", boxes: Sequence[Box]) -> "Image":
    """Lay colour over boxes as a marker pen does: what is dark stays dark."""
    from PIL import Image, ImageChops, ImageDraw

    image = image.convert("RGB")
    colours = Image.new("RGB", image.size, "white")
    pen = ImageDraw.Draw(colours)
    for left, top, right, bottom in boxes:
        pen.rounded_rectangle((left - 3, top - 2, right + 3, bottom + 2), 4, fill=_MARK)
    return ImageChops.multiply(image, colours)


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


def _main() -> None:
    _limit_memory()
    request = json.load(sys.stdin.buffer)
    words = [Words(**part) for part in request["words"]]
    drawn = asdict(_draw(request["path"], request["number"], words))
    png = drawn.pop("png")
    sys.stdout.buffer.write(json.dumps(drawn).encode() + b"\n" + png)


if __name__ == "__main__":
    _main()
