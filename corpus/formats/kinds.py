"""Which format a file is in: told by its content first, then by its suffix."""

import io
import re
import zipfile
from collections.abc import Callable
from importlib import import_module

from corpus.errors import UnreadableDocumentError
from corpus.formats.structure import Extracted

# What reads each kind; imported when the first file of that kind is read.
_READERS = {
    "text": "plain:read_plain",
    "markdown": "markdown:read_markdown",
    "pdf": "pdf:read_pdf",
    "docx": "docx:read_docx",
    "pptx": "pptx:read_pptx",
    "xlsx": "xlsx:read_xlsx",
    "html": "html:read_html",
    "epub": "epub:read_epub",
    "table": "tables:read_table",
    "json": "records:read_json",
    "json lines": "records:read_json_lines",
    "mail": "mail:read_mail",
}
# Their texts are the files themselves, so that nothing is parsed.
PLAIN_KINDS = frozenset({"text", "markdown"})
ARCHIVE = "archive"
SUFFIXES = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".epub": "epub",
    ".csv": "table",
    ".tsv": "table",
    ".json": "json",
    ".jsonl": "json lines",
    ".ndjson": "json lines",
    ".eml": "mail",
    ".zip": ARCHIVE,
}
_BINARY = frozenset({"pdf", "docx", "pptx", "xlsx", "epub", ARCHIVE})
_PACKAGES = (
    ("word/document.xml", "docx"),
    ("ppt/presentation.xml", "pptx"),
    ("xl/workbook.xml", "xlsx"),
    ("META-INF/container.xml", "epub"),
)
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html[\s>])", re.I | re.S
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def kind_of(name: str, data: bytes) -> str:
    """Tell the kind of a file.

    Args:
        name: Its name; the suffix decides between kinds of plain text.
        data: Its bytes.

    Raises:
        UnreadableDocumentError: It is of a kind that cannot be read; without the file's name.
    """
    suffix = "." + name.rsplit(".", 1)[-1].lower() if "." in name else ""
    named = SUFFIXES.get(suffix)
    if data.startswith(b"%PDF-") or (named == "pdf" and b"%PDF-" in data[:1024]):
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _package_kind(data, named)
    if data.startswith(_OLD_OFFICE):
        raise UnreadableDocumentError(
            "is encrypted with a password; save it without one"
            if _ENCRYPTED in data
            else "is an Office file of before 2007; save it as .docx, .pptx, .xlsx or .pdf"
        )
    if data.startswith(b"{\\rtf"):
        raise UnreadableDocumentError("is rich text (RTF); save it as .docx or .pdf")
    if named is None:
        raise UnreadableDocumentError(
            f"files of kind {suffix or 'without suffix'!r} cannot be read, "
            f"only {', '.join(SUFFIXES)}; save it as plain text"
        )
    if named != "markdown" and _HTML.match(data[:4096].removeprefix(b"\xef\xbb\xbf")):
        return "html"
    return "text" if named in _BINARY else named


def reader_of(kind: str) -> Callable[[bytes], Extracted]:
    """Import what reads a kind of file."""
    module, function = _READERS[kind].split(":")
    reader: Callable[[bytes], Extracted] = getattr(
        import_module(f"corpus.formats.{module}"), function
    )
    return reader


def _package_kind(data: bytes, named: str | None) -> str:
    try:
        names = set(zipfile.ZipFile(io.BytesIO(data)).namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        # Damaged: its reader says so.
        return named if named in _BINARY and named != "pdf" else ARCHIVE
    for member, kind in _PACKAGES:
        if member in names:
            return kind
    if "content.xml" in names and "mimetype" in names:
        raise UnreadableDocumentError("is an OpenDocument file; save it as .docx, .xlsx or .pdf")
    return ARCHIVE
