"""CSV and TSV: a line for each row, with the names of its columns."""

import csv
import io
import sys

from corpus.errors import UnreadableDocumentError
from corpus.formats.structure import Extracted, TextBuilder, record_lines
from corpus.text import decode_text

MAX_ROWS = 100_000
_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 20


def read_table(data: bytes) -> Extracted:
    """Read a table whose cells are parted by commas, semicolons, tabs or bars.

    Raises:
        UnreadableDocumentError: There are more rows than `MAX_ROWS`, or a quote is not closed.
        NoTextError: The bytes are no text in any known encoding.
    """
    text = decode_text(data)
    csv.field_size_limit(sys.maxsize)
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)):
            if any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) > MAX_ROWS:
                raise UnreadableDocumentError(too_many_rows())
    except csv.Error as error:
        raise UnreadableDocumentError(f"is no table: {error}; mend it, or save it anew") from error
    builder = TextBuilder()
    for line in record_lines(rows):
        builder.add(line)
    return builder.build()


def too_many_rows() -> str:
    """Say that a table is too long to be read."""
    return f"holds more than {MAX_ROWS:,} rows; split it into smaller files"


def _delimiter(text: str) -> str:
    """Find the delimiter that parts the first lines into the same number of cells, of at least 2.

    The module's own sniffer guesses letters as delimiters.
    """
    head = io.StringIO(text, newline="")
    lines = [line for _, line in zip(range(_SAMPLE_LINES), head, strict=False)]
    best = (0.0, 0, ",")
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if not widths or max(widths) < 2:
            continue
        width = max(set(widths), key=widths.count)
        if width > 1:
            best = max(best, (widths.count(width) / len(widths), width, delimiter))
    return best[2]
