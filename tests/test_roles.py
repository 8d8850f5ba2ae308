import pytest

from bot.reader.roles import is_beside, who_is_asked_about


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
