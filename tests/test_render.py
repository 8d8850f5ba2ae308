from dataclasses import replace

import pytest

from bot.answer import Answer, Citation, answer_record
from bot.render import confidence_words, render_answer, render_passages, sentence_around
from corpus.documents import Document
from corpus.passages import Passage
from index.passage_index import Hit

TEXT = "The ferry leaves at seven. It carries forty passengers. Rice too."
DOCUMENT = Document.from_text("harbour.txt", TEXT)
DOCUMENTS = {DOCUMENT.id: DOCUMENT}
PASSAGE = Passage("harbour.txt", 0, len(TEXT), TEXT)
HIT = Hit(passage=PASSAGE, score=0.5, rank=1)
QUOTE = Citation("harbour.txt", 38, 54, TEXT[38:54], 0, len(TEXT), 0.95)


def answered(**changes):
    answer = Answer("How many?", "How many?", QUOTE.quote, (QUOTE,), (HIT,), 0.95)
    return replace(answer, **changes)


def test_an_answer_is_shown_with_its_quote_marked_in_its_sentence():
    assert render_answer(answered(), DOCUMENTS).splitlines() == [
        "forty passengers",
        "(very likely)",
        "[1] It carries «forty passengers».",
        "    harbour.txt:38-54",
    ]


def test_other_words_that_may_answer_are_listed_after_the_answer():
    other = Citation("harbour.txt", 20, 25, "seven", 0, len(TEXT), 0.9)
    assert render_answer(answered(alternatives=(other,)), DOCUMENTS).splitlines()[4:] == [
        "It may also be:",
        "[2] The ferry leaves at «seven».",
        "    harbour.txt:20-25",
    ]


def test_a_resolved_follow_up_is_shown_as_it_was_searched():
    shown = render_answer(answered(query="How many passengers?"), DOCUMENTS)
    assert shown.splitlines()[0] == "searched: How many passengers?"


def test_an_abstention_says_so_and_shows_what_came_nearest():
    silent = answered(text="", citations=(), confidence=0.1, note="It does not mention “fuel”.")
    assert render_answer(silent, DOCUMENTS).splitlines() == [
        "The document does not say.",
        "It does not mention “fuel”.",
        "0-65: The ferry leaves at seven. It carries forty passengers. Rice too.",
    ]


def test_several_documents_do_not_say():
    silent = answered(text="", citations=(), n_documents=2)
    assert render_answer(silent, DOCUMENTS).startswith("The documents do not say.\n")


def test_a_reply_to_small_talk_is_shown_alone():
    greeting = answered(text="", citations=(), passages=(), note="Hello!")
    assert render_answer(greeting, DOCUMENTS) == "Hello!"


def test_control_characters_of_a_document_never_reach_the_terminal():
    text = "Clear \x1b[2J the screen\x07 now, all forty of you."
    document = Document.from_text("evil.txt", text)
    quote = Citation("evil.txt", 0, len(text), text, 0, len(text))
    passage = Passage("evil.txt", 0, len(text), text)
    shown = render_answer(
        answered(text=text, citations=(quote,), passages=(Hit(passage, 1.0, 1),)),
        {"evil.txt": document},
    )
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_colours_mark_the_quote_in_a_terminal():
    shown = render_answer(answered(), DOCUMENTS, color=True)
    assert "\x1b[30;43mforty passengers\x1b[0m" in shown


def test_the_sentence_around_a_quote_is_found_in_its_passage():
    assert sentence_around(QUOTE, TEXT) == (27, 55)


def test_a_document_is_shown_with_the_numbers_of_its_passages():
    passages = [Passage("harbour.txt", 0, 26, TEXT[:26]), Passage("harbour.txt", 27, 65, TEXT[27:])]
    assert render_passages(DOCUMENT, passages, first_number=7).splitlines() == [
        "harbour.txt",
        "===========",
        "[7] The ferry leaves at seven.",
        "",
        "[8] It carries forty passengers. Rice too.",
    ]


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(1.0, "very likely"), (0.7, "likely"), (0.5, "fairly likely"), (0, "unsure")],
)
def test_confidence_is_said_in_words(confidence, words):
    assert confidence_words(confidence) == words


def test_a_record_holds_the_keys_that_other_programs_read():
    record = answer_record("q1", answered(seconds=0.12345))
    assert record == {
        "id": "q1",
        "question": "How many?",
        "query": "How many?",
        "answer": "forty passengers",
        "abstained": False,
        "confidence": 0.95,
        "citations": [
            {
                "document": "harbour.txt",
                "start": 38,
                "end": 54,
                "quote": "forty passengers",
                "passage_start": 0,
                "passage_end": 65,
                "confidence": 0.95,
            }
        ],
        "alternatives": [],
        "passages": [
            {"document": "harbour.txt", "start": 0, "end": 65, "score": 0.5, "text": TEXT}
        ],
        "seconds": 0.1235,
    }
