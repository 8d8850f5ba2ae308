"""What kind of answer a question wants, and whether some words are of that kind."""

import re
from collections.abc import Sequence

from bot.mentions import DATE, find_names

_NUMBER = re.compile(
    r"\d|\b(?:no|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|"
    r"forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|half|several|single|"
    r"first|second|third|both)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d|\b(?:today|yesterday|tomorrow|days?|weeks?|months?|years?|later|ago|before|after|during|since|"
    r"until|century|decades?|morning|evening|night|noon|era|mon|tues|wednes|thurs|fri|satur|sun)\w*\b",
    re.IGNORECASE,
)
_WANTED = (
    (
        "date",
        r"when\b(?! it comes)|(?:on |in |since )?(?:what|which) (?:date|day|year|month|decade)\b",
    ),
    (
        "number",
        r"how (?:many|much|old|big|far|large|long)\b|what (?:number|percentage|share|age)\b",
    ),
    ("person", r"(?:(?:by|with|to|for|from|of) )?who(?:m|se)?\b"),
    (
        "place",
        r"where\b|(?:in|at|from|to) (?:which|what) \w+ ?(?:town|city|country|port|province)\b",
    ),
)
_COMPILED = tuple(
    (kind, re.compile(rf"\W*(?:and |but |so )?(?:{pattern})", re.IGNORECASE))
    for kind, pattern in _WANTED
)

_WHO_IS = re.compile(
    r"\W*(?:who|what)\b(?:’s|'s|\s+(?:is|was|are|were|does|did|office|position|post|role|title))\b|"
    r"\W*(?:what|which)\s+(?:office|position|post|role|title|job)\b",
    re.IGNORECASE,
)

_WHO_IS_NAMED = re.compile(
    r"\W*who(?:['’]s| is| was) ((?:[\w.’'-]+ ){0,3}[\w.’'-]*\w)\W*", re.IGNORECASE
)


def wanted_kind(question: str) -> str:
    """Tell what a question wants by how it begins: date, number, person, place, or ""."""
    return next((kind for kind, regex in _COMPILED if regex.match(question)), "")


def titles_of_the_named(question: str, words: str, following: str) -> bool:
    """Tell whether words are the title of someone whom the question names, not who is asked for.

    In "Prime Minister Hun Sen" the title stands right before the name: it answers "Who is Hun
    Sen?" but not "Who called Hun Sen?".

    Args:
        question: The question.
        words: The words that might answer.
        following: The text behind them.
    """
    if _WHO_IS.match(question) or not words[-1:].isalnum():
        return False
    return following[:1] == " " and any(
        following[1:].startswith(name) for name in find_names(question)
    )


def who_is_asked_about(question: str, texts: Sequence[str]) -> str:
    """Return the name in "Who is Hun Sen?" as the texts write it; "" for any other question."""
    asked = _WHO_IS_NAMED.fullmatch(question)
    if not asked:
        return ""
    name = re.compile(rf"\b{re.escape(asked[1])}\b", re.IGNORECASE)
    found = (match[0] for text in texts for match in name.finditer(text))
    return next((words for words in found if words.title() == words), "")


def is_beside(name: str, before: str, after: str) -> bool:
    """Tell whether words say who someone is: next to the name, or behind it and "is" or "was".

    Args:
        name: The name as the text writes it.
        before: The text before the words.
        after: The text behind them.
    """
    words = re.escape(name)
    follows = rf"{words}(?:['’]s)?(?:[\s,:(—–-]|\b(?:is|was|the|an?)\b)*$"
    return bool(re.match(rf"[\s,:]*{words}", after) or re.search(follows, before))


def is_of_kind(kind: str, words: str) -> bool:
    """Tell whether words may be an answer of a kind; whatever is not known by its form may."""
    if kind == "date":
        return bool(DATE.search(words) or _TIME.search(words))
    if kind == "number":
        return bool(_NUMBER.search(words))
    if kind == "person":
        return not DATE.fullmatch(words.strip()) and any(char.isalpha() for char in words)
    if kind == "place":
        return bool(find_names(words)) and not DATE.search(words)
    return True
