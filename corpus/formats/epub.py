"""E-books (.epub): the chapters in reading order."""

import posixpath
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree

from corpus.errors import UnreadableDocumentError
from corpus.formats.html import decode_html, extract_html
from corpus.formats.packages import check_xml, open_package, read_member
from corpus.formats.structure import Extracted, TextBuilder

_CONTAINER = "META-INF/container.xml"
_MAX_PART_BYTES = 64 << 20


def read_epub(data: bytes) -> Extracted:
    """Read the chapters that the book's spine lists, but its table of contents.

    Raises:
        UnreadableDocumentError: A part is missing or damaged, or the chapters are encrypted.
    """
    package = open_package(data)
    check_xml(package)
    names = set(package.namelist())
    if "META-INF/encryption.xml" in names and "META-INF/rights.xml" in names:
        raise UnreadableDocumentError("is protected against copying (DRM); its text is locked")
    book = _book_name(package)
    contents = _parse(package, book)
    builder = TextBuilder()
    for name in _chapters(contents, posixpath.dirname(book)):
        if name in names:
            chapter = decode_html(read_member(package, name, _MAX_PART_BYTES))
            extract_html(chapter, whole=True, builder=builder)
    title = contents.find(".//{*}metadata/{*}title")
    return builder.build(title=(title.text or "") if title is not None else "")


def _book_name(package: zipfile.ZipFile) -> str:
    root = _parse(package, _CONTAINER).find(".//{*}rootfile")
    name = root.get("full-path") if root is not None else None
    if not name:
        raise UnreadableDocumentError(f"{_CONTAINER} in it names no book; save it anew")
    return name


def _parse(package: zipfile.ZipFile, name: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(read_member(package, name, _MAX_PART_BYTES))
    except ElementTree.ParseError as error:
        raise UnreadableDocumentError(f"{name} in it is damaged; save it anew") from error


def _chapters(contents: ElementTree.Element, folder: str) -> Iterator[str]:
    items = {item.get("id"): item for item in contents.iterfind(".//{*}manifest/{*}item")}
    for reference in contents.iterfind(".//{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or reference.get("linear") == "no":
            continue
        if "nav" in (item.get("properties") or "").split():
            continue
        yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))
