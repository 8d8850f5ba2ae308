import pytest

from bot.reader.completion import (
    asks_for_list,
    asks_yes_or_no,
    completed,
    is_listed,
    joined,
)
from bot.reader.reading import Span
from corpus.passages import Passage
from index.passage_index import Hit

SHIP = (
    "The ferry carries more than 2,200 passengers and about 3.5 million tons of rice. It sailed "
    "on April 8, 2020 to Kep. It will not stop in Kampot, which has no pier."
)
TOPICS = "fighting fires, training crews, and piers, and so on"
CLUB = "Its members are Kenya, Uganda, the Republic of Tola and Burundi, but Chad left in 2003."


def read(question, text, words):
    start = text.index(words)
    hit = Hit(Passage("a.txt", 100, 100 + len(text), text), 0.0, 1)
    return completed(question, Span(hit, 100 + start, 100 + start + len(words), 0.0)).text


@pytest.mark.parametrize(
    ("question", "words", "whole"),
    [
        ("How many passengers does it carry?", "2,200", "more than 2,200 passengers"),
        ("How many passengers does it carry?", "more than 2,200", "more than 2,200 passengers"),
        ("how many people", "2,200", "more than 2,200"),
        ("How much rice does it carry?", "3.5", "about 3.5 million tons"),
        ("When did it sail?", "2020", "April 8, 2020"),
        ("What year is it?", "2020", "April 8, 2020"),
        ("Where did it sail?", "Kep", "Kep"),
        ("Does it stop in Kampot?", "not stop", "It will not stop in Kampot, which has no pier."),
        ("Does it stop in Kep or in Kampot?", "Kep", "Kep"),
    ],
)
def test_a_span_is_widened_to_what_was_asked_for(question, words, whole):
    assert read(question, SHIP, words) == whole


@pytest.mark.parametrize(
    "words", ["Kenya", "Uganda", "Burundi", "the Republic of Tola", "Kenya, Uganda"]
)
def test_a_question_for_several_things_gets_all_of_them(words):
    everyone = "Kenya, Uganda, the Republic of Tola and Burundi"
    assert read("Which countries are members?", CLUB, words) == everyone
    assert read("List the members.", CLUB, words) == everyone
    assert read("Which country comes first?", CLUB, words) == words


@pytest.mark.parametrize(
    ("question", "words", "whole"),
    [
        (
            "What subjects came up?",
            "putting out fires",
            "putting out fires, the U.S. loan, new piers, among others",
        ),
        ("What goods does it carry?", "tea", "tea, rice, dried fish and salt"),
        ("What does it carry?", "tea", "tea"),
        ("Which crews are trained?", "Two crews", "Two crews"),
        ("Which ports have piers?", "Kep", "Kep"),
        ("What backers has it?", "a bank", "a bank, two towns, the crew and the U.S."),
        (
            "List its debts.",
            "the old loan",
            "a new pier, the old loan, unpaid crews, rent and fuel",
        ),
    ],
)
def test_a_question_for_several_things_gets_those_after_the_first(question, words, whole):
    text = (
        "The talk was of putting out fires, the U.S. loan, new piers, among others. The ferry "
        "carries tea, rice, dried fish and salt. Two crews, who live in Kep, are trained, and "
        "others wait. Kep, which has a pier, is near, and Kampot, a town, is far. Its "
        "debts are for things such as a new pier, the old loan, unpaid crews, rent and fuel. It is "
        "backed by a bank, two towns, the crew and the U.S."
    )
    assert read(question, text, words) == whole


@pytest.mark.parametrize(
    ("question", "words", "whole"),
    [
        ("List the topics.", "training crews", TOPICS),
        ("please list all topics", "fighting fires", TOPICS),
        ("Name a topic.", "training crews", "training crews"),
        (
            "List everything that Kep is thanked for",
            "sending rice and tea",
            "sending rice and tea, green and black; mending piers; lending boats",
        ),
        ("Could you list all topics?", "fighting fires", TOPICS),
        ("Enumerate the ports.", "Kep, Riga and Oslo", "Kep, Riga and Oslo"),
        ("List the ports it trades with", "Riga", "Kep, Riga and Oslo"),
    ],
)
def test_what_is_to_be_listed_is_taken_whole(question, words, whole):
    text = (
        "They spoke of things such as fighting fires, training crews, and piers, and so on. It "
        "thanks Kep for sending rice and tea, green and black; mending piers; lending boats. It "
        "trades with Kep, Riga and Oslo, which are near."
    )
    assert read(question, text, words) == whole


