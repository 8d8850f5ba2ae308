"""Tables with a header, as a spreadsheet keeps them or exports them."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.questions.rows import Row, keys_or_error, malformed, read_bytes, shorten
from corpus.errors import QuestionFormatError, UnreadableDocumentError


def read_csv(path: Path, lines: Iterator[str]) -> Iterator[Row]:
    """Read a table whose cells are parted by commas, semicolons or tabs.

    Raises:
        QuestionFormatError: The table has no header.
    """
    head: list[str] = []
    while (line := next(lines, "")) and not line.strip("\n "):
        head.append(line)
    # Spreadsheets separate by semicolons where the comma is the decimal mark.
    delimiter = max(",;\t", key=line.count)
    whole = itertools.chain(head, [line], lines)
    reader = csv.reader(whole, delimiter=delimiter, strict=True)
    last_line = 0
    header: list[str] | None = None
    while True:
        where = f"{path}:{last_line + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            problem = f'a cell is not closed: {error}; write " inside a cell as ""'
            yield Row(where, str(last_line + 1), malformed(where, problem))
            last_line = reader.line_num
            continue
        if cells is None:
            return
        line, last_line = str(last_line + 1), reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _parse_header(where, cells)
            continue
        yield Row(where, line, keys_or_error(_parse_cells, where, header, cells))


def read_workbook(path: Path) -> Iterator[Row]:
    """Read the first visible sheet of a workbook.

    Raises:
        QuestionFormatError: The file cannot be read, or the sheet has no header.
    """
    from corpus.formats.xlsx import read_first_sheet

    try:
        title, rows = read_first_sheet(read_bytes(path))
    except UnreadableDocumentError as error:
        raise QuestionFormatError(f"{path}: {error}") from error
    header: list[str] | None = None
    for number, cells in rows:
        where = f"{path}: {title}, row {number}"
        if header is None:
            header = _parse_header(where, cells)
        else:
            yield Row(where, str(number), keys_or_error(_parse_sheet_row, where, header, cells))


def _parse_sheet_row(where: str, header: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) > len(header):
        raise malformed(
            where,
            f"{shorten(cells[-1])} stands beyond the columns of the header; "
            "name its column or delete it",
        )
    return _parse_cells(where, header, cells + [""] * (len(header) - len(cells)))


def _parse_header(where: str, cells: list[str]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    if "answers" not in header:
        header = ["answers" if cell == "answer" else cell for cell in header]
    if "question" not in header or len(set(header)) < len(header):
        raise malformed(
            where, f"expected a header such as id,question,answers, got {shorten(cells)}"
        )
    return header


def _parse_cells(where: str, header: list[str], cells: list[str]) -> dict[str, Any]:
    """Name the cells; an empty one is as good as none, except that no answer is an answer."""
    if len(cells) != len(header):
        raise malformed(
            where,
            f"expected {len(header)} cells as in the header, got {len(cells)}; "
            'put "..." around a cell that holds a separator',
        )
    keys: dict[str, Any] = {
        name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()
    }
    if "answers" in header:
        answers = keys.get("answers", "").split("|")
        keys["answers"] = [answer.strip() for answer in answers if answer.strip()]
    return keys
