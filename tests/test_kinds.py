import pytest

from bot.reader.kinds import is_of_kind, titles_of_the_named, wanted_kind


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When did he call?", "date"),
        ("On what date was the summit held?", "date"),
        ("how many recovered", "number"),
        ("And how old is he?", "number"),
        ("Who wrote this?", "person"),
        ("With whom did he speak?", "person"),
        ("Where was it published?", "place"),
        ("What did they discuss?", ""),
        ("Why?", ""),
        ("", ""),
    ],
)
def test_a_question_says_what_it_wants_by_how_it_begins(question, kind):
    assert wanted_kind(question) == kind


@pytest.mark.parametrize(
    ("kind", "words", "fits"),
    [
        ("date", "April 8, 2020", True),
        ("date", "four days later", True),
        ("date", "the Minister", False),
        ("number", "more than 2,200 passengers", True),
        ("number", "three", True),
        ("number", "students", False),
        ("person", "Ek Tha", True),
        ("person", "my parents", True),
        ("person", "April 29, 2020", False),
        ("place", "Phnom Penh", True),
        ("place", "the morning of February 13, 2020", False),
        ("", "anything at all", True),
    ],
)
def test_words_are_of_a_kind_by_their_form(kind, words, fits):
    assert is_of_kind(kind, words) is fits


@pytest.mark.parametrize(
    ("question", "words", "following", "titles"),
    [
        ("Who called Hun Sen?", "Prime Minister", " Hun Sen accepted", True),
        ("Who is Hun Sen?", "Prime Minister", " Hun Sen accepted", False),
        ("What office does Hun Sen hold?", "Prime Minister", " Hun Sen accepted", False),
        ("Who called Hun Sen?", "Mike Pompeo", ", called Prime Minister Hun Sen", False),
        ("Who called him?", "Prime Minister", " Hun Sen accepted", False),
    ],
)
def test_the_title_before_a_name_of_the_question_does_not_answer_who_did_it(
    question, words, following, titles
):
    assert titles_of_the_named(question, words, following) is titles
