"""Workbooks (.xlsx): sheet by sheet, each row with the names of its columns."""

import datetime
import io
import warnings
from collections.abc import Iterable
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
    from openpyxl import load_workbook

    check_xml(open_package(data))
    with warnings.catch_warnings():
        # openpyxl warns of extensions that it does not keep; nothing is written here.
        warnings.simplefilter("ignore")
        workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        builder = TextBuilder()
        for sheet in workbook.worksheets:
            if sheet.sheet_state == "visible":
                builder.mark("sheet", sheet.title)
                for line in record_lines(_rows(sheet.iter_rows(values_only=True))):
                    builder.add(line)
    return builder.build()


def _rows(values: Iterable[tuple[Any, ...]]) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in values:
        cells = [_cell(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            rows.append(cells)
        if len(rows) > MAX_ROWS:
            raise UnreadableDocumentError(too_many_rows())
    return rows


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return str(value.date() if value.time() == datetime.time() else value)
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)
