"""Names, dates and numbers in a text, found by their form."""

import re

MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?"
    r"|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
DATE = re.compile(
    rf"\b{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+{MONTH}(?:,?\s+\d{{4}})?\b|\b{MONTH},?\s+\d{{4}}\b"
    r"|\b(?:1[0-9]|20)\d\d(?:s\b|\b)"
)
_WORD = r"(?:(?:[A-Z]\.){2,}|[A-Z][\w’'-]*\w)"
_NAME = re.compile(rf"{_WORD}(?:\s(?:of\s(?:the\s)?)?{_WORD})*")
_CALENDAR = re.compile(rf"{MONTH}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?")
_NOT_NAMES = frozenset(
    """
    a after all also and any are as at but by can could did do does during for from had has have he
    her his how however i if in is it its many may might most my name no not now of on one or our
    please she should so some tell that the their then there these they this those to was we were
    what when where which while who whom whose why will with would yes you your
    """.split()
)
_NOT_PEOPLE = frozenset(
    """
    affairs agency asean association bank church city committee company conference cooperation corps
    council country covid covid-19 department east empire foundation government group institute
    international kingdom league meeting meetings ministry nation nations north organisation
    organization party people plus republic river royal school ship society south special states
    summit treaty union unit united university village war west world
    """.split()
)

_ROLES = frozenset(
    """
    advisor adviser ambassador captain chairman chairwoman chief chinese correspondent counsellor
    director doctor foreign general governor king lady lord mayor member minister president prime
    prince princess professor queen secretary senator sir spokesman spokesperson spokeswoman state
    vice-chairman
    """.split()
)


def find_names(text: str) -> list[str]:
    """Find the capitalised names of a text, in order, without the words that open its sentences."""
    names = []
    for match in _NAME.finditer(text):
        name = match.group()
        opening, _, rest = name.partition(" ")
        if opening.lower() in _NOT_NAMES:
            name = rest if rest[:1].isupper() else ""
        if text[match.end() : match.end() + 1] == "-":  # "U.S.-based" names no thing of its own
            continue
        if name and not _CALENDAR.fullmatch(name):
            names.append(name.removesuffix("’s").removesuffix("'s"))
    return names


def is_person(name: str) -> bool:
    """Guess whether a name is a person's: its last two words are capitalised and name no thing.

    "U.S. Secretary of State Mike Pompeo" is one; "Council of Ministers", "Foreign Minister" and
    "World Health Organisation" are none.
    """
    words = name.split()
    return 2 <= len(words) <= 7 and all(
        word[0].isupper()
        and not (word.isupper() and len(word) > 2)
        and word.lower().removesuffix("’s") not in _NOT_PEOPLE | _ROLES
        for word in words[-2:]
    )
