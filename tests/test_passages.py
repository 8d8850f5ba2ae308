import dataclasses
import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpus import Document, Passage, SplitSettings, split_document
from corpus.passages import BYLINE_CONTEXT, FRONT_CONTEXT, find_title

# Twenty words each.
LEAVE = (
    " ".join(["Every member of the staff may take twenty days of paid leave in"] + ["a"] * 6) + "."
)
PAY = (
    " ".join(["Salaries are paid on the last working day of each month into the"] + ["b"] * 6) + "."
)

KHMER = "រាជរដ្ឋាភិបាលកម្ពុជាបានអនុញ្ញាតឱ្យនាវាទេសចរណ៍ចូលចត"
PIECES = st.sampled_from(
    [
        "word ",
        "end. ",
        "\n",
        "\n\n",
        "  ",
        "x" * 30,
        "🙂",
        "👩‍👩‍👧",
        KHMER,
        "។",
        "。",
        "سلام ",
        "1. ",
        "Written by Ann Lee\n",
        "- ",
        "\x1c",
        "\u2003",
        "y" * 130 + "\n",
        "a\u0301",
    ]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join) | st.text()


def split(text, *, min_words=15, **options):
    settings = SplitSettings(min_words=min_words)
    return split_document(Document.from_text("a.txt", text), settings, **options)


def texts(*args, **options):
    return [passage.text for passage in split(*args, **options)]


class TestParagraphs:
    def test_paragraphs_are_passages(self):
        assert texts(f"{LEAVE}\n\n{PAY}\n") == [LEAVE, PAY]

    def test_a_line_with_only_spaces_is_a_blank_line(self):
        assert texts(f"{LEAVE}\n \t \n\n{PAY}") == [LEAVE, PAY]

    def test_hard_wrapped_lines_are_one_paragraph(self):
        wrapped = LEAVE.replace("may take", "may\ntake")
        assert texts(wrapped) == [wrapped]

    def test_a_very_long_line_is_a_paragraph_of_its_own(self):
        first = LEAVE + " " + LEAVE
        assert texts(f"{first}\n{PAY}") == [first, PAY]

    def test_a_passage_is_the_slice_its_offsets_name(self):
        document = Document.from_text("a.txt", f"\n\n {LEAVE} \n\n{PAY}")
        [first, second] = split_document(document)
        assert (first.start, first.text) == (3, LEAVE)
        assert document.text[second.start : second.end] == second.text == PAY
        assert second.document_id == "a.txt"

    @pytest.mark.parametrize("text", ["", " \n\n\t\n"])
    def test_a_document_without_words_has_no_passages(self, text):
        assert texts(text) == []

    def test_a_single_word_is_a_passage(self):
        assert texts("Pay") == ["Pay"]


class TestFragments:
    def test_a_headline_joins_the_paragraph_it_leads_to(self):
        assert texts(f"{LEAVE}\n\nPay\n\n{PAY}") == [LEAVE, f"Pay\n\n{PAY}"]

    def test_fragments_that_hold_enough_words_together_are_a_passage(self):
        fragments = "one two three four five six\n\nseven eight nine\n\nten eleven twelve"
        assert texts(f"{LEAVE}\n\n{fragments}\n\n{PAY}", min_words=12) == [LEAVE, fragments, PAY]

    def test_a_short_run_at_the_end_joins_what_comes_before_it(self):
        assert texts(f"{LEAVE}\n\nThe end") == [f"{LEAVE}\n\nThe end"]

    def test_a_long_run_at_the_end_is_a_passage(self):
        signature = (
            "Ann Lee of the Ministry\n\nPhnom Penh in the month of April\n\nTwo thousand five"
        )
        assert texts(f"{LEAVE}\n\n{signature}") == [LEAVE, signature]

    def test_a_run_of_fragments_ends_at_three_times_the_words(self):
        lines = [f"line {n}" for n in range(20)]
        found = texts("\n\n".join(lines), min_words=5)
        assert [text.count("line") for text in found] == [8, 8, 4]

    def test_a_run_of_fragments_ends_a_paragraph_before_it_too(self):
        lines = "\n\n".join(f"line {n}" for n in range(9))
        found = texts(f"{LEAVE}\n\n{lines}", min_words=5)
        assert [found[0], found[1].count("line"), found[2]] == [LEAVE, 8, "line 8"]

    def test_a_longer_block_without_a_stop_is_a_fragment(self):
        headline = (
            "Of a meeting of ministers about the leave and the pay of all those who work for it"
        )
        assert texts(f"{LEAVE}\n\n{headline}\n\n{PAY}") == [LEAVE, headline, PAY]
        assert texts(f"{headline}\n\nBy day\n\n{PAY}") == [f"{headline}\n\nBy day", PAY]

    def test_no_paragraph_is_a_fragment_where_no_words_are_asked_for(self):
        assert texts("Pay\n\nLeave\n\nTravel", min_words=0) == ["Pay", "Leave", "Travel"]

    def test_words_of_scripts_without_spaces_are_counted_by_their_length(self):
        paragraph = KHMER * 4 + "។"
        assert texts(f"{paragraph}\n\n{paragraph}") == [paragraph, paragraph]


