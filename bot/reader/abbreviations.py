"""What an abbreviation stands for, where a text spells it out in brackets.

The algorithm is that of Schwartz and Hearst (2003, "A Simple Algorithm for Identifying Abbreviation
Definitions in Biomedical Text").
"""

import re

_ASKED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bwhat (?:does|do|did|is|are) (?:the )?(?:abbreviation |acronym |letters |initials )?"
        r"[\"'“‘]?([\w.&-]{2,12})[\"'”’]? (?:stand|stands|short|mean) for\b",
        r"\b(?:full|long|complete) (?:name|form|title) of (?:the )?(?:abbreviation |acronym )?"
        r"[\"'“‘]?([\w.&-]{2,12})[\"'”’]?\W*$",
        r"^\W*([\w.&-]{2,12}) (?:full (?:name|form)|stands for|meaning)\W*$",
    )
)
_IN_BRACKETS = re.compile(r"\(([^()\n]{2,120})\)")


def asked_abbreviation(question: str) -> str:
    """Return the abbreviation that a question wants spelled out; "" where it wants none."""
    for regex in _ASKED:
        if match := regex.search(question):
            return match[1].strip(".")
    return ""


def find_long_form(text: str, short: str) -> tuple[int, int] | None:
    """Find the words that an abbreviation stands for.

    Args:
        text: Where "long form (SF)" or "SF (long form)" may stand.
        short: The abbreviation, in any case.

    Returns:
        Half-open offsets of the long form, or None where the text does not spell it out.
    """
    wanted = short.lower()
    for match in _IN_BRACKETS.finditer(text):
        inside = match[1].strip()
        if inside.lower() == wanted:
            end = len(text[: match.start()].rstrip())
            first = max(0, end - 12 * (len(short) + 5))
            start = _start_of_long_form(short, text[first:end])
            if start is not None:
                return first + start, end
        before = text[: match.start()].rstrip().lower()
        if before.endswith(wanted) and not before[: -len(wanted)][-1:].isalnum():
            start = _start_of_long_form(short, inside)
            if start is not None:
                first = match.start(1) + match[1].index(inside)
                return first + start, first + len(inside)
    return None


def _start_of_long_form(short: str, before: str) -> int | None:
    """Match the letters of the short form from right to left, the first at the start of a word."""
    place = len(before)
    letters = [letter for letter in short.lower() if letter.isalnum()]
    for number, letter in reversed(list(enumerate(letters))):
        place -= 1
        while place >= 0 and (
            before[place].lower() != letter
            or (number == 0 and place > 0 and before[place - 1].isalnum())
        ):
            place -= 1
        if place < 0:
            return None
    words = before[place:].split()
    is_longer = len(before) - place > len(short) and len(words) <= min(
        len(letters) + 5, 2 * len(letters)
    )
    return place if is_longer else None
