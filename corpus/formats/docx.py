"""Word documents (.docx, .docm), through the HTML that mammoth makes of them."""

import io
from typing import Any

from corpus.formats.html import extract_html
from corpus.formats.packages import check_xml, open_package
from corpus.formats.structure import Extracted

_STYLES = "\n".join(
    [
        "p[style-name='Title'] => h1:fresh",
        "p[style-name='Subtitle'] => p:fresh",
        *(f"p[style-name='heading {level}'] => h{level}:fresh" for level in range(1, 7)),
    ]
)


def read_docx(data: bytes) -> Extracted:
    """Read the text, with headings, lists, tables and notes; macros and pictures are left out."""
    from mammoth import convert_to_html

    package = open_package(data)
    check_xml(package)
    converted = convert_to_html(io.BytesIO(data), style_map=_STYLES, convert_image=_no_image)
    return extract_html(converted.value, whole=True)


def _no_image(_: Any) -> list[Any]:
    return []