class TestContext:
    def test_a_headline_at_the_start_is_found_by_what_it_is(self):
        [first, second] = split(f"Rules of leave\n\n{LEAVE}\n\n{PAY}")
        assert first.context == FRONT_CONTEXT
        assert first.searchable_text == f"{FRONT_CONTEXT}\n{first.text}"
        assert (second.context, second.searchable_text) == ("", PAY)

    def test_a_document_that_begins_with_a_sentence_has_no_headline(self):
        assert split(f"{LEAVE}\n\n{PAY}")[0].context == ""

    @pytest.mark.parametrize(
        "line", ["Written by Ann Lee", "— By Ann Lee", "posted by ann", "Author: Ann", "AUTHOR Ann"]
    )
    def test_a_byline_is_found_by_what_it_is(self, line):
        assert split(f"{LEAVE}\n\n{PAY}\n\n{line}")[-1].context == BYLINE_CONTEXT

    @pytest.mark.parametrize("line", ["Stand by Ann", "by and by", "Goodbye Ann"])
    def test_the_word_by_alone_makes_no_byline(self, line):
        assert split(f"{LEAVE}\n\n{PAY}\n\n{line}")[-1].context == ""

    def test_a_paragraph_that_begins_like_a_byline_is_none(self):
        assert split(f"{LEAVE}\n\nBy April {PAY}")[-1].context == ""

    def test_a_short_document_may_be_headline_and_byline_at_once(self):
        [passage] = split("Rules\nBy Ann Lee")
        assert passage.context == f"{FRONT_CONTEXT} {BYLINE_CONTEXT}"

    def test_the_context_leaves_less_room_for_the_passage(self):
        text = "Rules of leave " + "word " * 20
        [whole] = split(text.strip(), max_tokens=40)
        assert whole.context == FRONT_CONTEXT
        assert len(split(text, max_tokens=30)) > 1


class TestLength:
    def test_a_long_paragraph_is_cut_at_sentence_ends(self):
        assert texts("One two three. Four five six. Seven eight.", min_words=0, max_tokens=6) == [
            "One two three. Four five six.",
            "Seven eight.",
        ]

    def test_a_long_sentence_is_cut_at_the_space_nearest_to_its_middle(self):
        assert texts("aaaa bb cc   dddd", min_words=0, max_tokens=2) == ["aaaa bb", "cc   dddd"]
        assert texts("a b cccccccccc", min_words=0, max_tokens=2) == ["a b", "cccccccccc"]
        assert texts("cccccccccc a b", min_words=0, max_tokens=2) == ["cccccccccc", "a b"]

    def test_a_sentence_without_spaces_is_cut_in_the_middle(self):
        assert texts("abcdefgh", min_words=0, max_tokens=4, count_tokens=len) == ["abcd", "efgh"]

    def test_a_letter_is_not_cut_from_what_is_drawn_onto_it(self):
        options = {"min_words": 0, "max_tokens": 5, "count_tokens": len}
        assert texts("abce\u0301fgh", **options) == ["abce\u0301", "fgh"]
        assert texts("ab👩\u200d👧cde", **options) == ["ab👩\u200d👧", "cde"]
        assert texts("កខគ\u17d2ឃងច", **options) == ["កខគ\u17d2ឃ", "ងច"]

    def test_a_long_row_of_accents_is_cut_all_the_same(self):
        assert len(texts("a" + "\u0301" * 99, min_words=0, max_tokens=9, count_tokens=len)) > 9

    def test_an_unknown_word_counts_by_its_length_too(self):
        found = texts("x" * 1000, max_tokens=16, count_tokens=lambda text: 1)
        assert "".join(found) == "x" * 1000
        assert max(map(len, found)) <= 320

    def test_sentences_of_unknown_words_are_joined_up_to_that_length(self):
        text = " ".join(["X" * 99 + "."] * 20)
        found = texts(text, max_tokens=16, count_tokens=lambda text: 1)
        assert [len(text) for text in found] == [302] * 6 + [201]

    def test_where_sums_of_tokens_mislead_the_limit_holds_all_the_same(self):
        # Every piece costs ten tokens more than its words, so that sums are too high.
        text = "One two three. " * 30
        found = texts(text, max_tokens=40, count_tokens=lambda text: 10 + len(text.split()))
        assert [len(text.split()) for text in found] == [30, 30, 30]

    def test_the_shorter_of_the_two_limits_holds(self):
        document = Document.from_text("a.txt", "word " * 100)
        for setting, window in ((20, 50), (50, 20), (0, 20)):
            passages = split_document(
                document, SplitSettings(min_words=0, max_tokens=setting), max_tokens=window
            )
            assert max(len(passage.text.split()) for passage in passages) <= 20

    @pytest.mark.parametrize(
        "text",
        [KHMER * 9, "🙂" * 300, "السلام عليكم " * 40, "x" * 500, "ក " * 99, "。" * 90, "." * 90],
    )
    @pytest.mark.parametrize("limit", [1, 7, 16, 40])
    def test_no_passage_is_longer_than_the_limit(self, text, limit):
        for passage in split(text, max_tokens=limit, count_tokens=len):
            assert len(passage.text) <= limit