@pytest.mark.parametrize(
    ("question", "words", "whole"),
    [
        ("What kind of boat is it?", "rapid", "a sturdy, clean, and rapid boat"),
        ("As what sort of vessel does it serve?", "rapid", "rapid"),
        ("What kind of crew does it have?", "seasoned", "seasoned local crew"),
        ("What kind of crew does it have?", "seasoned local crew", "seasoned local crew"),
        ("Whom does it carry?", "any guests", "any guests who hold a ticket"),
        ("Whom does it carry?", "guests", "guests"),
        ("Whom does it leave behind?", "those", "those that are late"),
    ],
)
def test_a_noun_and_what_tells_which_belong_to_the_answer(question, words, whole):
    text = (
        "It is a sturdy, clean, and rapid boat with a seasoned local crew. It takes any guests "
        "who hold a ticket, but not those that are late. Clerks tell those who ask."
    )
    assert read(question, text, words) == whole


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (
            "It takes those who pay $2.50 by 10:30 a.m., but no others.",
            "those who pay $2.50 by 10:30 a.m.",
        ),
        ("Ask those who know\n\nNEXT HEADING. It sails.", "those who know"),
        ("Ask those who know\nthe port", "those who know\nthe port"),
    ],
)
def test_a_clause_ends_with_its_sentence_or_paragraph(text, whole):
    assert read("Whom does it take?", text, "those") == whole


def test_a_question_for_a_kind_of_nothing_changes_nothing():
    assert read("What kind of   is it?", SHIP, "ferry") == "ferry"


def test_what_is_no_list_stays_as_it_is():
    text = "He met Sok Dara, and Kep was calm."
    assert read("Which captains did he meet?", text, "calm") == "calm"


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Does it sail?", True),
        ("is it true that it sails", True),
        ("And did it?", True),
        ("Does it sail or not?", True),
        ("Is it a boat or a ship?", False),
        ("Island of what?", False),
        ("Who does it carry?", False),
    ],
)
def test_a_yes_no_question_is_told_from_others(question, wanted):
    assert asks_yes_or_no(question) is wanted


@pytest.mark.parametrize(
    ("text", "best", "other", "whole"),
    [
        ("by courage and hard work alone", "courage", "hard work", "courage and hard work"),
        ("by courage and hard work alone", "hard work", "courage", "courage and hard work"),
        ("sending boats; bringing food", "sending boats", "bringing food", None),
        ("the mayor, Ana Kowal, left", "Ana Kowal", "the mayor", "Ana Kowal"),
        ("boats that carried food", "boats", "food", "boats"),
    ],
)
def test_spans_that_and_links_are_one_answer(text, best, other, whole):
    hit = Hit(Passage("a.txt", 50, 50 + len(text), text), 0.0, 1)
    first, second = (
        Span(hit, 50 + text.index(words), 50 + text.index(words) + len(words), 0.0)
        for words in (best, other)
    )
    assert joined(first, [second]).text == (whole or text)


@pytest.mark.parametrize(
    "question",
    [
        "Name the United States secretary of state.",
        "Name the foreign affairs minister.",
        "Name James Bond's author",
        "List the author of the article.",
        "list price of the boat?",
        "Who are the members?",
    ],
)
def test_one_thing_is_not_a_list(question):
    assert not asks_for_list(question)


@pytest.mark.parametrize(
    ("text", "words", "is_a_list"),
    [
        ("It calls at Kep, Riga and Oslo.", "Oslo", True),
        ("It calls at Kep and Riga.", "Kep", True),
        ("It calls at\n- Kep\n- Riga\n", "Riga", True),
        ("It carries 2,200 people.", "2,200", False),
        ("Kep, which is near, is safe.", "Kep", False),
        ("It calls at Kep.", "Kep", False),
    ],
)
def test_a_member_of_a_list_is_told_from_what_stands_alone(text, words, is_a_list):
    start = text.index(words)
    assert is_listed(text, start, start + len(words)) is is_a_list
