import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import split_sentences

MIXED = (
    st.text(alphabet=st.sampled_from("ab.A 5\n!?…។。؟\"'”)*- \u200b🙂ក្ខ\u2003\x1cU")) | st.text()
)


def sentences(text):
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "text",
    [
        "He met U.S. Secretary of State Mike Pompeo.",
        "Dr. Who arrived.",
        "See e.g. Battambang for rice.",
        "It is item No. 5 of the list.",
        "It is in vol. II of the series.",
        "Books by J. R. R. Tolkien sell well.",
        "It grew by 3.14 percent.",
        "It costs $2,200.50 today.",
        "Go to https://example.org/a.b?c=d. or not.",
        "Wait... for it.",
        "He asked “Really?” and left.",
        "Acme Inc. was sold.",
        "The company (est. in 1990) grew.",
        "Version 2.0 is out.",
        "The U.S.-based ship docked.",
        "A line\nthat goes on.",
    ],
)
def test_a_stop_inside_a_sentence_does_not_end_it(text):
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "He came.|She left.",
        "Really?!|Yes.",
        "Stop!|Go.",
        "“Stop.”|He stopped.",
        "(He stopped.)|She went.",
        "**Pay.**|It is monthly.",
        "He waited…|Nothing came.",
        "He waited...|Nothing came.",
        "It happened in the U.S.|The year was 2020.",
        "The answer is no.|He left.",
        "The answer is no.|I left.",
        "He likes art.|She does not.",
        "It cost 5.|Then it rose.",
        "It was in 1979.|10 men came.",
        "A 🙂 came.|🙂 left.",
    ],
)
def test_a_stop_before_a_new_sentence_ends_it(text):
    assert sentences(text.replace("|", " ")) == text.split("|")


@pytest.mark.parametrize(
    "text",
    [
        "កម្ពុជាជាប្រទេស។|រដ្ឋធានីគឺភ្នំពេញ។",
        "ចប់៕|ចាប់ផ្តើម",
        "他来了。|她走了！|真的？|是。",
        "他说：“好。”|她走了。",
        "هل جاء؟|نعم، جاء.",
        "وہ آیا۔|وہ گئی۔",
        "वह आया।|वह गई।",
    ],
)
@pytest.mark.parametrize("space", ["", " "])
def test_stops_of_other_scripts_need_no_space_after_them(text, space):
    assert sentences(text.replace("|", space)) == text.split("|")


def test_bullets_begin_a_sentence():
    text = "Bring:\n- rice\n* salt\n  • fish\n– tea"
    assert sentences(text) == ["Bring:", "- rice", "* salt", "• fish", "– tea"]


def test_a_number_in_a_list_belongs_to_its_item():
    text = "Do this:\n1. Wash. Then dry.\n2. Cook it\n10) Eat"
    assert sentences(text) == ["Do this:", "1. Wash.", "Then dry.", "2. Cook it", "10) Eat"]


def test_a_hyphen_inside_a_line_is_no_bullet():
    assert sentences("Rice - and salt\n-- and fish") == ["Rice - and salt\n-- and fish"]


def test_a_blank_line_ends_a_sentence_even_before_a_small_letter():
    assert sentences("a headline\n \n\nthe text") == ["a headline", "the text"]


@pytest.mark.parametrize("text", ["", " ", "\n\n \t"])
def test_white_space_holds_no_sentence(text):
    assert split_sentences(text) == []


def test_a_text_without_a_stop_is_one_sentence():
    assert split_sentences("  no stop ") == [(2, 9)]


def test_a_row_of_stops_stays_with_what_leads_to_it():
    assert sentences("Chapter 1 ........ 5") == ["Chapter 1 ........", "5"]
    assert sentences("........x") == ["........x"]


@given(MIXED)
def test_sentences_hold_every_character_that_is_no_white_space_once(text):
    spans = split_sentences(text)
    covered = [i for start, end in spans for i in range(start, end)]
    assert covered == sorted(set(covered))
    assert {i for i, character in enumerate(text) if not character.isspace()} <= set(covered)


@given(MIXED)
def test_sentences_have_no_white_space_around_them(text):
    assert all(sentence and sentence == sentence.strip() for sentence in sentences(text))
