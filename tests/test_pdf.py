import pytest

from corpus.documents import Mark
from corpus.errors import UnreadableDocumentError
from corpus.formats.pdf import read_pdf
from corpus.loaders import load_document
from tests.pdf_writer import lines_from, pdf_of

LEFT = (
    "The survey counted every ship that called",
    "at the harbour between January and June,",
    "and each captain answered twelve questions",
    "about the cargo, the crew and the fuel that",
    "was on board when the ship came in at last.",
    "Two clerks compared the answers with books.",
)
RIGHT = (
    "Altogether four hundred ships were counted",
    "and the northern berth was the busiest one",
    "of all, since it served four out of every ten",
    "ships, and the southern one stood empty for",
    "most of the year, as nobody had dredged it",
    "since the winter, and that took much money.",
)


def text_of(*pages, **options):
    return read_pdf(pdf_of(*pages, **options)).text


class TestParagraphs:
    def test_lines_are_joined_and_space_parts_paragraphs(self):
        page = [
            *lines_from(50, 700, "Leave is paid for all who", "work here."),
            *lines_from(50, 660, "Travel is not paid."),
        ]
        assert text_of(page) == "Leave is paid for all who work here.\n\nTravel is not paid."

    def test_an_indented_line_after_a_sentence_begins_a_paragraph(self):
        page = [
            *lines_from(50, 700, "Leave is paid for all who have worked here since May."),
            *lines_from(65, 688, "Travel is paid for others."),
        ]
        assert text_of(page).count("\n\n") == 1

    def test_a_hyphen_at_the_end_of_a_line_falls_away(self):
        page = lines_from(50, 700, "The infra-", "structure failed.")
        assert text_of(page) == "The infrastructure failed."

    @pytest.mark.parametrize(
        "lines",
        [
            ("A well-known long-", "term plan, as long-term as any."),
            ("He spoke of self-", "sacrifice."),
        ],
    )
    def test_a_hyphen_that_belongs_to_the_word_stays(self, lines):
        first, second = lines
        assert text_of(lines_from(50, 700, *lines)) == first + second

    def test_a_paragraph_goes_on_over_the_page_and_the_page_begins_inside_it(self):
        extracted = read_pdf(
            pdf_of(lines_from(50, 90, "The ship left in"), lines_from(50, 750, "the evening."))
        )
        assert extracted.text == "The ship left in the evening."
        assert extracted.marks == (Mark(0, "page", "1"), Mark(17, "page", "2"))


class TestOrder:
    def test_columns_whose_lines_are_stored_by_turns_are_read_one_after_the_other(self):
        left, right = lines_from(50, 700, *LEFT), lines_from(310, 700, *RIGHT)
        page = [line for pair in zip(left, right, strict=True) for line in pair]
        assert text_of(page).split() == " ".join(LEFT + RIGHT).split()

    def test_columns_that_are_stored_in_order_stay_so(self):
        page = [*lines_from(50, 700, *LEFT), *lines_from(310, 700, *RIGHT)]
        assert text_of(page).split() == " ".join(LEFT + RIGHT).split()

    def test_cells_of_a_row_stand_on_a_line_with_bars(self):
        rows = [("Port", "Ships"), ("Kampot", "35"), ("Koh Kong", "12")]
        page = [
            (x, 700 - 14 * i, 10, cell)
            for i, row in enumerate(rows)
            for x, cell in zip((50, 200), row, strict=True)
        ]
        assert text_of(page) == "Port | Ships\nKampot | 35\nKoh Kong | 12"

    def test_items_of_a_list_stay_lines(self):
        page = lines_from(50, 700, "- one ship", "- two ships")
        assert text_of(page) == "- one ship\n- two ships"

    def test_words_that_stand_upright_along_the_margin_are_left_out(self):
        data = pdf_of(lines_from(50, 700, "Leave is paid."), [(20, 300, 10, "arXiv")])
        turned = data.replace(b"1 0 0 1 20 300 Tm", b"0 1 -1 0 20 300 Tm")
        assert "arXiv" not in read_pdf(turned).text


class TestMargins:
    def test_running_headers_and_page_numbers_are_left_out(self):
        pages = [
            [
                (50, 810, 10, "Annual report 2020"),
                *lines_from(50, 700, f"{words} is here."),
                (290, 30, 10, str(number)),
            ]
            for number, words in enumerate(("Leave", "Pay", "Travel"), start=7)
        ]
        assert text_of(*pages) == "Leave is here.\n\nPay is here.\n\nTravel is here."

    def test_a_line_that_stands_once_in_the_margin_is_kept(self):
        pages = [[(50, 810, 10, "For members only.")], lines_from(50, 700, "Leave is paid.")]
        assert text_of(*pages) == "For members only.\n\nLeave is paid."

    def test_what_a_browser_prints_around_a_page_is_left_out(self):
        page = [
            (30, 820, 8, "11/25/26, 10:30 PM    Harbour report"),
            *lines_from(50, 700, "Leave is paid."),
            (30, 20, 8, "file:///tmp/report.html 1/1"),
        ]
        assert text_of(page) == "Leave is paid."


