import pytest

from bot.followup import Turn, standalone_query


def turn(question, answer="", query=None):
    return Turn(question=question, answer=answer, query=query or question)


WHO_CALLED = turn("Which American official called Hun Sen?", "Mike Pompeo")
CASES = turn("How many cases were detected in Cambodia?", "122")
SHIP = turn("Which cruise ship was allowed to dock?", "the Westerdam")


@pytest.mark.parametrize(
    ("history", "question", "resolved"),
    [
        ([WHO_CALLED], "When did he call?", "When did Mike Pompeo call?"),
        ([WHO_CALLED], "And what was his office?", "What was Mike Pompeo’s office?"),
        (
            [CASES],
            "And how many recovered?",
            "How many recovered (cases, detected in Cambodia, 122)?",
        ),
        ([CASES], "What about Japan?", "How many cases were detected in Japan?"),
        ([CASES], "And in Vietnam?", "How many cases were detected in Vietnam?"),
        (
            [SHIP],
            "How many passengers did it carry?",
            "How many passengers did the Westerdam carry?",
        ),
        (
            [turn("When was the Westerdam allowed to dock?", "February 13, 2020")],
            "Why?",
            "Why was the Westerdam allowed to dock (February 13, 2020)?",
        ),
        (
            [turn("Who wrote this?", "Ek Tha")],
            "Where did he live as a refugee?",
            "Where did the author live as a refugee?",
        ),
        (
            [turn("Where did Ek Tha live?", "Vietnam")],
            "Who ruled there?",
            "Who ruled in Vietnam?",
        ),
        (
            [turn("What happened on April 23, 2020?", "the video conference")],
            "Who spoke then?",
            "Who spoke on April 23, 2020?",
        ),
        (
            [turn("What happened on April 8, 2020?", "a call")],
            "What about April 9, 2020?",
            "What happened on April 9, 2020?",
        ),
        (
            [turn("Who said that trade matters?", "Prak Sokhonn")],
            "At which meeting?",
            "At which meeting: Prak Sokhonn said that trade matters?",
        ),
        (
            [turn("Who is the major trading partner?", "Japan")],
            "Which Cambodian politician said that?",
            "Which Cambodian politician said that (the major trading partner, Japan)?",
        ),
        (
            [turn("Who shut the gate?", "Sok Dara")],
            "When did he do that?",
            "When did Sok Dara do that (shut the gate)?",
        ),
        (
            [turn("With whom did Prak Sokhonn talk?", "Wang Yi")],
            "What did they say?",
            "What did Prak Sokhonn and Wang Yi say?",
        ),
    ],
)
def test_a_follow_up_is_resolved_against_its_dialogue(history, question, resolved):
    assert standalone_query(question, history) == resolved


@pytest.mark.parametrize(
    "question",
    ["Who is Wang Yi?", "How does the author define politics?", "Which countries belong to ASEAN?"],
)
def test_a_question_that_stands_alone_stays_as_it_is(question):
    assert standalone_query(question, [WHO_CALLED]) == question


def test_without_a_dialogue_a_pronoun_stays():
    assert standalone_query("When did he call?", []) == "When did he call?"


def test_a_pronoun_reaches_back_over_a_turn_that_names_nobody():
    history = [WHO_CALLED, turn("When did he call?", "April 8, 2020", "When did the caller call?")]
    assert (
        standalone_query("Where did he call from?", history) == "Where did Mike Pompeo call from?"
    )


def test_a_resolved_query_carries_on_to_the_next_turn():
    first = turn("Who is Ek Tha?", "Spokesman of the Council of Ministers")
    second = turn("Where was he a refugee?", "Vietnam", "Where was Ek Tha a refugee?")
    assert standalone_query("When was he born?", [first, second]) == "When was Ek Tha born?"


def test_a_lead_in_word_is_dropped_from_a_question_that_stands_alone():
    query = standalone_query("And what does the author say about politics?", [CASES])
    assert query == "What does the author say about politics?"


@pytest.mark.parametrize("question", ["", "   ", "???", "And?", "What about?", "it it it", "he"])
def test_fragments_never_crash(question):
    history = [turn("", "", ""), turn("?", "x", "?"), WHO_CALLED]
    assert isinstance(standalone_query(question, history), str)
