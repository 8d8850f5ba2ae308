import pytest

from bot.pipeline import Bot
from bot.suggestions import next_questions, starter_questions
from tests.test_pipeline import LETTER, WordReader


@pytest.fixture
def bot(build_index):
    return Bot(build_index(LETTER, keywords=("ferry", "captain")), reader=WordReader("Kep"))


@pytest.fixture
def shipped_bot(keyword_encoder, shipped_document):
    from index import PassageIndex

    encoder = keyword_encoder("westerdam", "asean", "china")
    return Bot(PassageIndex.build([shipped_document], encoder=encoder), reader=WordReader("ten"))


def test_questions_to_begin_with_come_from_the_names_of_a_document(bot):
    assert starter_questions(bot) == [
        "What is this document about?",
        "What does the document say about Kampot?",
        "Who is Captain Sok Dara?",
        "What does the document say about Kep?",
    ]


def test_questions_after_an_answer_are_new_and_about_the_passages_beside_it(bot):
    answer = bot.ask("Who mended nets?")
    asked = ["What does the document say about Kampot?"]
    assert set(next_questions(bot, answer, asked)) == {
        "Who is Captain Sok Dara?",
        "What does the document say about Kep?",
    }


def test_the_shipped_document_is_asked_from_its_question_set(shipped_bot):
    assert starter_questions(shipped_bot) == [
        "What is this document about?",
        "Who wrote this?",
        "What is Cambodian diplomacy built on?",
        "In which countries did the author do his journalism training?",
    ]


def test_a_question_that_was_asked_is_not_suggested_again(shipped_bot):
    answer = shipped_bot.ask("What about the Westerdam?")
    first = next_questions(shipped_bot, answer, [])
    assert len(first) == 3
    assert not set(first) & set(next_questions(shipped_bot, answer, first))
