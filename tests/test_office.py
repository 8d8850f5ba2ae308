import datetime

import pytest

from corpus.documents import Mark
from corpus.errors import UnreadableDocumentError
from corpus.formats.docx import read_docx
from corpus.formats.epub import read_epub
from corpus.formats.pptx import read_pptx
from corpus.formats.xlsx import read_xlsx
from tests.office_files import box_of, docx_of, epub_of, pptx_of, with_part, xlsx_of, zip_of

BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'


class TestDocx:
    def test_headings_become_marks_with_their_level(self):
        extracted = read_docx(
            docx_of(("Title", "Rules"), ("Heading 1", "Leave"), "It is paid.", ("Heading 2", "Pay"))
        )
        assert extracted.text == "Rules\n\nLeave\n\nIt is paid.\n\nPay"
        assert extracted.marks == (
            Mark(0, "heading", "Rules", 1),
            Mark(7, "heading", "Leave", 1),
            Mark(27, "heading", "Pay", 2),
        )

    def test_lists_and_tables_are_lines(self):
        data = docx_of(
            ("List Bullet", "one"), ("List Bullet", "two"), table=[("Port", "Ships"), ("Kep", "3")]
        )
        assert read_docx(data).text == "- one\n- two\n\nPort | Ships\nKep | 3"

    def test_macros_are_left_out(self):
        data = with_part(docx_of("Leave is paid."), "word/vbaProject.bin", b"Sub Run()")
        assert read_docx(data).text == "Leave is paid."

    def test_what_looks_like_markup_is_text(self):
        assert read_docx(docx_of("<script>a</script> & b")).text == "<script>a</script> & b"

    def test_entities_are_refused(self):
        data = with_part(docx_of("Pay"), "word/document.xml", BOMB)
        with pytest.raises(UnreadableDocumentError, match=r"document\.xml in it declares XML ent"):
            read_docx(data)


class TestPptx:
    def test_slides_and_their_titles_are_marks_and_notes_are_read(self):
        data = pptx_of(("Plan", "We sail in May."), ("Costs", "Fuel\nCrew"), notes="Be brief.")
        extracted = read_pptx(data)
        assert extracted.text == "Plan\n\nWe sail in May.\n\nCosts\n\nFuel\nCrew\n\nBe brief."
        assert extracted.marks == (
            Mark(0, "slide", "1"),
            Mark(0, "heading", "Plan", 1),
            Mark(23, "slide", "2"),
            Mark(23, "heading", "Costs", 1),
        )

    def test_paragraphs_without_bullets_stand_by_themselves(self):
        data = pptx_of(("Plan", "-We sail in May.\n-We return in June."), notes="Be brief.\nSmile.")
        assert read_pptx(data).text == (
            "Plan\n\nWe sail in May.\n\nWe return in June.\n\nBe brief.\n\nSmile."
        )

    def test_the_points_of_a_list_stay_with_each_other_and_what_leads_to_them(self):
        data = pptx_of(("Plan", "-We sail in May.\n-What we need:\nFuel\nCrew\n-Then we return."))
        assert read_pptx(data).text == (
            "Plan\n\nWe sail in May.\n\nWhat we need:\nFuel\nCrew\n\nThen we return."
        )

    def test_lines_of_a_text_box_are_no_points_unless_they_say_so(self):
        data = box_of("We sail in May.", "*Fuel", "*Crew", "We return.")
        assert read_pptx(data).text == "We sail in May.\nFuel\nCrew\n\nWe return."


class TestXlsx:
    def test_rows_name_their_columns_and_sheets_are_marks(self):
        start = datetime.datetime(2020, 1, 2)
        data = xlsx_of(
            Budget=[("Project", "Cost"), ("Harbour", 1200.5)],
            Dates=[("Project", "Start", "End"), ("Road", start, None)],
        )
        extracted = read_xlsx(data)
        assert (
            extracted.text == "Project: Harbour | Cost: 1200.5\n\nProject: Road | Start: 2020-01-02"
        )
        assert extracted.marks == (Mark(0, "sheet", "Budget"), Mark(33, "sheet", "Dates"))

    def test_too_many_rows_are_refused(self, monkeypatch):
        monkeypatch.setattr("corpus.formats.xlsx.MAX_ROWS", 2)
        with pytest.raises(UnreadableDocumentError, match=r"more than .* rows; split it"):
            read_xlsx(xlsx_of(A=[("a",), ("b",), ("c",)]))


class TestEpub:
    def test_chapters_come_in_the_order_of_the_spine_without_the_contents(self):
        extracted = read_epub(
            epub_of("<h1>One</h1><p>We sail.</p>", "<h1>Two</h1>", contents="<p>Contents</p>")
        )
        assert extracted.text == "One\n\nWe sail.\n\nTwo"
        assert [mark.label for mark in extracted.marks] == ["One", "Two"]
        assert extracted.title == "The harbour"

    @pytest.mark.parametrize(
        ("files", "message"),
        [
            ({"a.txt": "a"}, r"lacks its part META-INF/container\.xml"),
            ({"META-INF/container.xml": "<a/>"}, "names no book"),
            ({"META-INF/container.xml": "<a"}, r"container\.xml in it is damaged"),
            ({"META-INF/container.xml": BOMB}, "declares XML entities"),
            ({"META-INF/encryption.xml": "", "META-INF/rights.xml": ""}, "protected against copy"),
        ],
    )
    def test_what_is_no_readable_book_is_refused(self, files, message):
        with pytest.raises(UnreadableDocumentError, match=message):
            read_epub(zip_of(files))
