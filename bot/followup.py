"""Follow-ups: a question that leans on its dialogue becomes one that stands alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.mentions import DATE, find_names, is_person
from index.lexical import terms


@dataclass(frozen=True, slots=True)
class Turn:
    """One finished turn of a dialogue.

    Attributes:
        question: The question as asked.
        answer: The bot's answer; "" when it abstained.
        query: The question as searched, after it was resolved against the turns before it.
    """

    question: str
    answer: str
    query: str


_SHORT = 6  # words of an answer that may stand in a question

_LEAD = re.compile(
    r"^\s*(?:and|but|so|ok(?:ay)?|then|also|well|yes|no|changing the subject|now)\b[\s,:;–—-]*",
    re.I,
)
_WHAT_ABOUT = re.compile(r"^(?:what|how) about\s+(?P<topic>.+?)\s*\??$", re.I)
_PREPOSITION_ONLY = re.compile(
    r"^(?P<preposition>in|at|on|for|from|with|by|to)\s+(?P<topic>[^?]{1,60}?)\s*\??$", re.I
)
_WH = re.compile(
    r"\b(?:who(?:m|se)?|what(?:\s+(?!about|is|was|are|were|did|does|do|has|have|will|can)\w+)?"
    r"|when|where|why|how(?:\s+(?:many|much|long|often|old|far))?|which(?:\s+\w+)?)\b",
    re.I,
)
_BARE = re.compile(
    r"^(?:who|what|when|where|why|how|which(?:\s+ones?)?|who else|what else|how many|how much"
    r"|how so|how come|since when"
    r"|(?:at|in|on|from|by|for|with)\s+(?:which|what|whom)(?:\s+\w+){0,2})\s*\?*$",
    re.I,
)
_PERSONAL = re.compile(r"\b(?:he|she|him|his|her|hers)\b", re.I)
_PLURAL = re.compile(r"\b(?:they|them|their|theirs|these|those|ones?)\b", re.I)
_NEUTRAL = re.compile(r"\b(?:it|its)\b", re.I)
_POSSESSIVE = re.compile(r"(?:his|hers|its|their|theirs)$", re.I)
_THERE = re.compile(r"\bthere\b(?!\s+(?:is|are|was|were|be|been|any)\b)", re.I)
_PLACE_NAME = re.compile(
    r"\b(?:in|at|from|to)\s+(?:the\s+)?(?P<place>[A-Z][\w’'-]+(?:\s[A-Z][\w’'-]+)*)"
)
_TIME = re.compile(r"\b(?:then|at that time|that (?:day|year|month))\b", re.I)
_DEMONSTRATIVE = re.compile(
    r"\b(?:this|these|those|the (?:two|three|four|same|others?)|so(?=\s*\?)|else)\b"
    r"|\bthat\b(?=\s*(?:\?|$|[.,;])|\s(?:one|lead|mean|cause|happen|take|refer|day|year|time|place"
    r"|meeting|call|event|country|person)\b)",
    re.I,
)
# "Which minister said that?" names somebody and still says nothing of what was said.
_ECHO = re.compile(
    r"\b(?:sa(?:y|ys|id)|claim(?:s|ed)?|th(?:ink|inks|ought)|d(?:o|oes|id)|happen(?:s|ed)?)"
    r"\s+(?:that|this|so|it)\s*\?*$",
    re.I,
)
_EXISTENTIAL = re.compile(r"\b(?:is|are|was|were)\s+(?:there|they|it)\b", re.I)
_AUTHOR = re.compile(r"\b(?:author|writer|wrote|written|columnist|journalist)\b", re.I)
_THING = re.compile(
    r"\b(?:the|an?|which|what)\s+(?P<thing>(?:[\w’'-]+\s){0,3}?[\w’'-]+)\s+"
    r"(?=(?:did|does|do|was|is|were|are|has|have|had|will|that|which|in|of|on|at|by|for|with|to"
    r"|takes?|took|happen)\b)",
    re.I,
)
_AUXILIARY = re.compile(
    r"[,;:]|\b(?:did|does|do|was|is|were|are|has|have|had|will|would|can|could|should|must)\b", re.I
)
_EDGES = re.compile(r"^\W*(?:(?:he|she|it|they|we|you|there)\b\W*)?|\W+$", re.I)
_ENTITY_WANTED = re.compile(
    r"\W*(?:(?:by|with|to|for|from|of|in|at|on)\s+)?(?:who|whom|which"
    r"|what(?:’s|'s| is| was)? the name"
    r"|what (?!did|do|does|is|was|are|were|has|have|had|can|will|would)\w+)\b",
    re.I,
)
_WHO_IS = re.compile(r"\W*who(?:’s|'s| is| was| are| were)\s+(?!the\b|that\b|this\b)", re.I)


def standalone_query(question: str, history: Sequence[Turn]) -> str:
    """Resolve a follow-up against its dialogue.

    Pronouns are replaced by what they stand for, and what an elliptic question leaves out is taken
    from the turn before, by rule. A question that needs no dialogue comes back as it is.

    Args:
        question: The question as asked.
        history: The turns before it, oldest first.

    Returns:
        The question to search for.
    """
    if not history or not question.strip():
        return question
    core = _LEAD.sub("", question).strip() or question.strip()
    last = history[-1]
    if match := _WHAT_ABOUT.match(core):
        if not terms(match["topic"]):
            return question
        return _swap(match["topic"], last)
    if _BARE.match(core):
        return _complete(core, last)
    if (match := _PREPOSITION_ONLY.match(core)) and not _WH.search(core):
        return _swap(match["topic"], last, preposition=match["preposition"])
    if _ECHO.search(core):
        return _with_topic(_resolve_pronouns(core, history), last)
    resolved = _resolve_pronouns(core, history)
    if resolved != core:
        return _capitalised(resolved)
    if find_names(core) or _AUTHOR.search(core):
        return _capitalised(core) if core != question.strip() else question
    n_terms = len(terms(core))
    if _DEMONSTRATIVE.search(core) or n_terms <= (2 if core != question.strip() else 1):
        return _with_topic(core, last)
    return _capitalised(core) if core != question.strip() else question


def _swap(topic: str, last: Turn, *, preposition: str = "") -> str:
    """Ask the last question again of another topic: "What about Japan?", "And in Vietnam?"."""
    topic = topic.strip().rstrip("?")
    if _WH.search(topic) and len(terms(topic)) > 2:
        return _capitalised(topic) + "?"
    old_names = find_names(last.query)
    new_names = find_names(topic)
    if new_names:
        person = is_person(new_names[0])
        alike = [name for name in old_names if is_person(name) == person]
        if alike:
            return last.query.replace(alike[-1], new_names[0])
    phrase = f"{preposition.lower()} {topic}".strip()
    base = last.query.rstrip("?!. ")
    dates = list(DATE.finditer(base))
    if DATE.search(topic) and dates:
        return base.replace(dates[-1].group(), topic) + "?"
    if preposition:
        return f"{base} {phrase}?"
    wh = _WH.match(base)
    return f"{wh.group()} {topic}?" if wh and not new_names else f"{base}, {topic}?"


def _complete(core: str, last: Turn) -> str:
    """Complete a bare question word with the last question: "Why?", "Which ones?"."""
    base = last.query.rstrip("?!. ")
    word = _capitalised(core.rstrip("?! "))
    statement = base
    if match := _WH.match(base):
        rest = base[match.end() :].strip()
        subject = last.answer if match.group().lower().startswith("who") else ""
        if subject and len(subject.split()) <= _SHORT:
            statement = f"{subject} {rest}"
        elif match.group().lower() in {"when", "where", "why", "how"}:
            statement = rest
        elif rest:
            statement = f"{match.group().lower()} {rest}"
    if last.answer and len(last.answer.split()) <= _SHORT and last.answer not in statement:
        statement = f"{statement} ({last.answer})"
    return f"{word}: {statement}?" if " " in word else f"{word} {_lowered(statement)}?"


def _with_topic(core: str, last: Turn) -> str:
    """Name the last question's topic after a question that says too little by itself."""
    held = set(terms(core))
    kept = [phrase for phrase in _phrases(last) if not set(terms(phrase)) <= held]
    if not kept:
        return _capitalised(core)
    return f"{_capitalised(core).rstrip('?!. ')} ({', '.join(dict.fromkeys(kept))})?"


