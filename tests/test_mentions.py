import pytest

from bot.mentions import find_names, is_person


def test_names_are_found_without_the_word_that_opens_the_sentence():
    text = "When did Prime Minister Hun Sen thank the World Health Organisation?"
    assert find_names(text) == ["Prime Minister Hun Sen", "World Health Organisation"]


def test_a_month_or_a_day_alone_is_no_name():
    assert find_names("Was it on a Sunday in April in Phnom Penh?") == ["Phnom Penh"]


def test_the_first_half_of_a_compound_is_no_name():
    assert find_names("the U.S.-based Westerdam cruise ship") == ["Westerdam"]


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("Hun Sen", True),
        ("U.S. Secretary of State Mike Pompeo", True),
        ("Wang Yi", True),
        ("ASEAN", False),
        ("Council of Ministers", False),
        ("World Health Organisation", False),
        ("Foreign Minister", False),
        ("Special ASEAN Summit", False),
        ("Vietnam", False),
    ],
)
def test_people_are_told_from_things_by_the_form_of_the_name(name, person):
    assert is_person(name) is person
