import pytest

from bot.reader.kinds import (
    is_beside,
    is_of_kind,
    titles_of_the_named,
    wanted_kind,
    who_is_asked_about,
)


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


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Who is Sok Dara?", "Sok Dara"),
        ("who's sok dara", "Sok Dara"),
        ("Who is the captain?", ""),
        ("who is responsible", ""),
        ("Who saw Sok Dara?", ""),
        ("Who is Ana Kowal?", ""),
    ],
)
def test_a_person_who_is_asked_about_is_named_as_the_text_writes_it(question, name):
    texts = ["He is responsible.", "Captain Sok Dara met the captain."]
    assert who_is_asked_about(question, texts) == name


@pytest.mark.parametrize(
    ("text", "words", "beside"),
    [
        ("Captain Sok Dara left.", "Captain", True),
        ("Sok Dara, a captain from Kep, left.", "captain from Kep", True),
        ("Sok Dara was a captain.", "captain", True),
        ("Sok Dara met the mayor of Kep.", "mayor of Kep", False),
        ("The mayor met Sok Dara.", "The mayor", False),
    ],
)
def test_who_someone_is_stands_beside_the_name(text, words, beside):
    start = text.index(words)
    assert is_beside("Sok Dara", text[:start], text[start + len(words) :]) is beside
