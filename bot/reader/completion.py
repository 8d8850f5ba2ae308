"""A span is made whole: lists with all their members, dates, numbers with what qualifies them."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.mentions import DATE
from bot.reader.reading import Span
from corpus.sentences import widened_to_sentences
from index.lexical import terms

_YES_NO = re.compile(
    r"\W*(?:(?:and|but|so) )?(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|"
    r"shall|should|may|might|must|isn['’]t|aren['’]t|wasn['’]t|weren['’]t|don['’]t|doesn['’]t|"
    r"didn['’]t|hasn['’]t|haven['’]t|can['’]t|won['’]t)\b",
    re.IGNORECASE,
)
_ASKS_WHEN = re.compile(
    r"\W*(?:(?:and|but|so) )?(?:when\b|(?:on |in |since )?(?:what|which) (?:date|day|month|year)"
    r"\b)",
    re.IGNORECASE,
)
_ASKS_HOW_MANY = re.compile(
    r"\W*(?:(?:and|but|so) )?(?:how (?:many|much|old|big|far|large|long)\b"
    r"|what (?:number|percentage|share|age)\b)",
    re.IGNORECASE,
)
_EITHER = re.compile(r"\bor\b(?! not\b)", re.IGNORECASE)
_PLURAL = (
    r"(?!(?:is|was|does|has|its|this|happens|means|makes)\b)(?:\w{2,}(?<![su])s|people|men|women)"
)
_SEVERAL = re.compile(
    rf"\W*(?:please )?(?:list|name) (?:all|the|every|some|two|three|four|five|six|{_PLURAL})\b"
    rf"|\b(?:which|what) {_PLURAL}\b(?! (?:name|title|job|role)\b)"
    rf"|\b(?:which|what) \w+ {_PLURAL} (?:are|were|have|had|do|did|can|could|will|would)\b"
    r"|\b(?:what|who|which) (?:are|were)\b",
    re.IGNORECASE,
)
_LISTS = re.compile(
    r"\W*(?:please )?(?:(?:can|could) you )?(?:please )?(?:list|enumerate|name) "
    rf"(?:(?:all|everything)\b|(?:[\w’'-]+ ){{0,3}}{_PLURAL}\W*(?:$|[.?!,]|\b(?:of|that|who|whom|"
    r"which|in|on|at|where|when|for|from|by|with|to|he|she|it|they|we|you|the)\b))",
    re.IGNORECASE,
)
_INTRODUCED = re.compile(r"(?:\b(?:such as|including|included?|includes|namely)\b|:) *(?:the )?")
_CLAUSE_WORD = r"(?:which|who|whom|whose|where|but|while|because)\b"
_CLAUSE_BEGINS = rf"\s{_CLAUSE_WORD}"
_GOES_ON = re.compile(rf"\s?[,;](?!{_CLAUSE_BEGINS})\s")
_CLAUSE = re.compile(rf",{_CLAUSE_BEGINS}")
_MEMBER = r"(?:[^,;.]|\.(?!\s+[A-Z])){2,90}"
_OTHER_MEMBERS = re.compile(
    rf"(?:, (?!{_CLAUSE_WORD}|(?:and|or|so|if|as|when|with|though|although|including|such)\b)"
    rf"{_MEMBER}){{2,}}"
    rf"(?:, among others\b|,? (?:and|or|as well as) {_MEMBER}?(?=[,;]|$))"
)
_LINKED = re.compile(r"[,;](?!\d)|\b(?:and|or)\b|&|\n")
_QUALIFIERS = (
    r"(?:(?:just |only )?(?:more|fewer|less) than|at (?:least|most)|up to|as (?:many|much) as|"
    r"about|around|roughly|nearly|almost|approximately|over|under|some|an estimated|close to)"
    r"(?: a| an)? "
)
_QUALIFIER = re.compile(rf"\b{_QUALIFIERS}$", re.IGNORECASE)
_NUMBER_WORDS = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty|"
    r"fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|trillion|half)"
)
_NUMBER = re.compile(
    rf"(?:{_QUALIFIERS})?"
    rf"(?:[$€£¥]?\d[\d.,]*(?: {_NUMBER_WORDS})*|{_NUMBER_WORDS}(?:[ -]{_NUMBER_WORDS})*)",
    re.IGNORECASE,
)
_UNIT = re.compile(
    rf" (?:{_NUMBER_WORDS}|per ?cent|percent|%|years?|months?|weeks?|days?|hours?|minutes?|"
    r"seconds?|kilomet(?:re|er)s?|met(?:re|er)s?|miles?|feet|acres?|hectares?|tons?|tonnes?|kilograms?|"
    r"dollars?|euros?|pounds?|riels?|degrees?|km|kg|mm|cm|m|ft)\b",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"[\s\"”’,]*(?:;|\b(?:and|as well as)\b|&)[\s\"“‘,]*"
    r"(?:(?:and|the|an?|by|through|in|for|to|with|of|its|their)\s+)*"
)
_COUNTED = re.compile(r"\bhow (?:many|much) ([\w’'-]+(?: [\w’'-]+){0,2})", re.IGNORECASE)
_FOLLOWING_WORD = re.compile(r" [\w’'-]+")
_KIND = re.compile(
    r"\b(?:kind|sort|type)s? of (\w[\w’' -]*?) (?:did|do|does|is|are|was|were|has|have|had|can|"
    r"could|will|would|should|may|might|must)\b",
    re.IGNORECASE,
)
_ADJECTIVES_BEFORE = re.compile(r"(?:\ban? )?(?:[\w-]+, )*[\w-]+,? and $")
_NEAR = 200  # characters in which the adjectives of an answer stand
_ANY = re.compile(r"(?:any|those|anyone|everyone|people|all (?:the )?\w+)\b", re.IGNORECASE)
_WHO_CLAUSE = re.compile(
    r" (?:who|that) (?:(?!\n\s*\n).)+?(?=,? (?:but|while|because)\b|[.;:!?](?:\s|$)|\n\s*\n|$)",
    re.DOTALL,
)
_NAME = r"(?:the )?[A-Z][\w.’'-]*(?: (?:of (?:the )?)?[A-Z][\w.’'-]*)*"
_MORE_NAMES = re.compile(rf"(?:, {_NAME}(?<![.,]))*(?:,? (?:and|or|&) {_NAME}(?<![.,]))?")
_NAMES_BEFORE = re.compile(rf"(?:\b{_NAME}, )*\b{_NAME}(?:,? (?:and|or|&) |, )$")


def asks_yes_or_no(question: str) -> bool:
    """Tell whether a question wants yes or no, not one of two things."""
    asks = _YES_NO.match(question) and not asks_for_list(question)
    return bool(asks) and not _EITHER.search(question)


def asks_for_list(question: str) -> bool:
    """Tell whether a question is a request to list things, not to name one."""
    return bool(_LISTS.match(question))


def is_listed(text: str, start: int, end: int) -> bool:
    """Tell whether a span, made whole, is a list, or a line among lines."""
    start, end = _whole_enumeration(text, *_whole_list(text, start, end))
    return bool(_LINKED.search(text, start, end)) or "\n" in text[max(0, start - 3) : end + 1]


def completed(question: str, span: Span) -> Span:
    """Widen a span until it says all that the question asks for.

    A yes/no question gets the sentence that decides; a question for several things the whole
    enumeration; a date its day and year; a number what qualifies it and its unit; a kind of thing
    the thing; "any" and "those" the clause that tells which.
    """
    passage = span.hit.passage
    start, end = span.start - passage.start, span.end - passage.start
    if asks_yes_or_no(question):
        start, end = widened_to_sentences(passage.text, start, end)
    else:
        start, end = _whole_date(question, passage.text, start, end)
        start, end = _whole_number(question, passage.text, start, end)
        start, end = _whole_kind(question, passage.text, start, end)
        if _ANY.match(passage.text, start, end) and (
            clause := _WHO_CLAUSE.match(passage.text, end)
        ):
            end = clause.end()
        is_request = asks_for_list(question)
        if is_request or _SEVERAL.search(question):
            start, end = _whole_list(passage.text, start, end)
            widen = _whole_enumeration if is_request else _with_members
            start, end = widen(passage.text, start, end)
    return replace(span, start=passage.start + start, end=passage.start + end)


def _whole_date(question: str, text: str, start: int, end: int) -> tuple[int, int]:
    if not _ASKS_WHEN.match(question):
        return start, end
    for match in DATE.finditer(text):
        if match.start() <= start and end <= match.end():
            return match.span()
    return start, end


def _whole_number(question: str, text: str, start: int, end: int) -> tuple[int, int]:
    if not _NUMBER.match(text[start:end]):
        return start, end
    if _NUMBER.fullmatch(text[start:end]):
        end = _after_unit(question, text, end)
    if _ASKS_HOW_MANY.match(question) and (found := _QUALIFIER.search(text[:start])):
        start = found.start()
    return start, end


def _whole_kind(question: str, text: str, start: int, end: int) -> tuple[int, int]:
    """Take what is of the kind asked for after its adjectives: "emerging actor"."""
    if not (asked := _KIND.search(question)):
        return start, end
    noun = set(terms(asked[1].split()[-1]))
    following = re.match(r"(?:[ -][\w’'-]+){1,2}", text[end:])
    words = following[0].split(" ") if following else []
    for n in range(1, len(words)):
        if noun & set(terms(words[n])):
            end += len(" ".join(words[: n + 1]))
            break
    else:
        return start, end
    first = max(0, start - _NEAR)
    before = _ADJECTIVES_BEFORE.search(text[first:start])
    return first + before.start() if before else start, end


def joined(span: Span, others: Sequence[Span]) -> Span:
    """Join a span with those beside it that "and" or a semicolon links to it.

    Args:
        span: The best span.
        others: Spans of the same passage that are nearly as good.
    """
    passage = span.hit.passage
    start, end = span.start - passage.start, span.end - passage.start
    places = [(other.start - passage.start, other.end - passage.start) for other in others]
    for first, last in sorted(places):
        if first >= end and _LINK.fullmatch(passage.text, end, first):
            end = last
    for first, last in sorted(places, reverse=True):
        if last <= start and _LINK.fullmatch(passage.text, last, start):
            start = first
    return replace(span, start=passage.start + start, end=passage.start + end)


def _after_unit(question: str, text: str, end: int) -> int:
    """Take units after a number, and what the question counts."""
    while unit := _UNIT.match(text, end):
        end = unit.end()
    counted, following = _COUNTED.search(question), _FOLLOWING_WORD.match(text, end)
    if counted and following and set(terms(counted[1])) & set(terms(following[0])):
        end = following.end()
    return end


def _whole_list(text: str, start: int, end: int) -> tuple[int, int]:
    if not re.fullmatch(_NAME, text[start:end].strip()) and "," not in text[start:end]:
        return start, end
    more = _MORE_NAMES.match(text, end)
    before = _NAMES_BEFORE.search(text[:start])
    return before.start() if before else start, more.end() if more else end


def _with_members(text: str, start: int, end: int) -> tuple[int, int]:
    """Take three or more members that follow a first one, to the last or to "among others"."""
    if _LINKED.search(text, start, end):
        return start, end
    last = _before_mark(text, end, widened_to_sentences(text, start, end)[1])
    members = _OTHER_MEMBERS.match(text, end, last)
    return start, members.end() if members else end


def _before_mark(text: str, start: int, end: int) -> int:
    """Return where a sentence ends without its mark; the last point of "the U.S." stays."""
    return start + len(re.sub(r"(?<!\b[A-Z])[.!?]+$", "", text[start:end].rstrip()))


def _whole_enumeration(text: str, start: int, end: int) -> tuple[int, int]:
    """Take what a comma or a semicolon links to a span that is no whole list yet.

    Behind it all to the end of the sentence or to a clause of another kind, before it all from
    "such as" and the like on.
    """
    first, last = widened_to_sentences(text, start, end)
    is_closed = re.search(r"\b(?:and|or)\b|&", text[start:end]) and ";" not in text[end:last]
    if is_closed:
        return start, end
    if _GOES_ON.match(text, end):
        clause = _CLAUSE.search(text, end, last)
        end = _before_mark(text, end, clause.start() if clause else last)
    introduced = [words.end() for words in _INTRODUCED.finditer(text, first, start)]
    if introduced and text[introduced[-1] : start].rstrip().endswith((",", ";")):
        start = introduced[-1]
    return start, end