def _resolve_pronouns(core: str, history: Sequence[Turn]) -> str:
    text = core
    if _PERSONAL.search(text) and (person := _person(history)):
        text = _replace(_PERSONAL, text, person)
    if _THERE.search(text) and (place := _place(history)):
        text = _THERE.sub(f"in {place}", text)
    if _TIME.search(text) and (date := _date(history[-1])):
        has_day = re.search(r"[A-Za-z]\W+\d|\d\W+[A-Za-z]", date)
        text = _TIME.sub(f"{'on' if has_day else 'in'} {date}", text)
    if _PLURAL.search(text) and not _EXISTENTIAL.search(text) and (things := _plural(history[-1])):
        text = _replace(_PLURAL, text, things)
    if _NEUTRAL.search(text) and (thing := _thing(history)):
        text = _replace(_NEUTRAL, text, thing)
    return text


def _replace(pronoun: re.Pattern[str], text: str, noun: str) -> str:
    """Put a noun for a pronoun, in the possessive where the pronoun is."""

    def put(match: re.Match[str]) -> str:
        word = match.group()
        follows_noun = re.match(r"\s+[a-z]", text[match.end() :]) is not None
        owns = _POSSESSIVE.match(word) or (word.lower() == "her" and follows_noun)
        return f"{noun}’s" if owns else noun

    return pronoun.sub(put, text, count=1)


