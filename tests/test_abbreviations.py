import pytest

from bot.reader.abbreviations import asked_abbreviation, find_long_form

TEXT = (
    "The Association of Southeast Asian Nations (ASEAN) met the World Health Organization (WHO). "
    "The JNO (Joint Navigation Office) came too, with a boat (blue) and the AKP (a friend)."
)


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("what does asean stand for", "asean"),
        ("What do the letters WHO stand for?", "WHO"),
        ("What is the full name of ASEAN?", "ASEAN"),
        ("What is JNO short for?", "JNO"),
        ("JNO full name", "JNO"),
        ("What is the name of the ship?", ""),
        ("Who is Sok Dara?", ""),
    ],
)
def test_a_question_after_an_abbreviation_is_told_from_others(question, short):
    assert asked_abbreviation(question) == short


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("asean", "Association of Southeast Asian Nations"),
        ("WHO", "World Health Organization"),
        ("JNO", "Joint Navigation Office"),
        ("AKP", None),
        ("blue", None),
        ("EU", None),
    ],
)
def test_the_long_form_is_what_the_letters_begin(short, long):
    found = find_long_form(TEXT, short)
    assert (TEXT[slice(*found)] if found else None) == long


def test_brackets_without_end_or_words_are_passed_over():
    assert find_long_form("(" * 1000 + "WHO" + ")" * 1000, "WHO") is None
    assert find_long_form("", "WHO") is None
