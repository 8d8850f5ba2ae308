import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import ObserverError
from corpus.formats.kinds import kind_of, reader_of
from corpus.formats.structure import Extracted
from corpus.text import NoTextError
from tests.office_files import docx_of, epub_of, pptx_of, xlsx_of
from tests.pdf_writer import pdf_of

PDF = pdf_of([(50, 700, 12, "The ship left the harbour.")])
HTML = b"<!DOCTYPE html><html><body><h1>Ships</h1><p>One left.</p><table><tr><td>a<td>b"
FILES = {
    "pdf": PDF,
    "docx": docx_of(("Heading 1", "Ships"), "One left.", table=[["a", "b"]]),
    "pptx": pptx_of(("Ships", "One left.")),
    "xlsx": xlsx_of(Ships=[["name", "year"], ["Westerdam", 2020]]),
    "epub": epub_of("<html><body><h1>Ships</h1><p>One left.</p></body></html>"),
    "html": HTML,
    "table": b"name,year\nWesterdam,2020\n",
    "json": b'{"ships": [{"name": "Westerdam", "year": 2020}]}',
    "json lines": b'{"name": "Westerdam"}\n{"name": "Dream"}\n',
    "mail": b"Subject: Ships\nFrom: a@example.org\n\nOne left.\n",
    "markdown": b"# Ships\n\nOne left.\n",
    "text": b"One left.\n",
}


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.txt", PDF, "pdf"),
        ("a.pdf", b"junk before %PDF-1.4", "pdf"),
        ("a.pdf", b"The ship left.", "text"),
        ("a.docx", HTML, "html"),
        ("a.md", HTML, "markdown"),
        ("a.txt", FILES["docx"], "docx"),
        ("a", FILES["xlsx"], "xlsx"),
        ("a.pptx", FILES["pptx"][:200], "pptx"),
        ("a.bin", b"PK\x03\x04 cut short", "archive"),
        ("A.CSV", b"a,b", "table"),
    ],
)
def test_content_tells_more_than_the_suffix(name, data, kind):
    assert kind_of(name, data) == kind


def odt():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        package.writestr("content.xml", "<a/>")
    return packed.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.doc", OLE, "before 2007; save it as .docx"),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted with a password"),
        ("a.doc", b"{\\rtf1 x}", "rich text"),
        ("a.odt", odt(), "OpenDocument"),
        ("a.py", b"x", "files of kind '.py' cannot be read"),
        ("Makefile", b"x", "files of kind 'without suffix' cannot be read"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(name, data, message):
    with pytest.raises(ObserverError, match=message):
        kind_of(name, data)


@st.composite
def damaged(draw, data):
    """Cut, overwrite or repeat parts of a file."""
    data = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        part = draw(st.binary(max_size=8))
        match draw(st.integers(0, 2)):
            case 0:
                del data[place : place + draw(st.integers(1, 200))]
            case 1:
                data[place : place + len(part)] = part
            case 2:
                data[place:place] = part * draw(st.integers(1, 50))
    return bytes(data)


@pytest.mark.parametrize(
    "kind", ["html", "table", "json", "json lines", "mail", "markdown", "text"]
)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_is_read_or_refused(kind, data):
    content = data.draw(damaged(FILES[kind]))
    try:
        extracted = reader_of(kind)(content)
    except (ObserverError, NoTextError):
        return
    assert isinstance(extracted, Extracted)
    assert [m.start for m in extracted.marks] == sorted(m.start for m in extracted.marks)
    assert all(0 <= mark.start <= len(extracted.text) for mark in extracted.marks)


def test_an_address_that_is_cut_short_is_kept_as_it_stands():
    extracted = reader_of("mail")(b"Subject: Ships\nFrom: a@\n\nOne left.\n")
    assert extracted.text == "From: a@\nSubject: Ships\n\nOne left."