def _focus(turn: Turn) -> tuple[str, str]:
    """Order question and answer of a turn by which of them the next question is likelier about.

    After "Who ...?" and "Which ...?" that is the answer, otherwise the question's own subject.
    """
    asks_entity = (
        _ENTITY_WANTED.match(turn.query)
        and not _WHO_IS.match(turn.query)
        and len(turn.answer.split()) <= 2 * _SHORT
    )
    return (turn.answer, turn.query) if asks_entity else (turn.query, turn.answer)


def _person(history: Sequence[Turn]) -> str:
    for turn in reversed(history):
        if _AUTHOR.search(turn.query):
            return "the author"
        for text in _focus(turn):
            if people := [name for name in find_names(text) if is_person(name)]:
                return people[0]
    for turn in reversed(history):
        if names := [name for name in find_names(turn.query) if " " not in name]:
            return names[0]
    return ""


def _place(history: Sequence[Turn]) -> str:
    for turn in reversed(history):
        for text in _focus(turn):
            if match := _PLACE_NAME.search(text):
                return match["place"]
            if names := [name for name in find_names(text) if not is_person(name)]:
                return names[-1]
    return ""


def _date(last: Turn) -> str:
    found = (match.group() for text in (last.answer, last.query) for match in DATE.finditer(text))
    return next(found, "")


def _plural(last: Turn) -> str:
    people = [
        name for name in [*find_names(last.query), *find_names(last.answer)] if is_person(name)
    ]
    if len(set(people)) >= 2:
        return " and ".join(dict.fromkeys(people[:2]))
    return _noun_phrase(last.query)


def _thing(history: Sequence[Turn]) -> str:
    for turn in reversed(history):
        for text in _focus(turn):
            named = _noun_phrase(text) if text == turn.query else _short_name(text)
            if named:
                return named
    return ""


def _short_name(answer: str) -> str:
    """Return an answer that names a thing in a few words."""
    is_short = len(answer.split()) <= _SHORT and not DATE.fullmatch(answer.strip())
    names_thing = any(not is_person(name) for name in find_names(answer))
    return answer.strip(" .,;:”“") if is_short and names_thing else ""


def _noun_phrase(query: str) -> str:
    names = [name for name in find_names(query) if not is_person(name)]
    if names:
        return names[0]
    match = _THING.search(query)
    if not match or _WH.match(match["thing"]) or _AUXILIARY.search(match["thing"]):
        return ""
    return f"the {match['thing']}" if terms(match["thing"]) else ""


def _phrases(last: Turn) -> list[str]:
    """Split a question into the phrases that carry its topic; its answer is one if it is short."""
    query = re.sub(r"\s*\([^)]*\)", "", last.query)
    body = _WH.sub(" ", query.rstrip("?!. "), count=1)
    pieces = [_EDGES.sub("", piece) for piece in _AUXILIARY.split(body)]
    if last.answer and len(last.answer.split()) <= _SHORT:
        pieces.append(last.answer.strip(" .,;:"))
    return [piece for piece in pieces if terms(piece)]


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lowered(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text if first in find_names(text) or first.isupper() else text[:1].lower() + text[1:]