class TestProperties:
    @given(TEXTS, st.integers(0, 20))
    def test_offsets_slice_back(self, text, min_words):
        document = Document.from_text("a.txt", text)
        for passage in split_document(document, SplitSettings(min_words=min_words)):
            assert document.text[passage.start : passage.end] == passage.text
            assert passage.text == passage.text.strip() != ""

    @given(TEXTS, st.integers(0, 20), st.integers(1, 60))
    @example("text\n" + " " * 130 + "\n\n  more", 0, 60)
    def test_every_character_but_white_space_is_in_exactly_one_passage(self, text, words, limit):
        document = Document.from_text("a.txt", text)
        settings = SplitSettings(min_words=words)
        passages = split_document(document, settings, max_tokens=limit, count_tokens=len)
        covered = [i for passage in passages for i in range(passage.start, passage.end)]
        assert covered == sorted(set(covered))
        expected = {i for i, character in enumerate(document.text) if not character.isspace()}
        assert expected <= set(covered)

    @given(TEXTS)
    def test_passages_are_in_reading_order_and_do_not_overlap(self, text):
        for one, other in itertools.pairwise(split(text)):
            assert one.end <= other.start

    @given(TEXTS, st.integers(1, 60))
    def test_no_passage_is_longer_than_the_limit(self, text, limit):
        for passage in split(text, max_tokens=limit, count_tokens=len):
            assert len(passage.text) <= limit

    @given(TEXTS)
    def test_splitting_twice_gives_the_same(self, text):
        assert split(text) == split(text)


class TestTitle:
    @pytest.mark.parametrize(
        ("text", "title"),
        [
            ("Rules of leave\n\nLeave is paid.", "Rules of leave"),
            ("\n\n  # Rules of leave #\nLeave is paid.", "Rules of leave"),
            ("**Rules**\n\nLeave is paid.", "Rules"),
            ("# What is paid?\n\nLeave.", "What is paid?"),
            ("Leave is paid.\n\nRules", ""),
            ("word " * 31, ""),
            ("---\n\nLeave", "---"),
            ("***\n\nLeave", ""),
            ("", ""),
        ],
    )
    def test_the_title_is_the_first_short_paragraph_that_is_no_sentence(self, text, title):
        assert find_title(text) == title


class TestSettings:
    def test_a_negative_number_of_words_is_refused(self):
        with pytest.raises(ValueError, match="min_words must be at least 0, got -1"):
            SplitSettings(min_words=-1)

    @pytest.mark.parametrize("max_tokens", [-1, 1, 15])
    def test_a_limit_too_short_for_a_sentence_is_refused(self, max_tokens):
        with pytest.raises(
            ValueError, match=re.escape(f"max_tokens must be 0 or at least 16, got {max_tokens}")
        ):
            SplitSettings(max_tokens=max_tokens)

    def test_a_passage_cannot_be_changed(self):
        with pytest.raises(dataclasses.FrozenInstanceError, match="start"):
            Passage("a.txt", 0, 3, "Pay").start = 1  # type: ignore[misc]
