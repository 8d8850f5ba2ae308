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
            _add_paragraphs(shape.text_frame.paragraphs, builder, have_bullets=shape.is_placeholder)
    if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None:
        _add_paragraphs(notes.paragraphs, builder, have_bullets=False)


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


def _add_paragraphs(paragraphs: Iterable[Any], builder: TextBuilder, *, have_bullets: bool) -> None:
    """Add paragraphs each by itself, but the points of a list together and with what leads to them.

    Args:
        paragraphs: Those of one frame.
        builder: What takes them.
        have_bullets: Whether one is a point of a list where it does not say otherwise.
    """
    lines: list[str] = []
    for paragraph in paragraphs:
        words = paragraph.text.replace("\v", "\n").strip()
        if not words:
            continue
        is_point = _is_point(paragraph, have_bullets=have_bullets)
        if not is_point:
            builder.add("\n".join(lines))
            lines.clear()
        indent = "  " * paragraph.level + "- " if paragraph.level else ""
        lines.append(indent + words)
    builder.add("\n".join(lines))


def _is_point(paragraph: Any, *, have_bullets: bool) -> bool:
    properties = paragraph._p.pPr
    tags = {child.tag.rpartition("}")[2] for child in properties} if properties is not None else ()
    if "buNone" in tags:
        return False
    return have_bullets or paragraph.level > 0 or bool({"buChar", "buAutoNum", "buBlip"} & {*tags})
