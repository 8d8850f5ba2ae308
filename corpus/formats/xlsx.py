"""Workbooks (.xlsx): sheet by sheet, each row with the names of its columns."""

import datetime
import io
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from corpus.errors import UnreadableDocumentError
from corpus.formats.packages import check_xml, open_package
from corpus.formats.structure import Extracted, TextBuilder, record_lines
from corpus.formats.tables import MAX_ROWS, too_many_rows


def read_xlsx(data: bytes) -> Extracted:
    """Read the values of all visible sheets; of a formula the value it was saved with.

    Raises:
        UnreadableDocumentError: There are more rows than `MAX_ROWS`.
    """
    builder = TextBuilder()
    for title, values in _visible_sheets(data):
        builder.mark("sheet", title)
        for line in record_lines(_rows(values)):
            builder.add(line)
    return builder.build()


def read_first_sheet(data: bytes) -> tuple[str, list[tuple[int, list[str]]]]:
    """Read the first visible sheet.

    Returns:
        Its title, and its rows that are not blank, with their numbers from 1; each ends with a
        cell that is not blank.

    Raises:
        UnreadableDocumentError: It is no workbook, or a damaged one.
    """
    try:
        for title, values in _visible_sheets(data):
            numbered = ((number, _trimmed(row)) for number, row in enumerate(values, start=1))
            return title, [(number, cells) for number, cells in numbered if cells]
    except UnreadableDocumentError:
        raise
    except Exception as error:
        # openpyxl raises anything at a file that was damaged.
        raise UnreadableDocumentError("is a damaged workbook; save it anew") from error
    raise UnreadableDocumentError("has no visible sheet; show one")


def _visible_sheets(data: bytes) -> Iterator[tuple[str, Iterable[tuple[Any, ...]]]]:
    from openpyxl import load_workbook

    check_xml(open_package(data))
    with warnings.catch_warnings():
        # openpyxl warns of extensions that it does not keep; nothing is written here.
        warnings.simplefilter("ignore")
        workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        for sheet in workbook.worksheets:
            if sheet.sheet_state == "visible":
                yield sheet.title, sheet.iter_rows(values_only=True)


def _rows(values: Iterable[tuple[Any, ...]]) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in values:
        cells = _trimmed(row)
        if cells:
            rows.append(cells)
        if len(rows) > MAX_ROWS:
            raise UnreadableDocumentError(too_many_rows())
    return rows


def _trimmed(row: Iterable[Any]) -> list[str]:
    cells = [_cell(value) for value in row]
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return str(value.date() if value.time() == datetime.time() else value)
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)
