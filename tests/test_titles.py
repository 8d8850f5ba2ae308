import pytest

from bot.reader.titles import asks_for_title, find_title
from corpus.passages import FRONT_CONTEXT, Passage


@pytest.mark.parametrize(
    "question",
    [
        "What is the title of the piece?",
        "what's the headline",
        "What is this document called?",
        "How is the article titled?",
        "Give me the full title of this opinion piece.",
        "What headline does the article carry?",
        "Title?",
    ],
)
def test_a_question_for_the_title_is_known(question):
    assert asks_for_title(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is the title of Ek Tha?",
        "What title does the minister hold?",
        "Who won the title?",
        "Whose diplomacy does the headline say is observed?",
        "What is the title of his thesis?",
        "What is the ship called?",
        "Who wrote this?",
    ],
)
def test_a_title_of_something_else_is_none_of_the_document(question):
    assert not asks_for_title(question)


def test_the_title_is_the_first_paragraph_of_the_first_passage():
    text = "The Harbour Letter\n\nKep, May 3, 2021 —"
    start, end = find_title(Passage("a.txt", 0, len(text), text, FRONT_CONTEXT)) or (0, 0)
    assert text[start:end] == "The Harbour Letter"


def test_other_passages_hold_no_title():
    assert find_title(Passage("a.txt", 90, 99, "The ferry")) is None
