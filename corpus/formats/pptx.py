"""Presentations (.pptx): slide by slide, with titles, tables and the speaker's notes."""

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from corpus.formats.packages import check_xml, open_package
from corpus.formats.structure import Extracted, TextBuilder, table_lines

if TYPE_CHECKING:
    from pptx.slide import Slide


def read_pptx(data: bytes) -> Extracted:
    """Read the slides in order; each is a mark, and so is its title."""
    from pptx import Presentation

    check_xml(open_package(data))
    presentation = Presentation(io.BytesIO(data))
    builder = TextBuilder()
    for number, slide in enumerate(presentation.slides, start=1):
        builder.mark("slide", str(number))
        _add_slide(slide, builder)
    return builder.build(title=presentation.core_properties.title or "")


def _add_slide(slide: "Slide", builder: TextBuilder) -> None:
    title = slide.shapes.title
    if title is not None and title.has_text_frame:
        builder.add_heading(title.text_frame.text.replace("\v", " "), 1)
    for shape in _flat(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if getattr(shape, "has_table", False):
            rows = shape.table.rows
            builder.add(table_lines([cell.text for cell in row.cells] for row in rows))
        elif shape.has_text_frame:
            builder.add(_text(shape.text_frame.paragraphs))
    if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None:
        builder.add(_text(notes.paragraphs))


def _flat(shapes: Iterable[Any]) -> Iterator[Any]:
    """Yield shapes in the order that they were put on the slide, those of groups among them."""
    waiting = [iter(shapes)]
    while waiting:
        for shape in waiting[-1]:
            if hasattr(shape, "shapes"):
                waiting.append(iter(shape.shapes))
                break
            yield shape
        else:
            waiting.pop()


def _text(paragraphs: Iterable[Any]) -> str:
    lines = []
    for paragraph in paragraphs:
        words = paragraph.text.replace("\v", "\n").strip()
        bullet = "  " * paragraph.level + "- " if paragraph.level else ""
        if words:
            lines.append(bullet + words)
    return "\n".join(lines)
