"""Sentence boundaries as offsets, by rule."""

import re
from itertools import pairwise

# A terminator with its closing quotes, brackets and Markdown. Latin ones count only before white
# space; the full stops of scripts that set no space after them count where they stand. The
# look-behind keeps a long row of dots from being tried from each of them.
_TERMINATOR = re.compile(
    r"(?<![.!?…])[.!?…]+[\"'”’»)\]*_]*(?=\s)|[。！？]+[”』」）]*|[។៕؟۔।]+"
    r"|\n\s*\n|\n(?=\s*(?:[-*•–]|\d{1,2}[.)])\s)"
)
_ABBREVIATIONS = frozenset(
    """
    adm al approx ca capt cf co col cpl dept dr e.g ed eds etc gen gov hon i.e inc jr lt ltd maj
    messrs mr mrs ms mt mx ph.d pres prof rep rev sec sen sgt sr st viz vs
    jan feb mar apr jun jul aug sep sept oct nov dec
    """.split()
)
# Abbreviations before a number only: "no", "art" and "fig" are words too.
_NUMBERED = frozenset("art ch fig figs no nos p para pp vol".split())
_NUMBER = re.compile(r"\W*(?:\d|[VX]\b|[IVXLC]{2,}\b)")
_LIST_NUMBER = re.compile(r"(?:^|\n)[^\S\n]*\d{1,2}\.$")
_FOLLOWING = re.compile(r"\s*+(.{0,40})", re.DOTALL)
_INITIALS = re.compile(r"(?:\b[A-Za-z]\.)+$")
_OPENERS = "\"'“‘«([*_#>"
# Words that open a sentence far oftener than they follow "U.S." or an initial.
_STARTERS = frozenset(
    """
    A After All An And As At But By During For From Few Four He Her His However I If In It Its Many
    Most No On One Our She Since So Some That The Their Then There These They This Those Three To
    Two We When While With You
    """.split()
)


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Find the sentences of a text.

    A blank line and a list bullet or number at the start of a line always end a sentence; a full
    stop does not when it belongs to that number or to an abbreviation ("U.S. Secretary of State",
    "Dr. Who", "No. 5").

    Args:
        text: One passage or paragraph, of any script.

    Returns:
        Half-open offsets in reading order, without surrounding white space. Together they hold
        every character of the text that is not white space.
    """
    bounds = [0]
    bounds += [match.end() for match in _TERMINATOR.finditer(text) if _ends_sentence(text, match)]
    bounds.append(len(text))
    spans = []
    for start, end in pairwise(bounds):
        piece = text[start:end]
        if words := piece.strip():
            offset = start + piece.index(words)
            spans.append((offset, offset + len(words)))
    return spans


def widened_to_sentences(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a range of offsets to the sentence, or sentences, of the text that it stands in."""
    around = [span for span in split_sentences(text) if span[0] < end and start < span[1]]
    return min([start, *(first for first, _ in around)]), max([end, *(last for _, last in around)])


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    mark = match.group()
    if mark[0] not in ".!?…":
        return True
    found = _FOLLOWING.match(text, match.end())
    following = found[1] if found else ""
    if not following:
        return True
    first = following.lstrip(_OPENERS)[:1]
    if first.islower():
        return False
    if mark != ".":
        return True
    before = text[max(0, match.start() - 20) : match.end()]
    if _LIST_NUMBER.search(before):
        return False
    word = before.split()[-1].lstrip(_OPENERS)
    name = word.rstrip(".").lower()
    if name in _NUMBERED:
        return not _NUMBER.match(following)
    if _INITIALS.search(word):
        return _first_word(following) in _STARTERS
    return name not in _ABBREVIATIONS


def _first_word(text: str) -> str:
    match = re.search(r"\w+", text)
    return match.group() if match else ""
