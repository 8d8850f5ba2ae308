"""Office files and e-books of known content, small enough to be made by each test."""

import io
import zipfile

import docx
import openpyxl
import pptx
from pptx.oxml.xmlchemy import OxmlElement

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="in/book.opf"/></rootfiles></container>'
)


def docx_of(*paragraphs, table=()):
    """Write paragraphs, each a text or a pair of a style and a text."""
    document = docx.Document()
    for paragraph in paragraphs:
        style, text = paragraph if isinstance(paragraph, tuple) else (None, paragraph)
        document.add_paragraph(text, style=style)
    if table:
        grid = document.add_table(len(table), len(table[0]))
        for i, row in enumerate(table):
            for j, cell in enumerate(row):
                grid.cell(i, j).text = cell
    return _saved(document)


def pptx_of(*slides, notes=""):
    """Write slides of a title and a body; its lines have bullets, but those that "-" begins."""
    presentation = pptx.Presentation()
    for title, body in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, body
        for paragraph in slide.placeholders[1].text_frame.paragraphs:
            if paragraph.text.startswith("-"):
                paragraph.runs[0].text = paragraph.text[1:]
                paragraph._p.get_or_add_pPr().insert(0, OxmlElement("a:buNone"))
    if notes:
        slide.notes_slide.notes_text_frame.text = notes
    return _saved(presentation)


def box_of(*lines):
    """Write a slide with a box of text; its lines have no bullets, but those that "*" begins."""
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    frame = slide.shapes.add_textbox(0, 0, 9, 9).text_frame
    frame.text = "\n".join(line.removeprefix("*") for line in lines)
    for paragraph, line in zip(frame.paragraphs, lines, strict=True):
        if line.startswith("*"):
            bullet = OxmlElement("a:buChar")
            bullet.set("char", "•")
            paragraph._p.get_or_add_pPr().insert(0, bullet)
    return _saved(presentation)


def xlsx_of(**sheets):
    """Write sheets of rows by their names."""
    workbook = openpyxl.Workbook()
    del workbook[workbook.sheetnames[0]]
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return _saved(workbook)


def epub_of(*chapters, contents=""):
    """Write chapters of HTML, stored in the opposite order of the spine."""
    items = "".join(f'<item id="c{i}" href="c{i}.xhtml"/>' for i in range(len(chapters)))
    spine = "".join(f'<itemref idref="c{i}"/>' for i in range(len(chapters)))
    files = {f"in/c{i}.xhtml": chapter for i, chapter in reversed(list(enumerate(chapters)))}
    book = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata>'
        '<title xmlns="http://purl.org/dc/elements/1.1/">The harbour</title></metadata>'
        f'<manifest>{items}<item id="nav" properties="nav" href="nav.xhtml"/></manifest>'
        f'<spine><itemref idref="nav"/>{spine}</spine></package>'
    )
    parts = {"META-INF/container.xml": CONTAINER, "in/book.opf": book, "in/nav.xhtml": contents}
    return zip_of({"mimetype": "application/epub+zip", **parts, **files})


def zip_of(files):
    """Pack texts or bytes by their paths."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return buffer.getvalue()


def with_part(package, name, content):
    """Add a part to a package, in place of one of that name."""
    with zipfile.ZipFile(io.BytesIO(package)) as old:
        files = {member: old.read(member) for member in old.namelist()}
    return zip_of({**files, name: content})


def _saved(document):
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()
