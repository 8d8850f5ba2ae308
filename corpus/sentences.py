"""Sentence boundaries as offsets, by rule."""

import re

# A terminator with its closing quotes and brackets. Latin ones count only before white space; the
# full stops of scripts that set no space after them count where they stand.
_TERMINATOR = re.compile(
    r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[”』」）]*|[។៕؟۔।]+|\n\s*\n|\n(?=\s*[-*•–]\s)"
)
_ABBREVIATIONS = frozenset(
    """
    adm al approx art ca capt cf ch co col cpl dept dr e.g ed eds etc fig figs gen gov hon i.e inc jr lt
    ltd maj messrs mr mrs ms mt mx no nos p pp para ph.d pres prof rep rev sec sen sgt sr st viz vol vs
    jan feb mar apr jun jul aug sep sept oct nov dec
    """.split()
)
_INITIALS = re.compile(r"(?:\b[A-Za-z]\.)+$")
_OPENERS = "\"'“‘«([*_#>"
# Words that open a sentence far oftener than they follow "U.S." or an initial.
_STARTERS = frozenset(
    """
    A After All An And As At But By During For From Few Four He Her His However I If In It Its Many
    Most No On One Our She Since So Some That The Their Then There These They This Those Three To Two
    We When While With You
    """.split()
)


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Find the sentences of a text.

    A blank line and a list bullet at the start of a line always end a sentence; a full stop does
    not when it belongs to an abbreviation ("U.S. Secretary of State", "Dr. Who", "No. 5").

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
    for start, end in zip(bounds, bounds[1:], strict=False):
        piece = text[start:end]
        if words := piece.strip():
            offset = start + piece.index(words)
            spans.append((offset, offset + len(words)))
    return spans


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    mark = match.group()
    if mark[0] not in ".!?…":
        return True
    following = text[match.end() :].lstrip()[:40]
    if not following:
        return True
    first = following.lstrip(_OPENERS)[:1]
    if first.islower():
        return False
    if mark != ".":
        return True
    before = text[max(0, match.start() - 20) : match.end()]
    word = before.split()[-1].lstrip(_OPENERS)
    if _INITIALS.search(word):
        return bool(re.match(r"\W*(\w+)", following) and _first_word(following) in _STARTERS)
    return word.rstrip(".").lower() not in _ABBREVIATIONS


def _first_word(text: str) -> str:
    match = re.search(r"\w+", text)
    return match.group() if match else ""