class TestMarks:
    def test_pages_count_from_one_and_larger_lines_are_headings_by_size(self):
        extracted = read_pdf(
            pdf_of(
                [(50, 740, 20, "Harbour report"), (50, 690, 14, "Methods"), *LEFT_ON_PAGE],
                [(50, 700, 14, "Results"), *LEFT_ON_PAGE],
            )
        )
        found = [(mark.kind, mark.label, mark.level) for mark in extracted.marks]
        assert found == [
            ("page", "1", 0),
            ("heading", "Harbour report", 1),
            ("heading", "Methods", 2),
            ("page", "2", 0),
            ("heading", "Results", 2),
        ]
        for mark in extracted.marks:
            if mark.kind == "heading":
                assert extracted.text.startswith(mark.label, mark.start)

    def test_a_page_without_words_keeps_the_numbers_of_the_others_right(self):
        extracted = read_pdf(pdf_of(lines_from(50, 700, "One."), [], lines_from(50, 700, "Three.")))
        assert [mark.label for mark in extracted.marks] == ["1", "3"]


LEFT_ON_PAGE = lines_from(50, 660, *LEFT)
LEFT_LOWER = lines_from(50, 560, *LEFT)


def headings_of(data):
    extracted = read_pdf(data)
    return [
        (mark.label, mark.level, extracted.text[mark.start :][:6])
        for mark in extracted.marks
        if mark.kind == "heading"
    ]


class TestOutline:
    def test_its_entries_are_the_headings_of_pages_that_show_none(self):
        data = pdf_of(
            [*lines_from(50, 700, "1 Methods"), *lines_from(50, 660, *LEFT)],
            [*lines_from(50, 700, *RIGHT), *lines_from(50, 600, "Costs"), *LEFT_LOWER],
            outline=[("Methods", 1), ("Results", 2), (" Costs", 2)],
        )
        assert headings_of(data) == [
            ("Methods", 2, "1 Meth"),
            ("Results", 2, "Altoge"),
            ("Costs", 3, "Costs\n"),
        ]

    def test_pages_that_show_headings_get_those_that_stand_there_as_words(self):
        data = pdf_of(
            [
                (50, 740, 20, "Harbour report"),
                *LEFT_ON_PAGE,
                (50, 570, 10, "Costs"),
                *lines_from(50, 540, *RIGHT),
            ],
            outline=[("Harbour report", 1), ("On the harbour", 1), (" Costs", 1)],
        )
        assert headings_of(data) == [("Harbour report", 1, "Harbou"), ("Costs", 3, "Costs\n")]

    @pytest.mark.parametrize("broken", [b"/Dest [99 0 R /Fit]", b"/Dest /nowhere", b"/A 7 0 R"])
    def test_an_entry_that_leads_nowhere_is_left_out(self, broken):
        data = pdf_of(LEFT_ON_PAGE, outline=[("Methods", 1)])
        assert headings_of(data) == [("Methods", 2, "The su")]
        assert headings_of(data.replace(b"/Dest [4 0 R /Fit]", broken)) == []

    def test_an_outline_in_a_circle_ends(self):
        data = pdf_of(LEFT_ON_PAGE, outline=[("One", 1), ("Two", 1)])
        circular = data.replace(b"(Two) /Parent 6 0 R", b"(Two) /Parent 6 0 R /Next 7 0 R")
        assert circular != data
        assert [label for label, *_ in headings_of(circular)][:2] == ["One", "Two"]

    def test_the_title_of_a_pdf_is_no_entry_of_its_outline(self, tmp_path):
        (tmp_path / "a.pdf").write_bytes(
            pdf_of(
                [*lines_from(50, 740, "Harbour report"), *LEFT_ON_PAGE], outline=[("Methods", 1)]
            )
        )
        document = load_document(tmp_path / "a.pdf")
        assert document.title == "Harbour report"
        assert document.location(0) == "page 1, Methods"


class TestRefusals:
    def test_a_pdf_of_pictures_is_refused(self):
        with pytest.raises(UnreadableDocumentError, match=r"pictures of pages but no text; .*ocr"):
            read_pdf(pdf_of([]))

    def test_a_truncated_pdf_is_refused(self):
        with pytest.raises(UnreadableDocumentError, match="damaged or truncated PDF; save it anew"):
            read_pdf(pdf_of(lines_from(50, 700, "Pay"))[:300])

    def test_an_encrypted_pdf_is_refused(self):
        key = "00" * 32
        trailer = (
            f"/ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{key}> /U <{key}> >>"
        )
        with pytest.raises(UnreadableDocumentError, match="encrypted with a password; save it"):
            read_pdf(pdf_of(lines_from(50, 700, "Pay"), trailer=trailer))

    def test_too_many_pages_are_refused(self, monkeypatch):
        monkeypatch.setattr("corpus.formats.pdf.MAX_PAGES", 1)
        with pytest.raises(UnreadableDocumentError, match="more than 1 pages; split it"):
            read_pdf(pdf_of([], []))
