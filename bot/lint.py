"""A question set is checked before it is run; what has one right mending can be mended."""

import itertools
import json
import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bot.metrics import normalise_answer
from bot.questions import Evidence, Question, Row, parse_place, parse_question, read_rows, shorten
from bot.run import Answerer, ask_all
from corpus.documents import Document
from corpus.errors import ObserverError, QuestionFormatError
from corpus.text import decode_text

# Jaccard index of the words of two questions from which on they are near. A fraction, because
# 0.9 * 10 may not come out above 9.
_NEAR = Fraction(9, 10)
# One character for one, so that offsets stay. The letters are those that `str.lower` makes longer,
# or writes otherwise at the end of a word.
_ALIKE = str.maketrans("‘’‚‛′`´“”„‟″«»İΣς", "'''''''\"\"\"\"\"\"\"iσσ")
_ARTICLES = frozenset({"a", "an", "the"})
_PUNCTUATION = " ?!.,;:…¿¡？！。，؟។\"'()[]"
_UNSCORED = (
    '"answers", so that no metric can score it; '
    "write the right ones, or [] where the documents do not answer"
)
# Thai is the first of the scripts that set no space between words, or hang endings on them.
_FIRST_WITHOUT_SPACES = "\u0e00"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_INTEGER = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+[.eE][\d.eE+-]*|(-?\d+)')


@dataclass(frozen=True, slots=True)
class Mending:
    """Evidence that belongs elsewhere in its document.

    Attributes:
        line: Line of the set, from 1.
        number: Place in the list of the row's evidence, from 1.
        old: Where the row has it.
        new: Where an answer stands, the only such place.
    """

    line: int
    number: int
    old: Evidence
    new: Evidence

    def __str__(self) -> str:
        return f"evidence {self.number} moved from {_shown(self.old)} to {_shown(self.new)}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a row.

    Attributes:
        where: File and line.
        question_id: Id of the row; "" where it cannot be read.
        problem: What is wrong and what to do, in one line.
        mending: The one right way to mend it, or None.
    """

    where: str
    question_id: str
    problem: str
    mending: Mending | None = None

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.where, self.question_id, self.problem)))


@dataclass(frozen=True, slots=True)
class Lint:
    """What came of the check of a question set.

    Attributes:
        n_rows: How many rows were checked, malformed ones too.
        findings: In the order of the file.
    """

    n_rows: int
    findings: tuple[Finding, ...]


class _Checked(NamedTuple):
    """A row with the question it makes, or with why it makes none."""

    where: str
    id: str
    question: Question | None
    problem: str


def lint(path: Path, documents: Mapping[str, Document], bot: Answerer | None = None) -> Lint:
    """Check a question set against its documents.

    Args:
        path: The set.
        documents: By id.
        bot: Is asked what the set calls unanswerable; without it that is not doubted.

    Raises:
        QuestionFormatError: The file is missing, of another kind or empty.
    """
    rows = [_checked(row) for row in read_rows(path)]
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        if row.id:
            first.setdefault(row.id, number)
    words = _Words(documents)
    repeated = _repeated(rows)
    answered = _answered(bot, rows) if bot else {}
    questions = [row.question for row in rows if row.question]
    scored = any(question.answers is not None for question in questions)
    findings = []
    if questions and not scored:
        # A line for each row of a plain list of questions would hide everything else.
        findings.append(Finding(f"{path}:1", "", f"no row has {_UNSCORED}"))
    for number, row in enumerate(rows):
        if row.question is None:
            findings.append(Finding(row.where, row.id, row.problem))
            continue
        problems = [
            *_problems_of_ids(rows, first, number),
            *_problems_of_answers(row.question, words),
            repeated.get(number),
            answered.get(row.id) if first[row.id] == number else None,
            f"the row has no {_UNSCORED}" if scored and row.question.answers is None else None,
        ]
        findings += [Finding(row.where, row.id, problem) for problem in problems if problem]
        findings += _findings_of_evidence(row.where, row.question, words)
    return Lint(len(rows), tuple(findings))


def mend(path: Path, mendings: Sequence[Mending]) -> None:
    """Move evidence in a set of JSON Lines; all bytes but those of its offsets stay.

    The file is written beside and then over.

    Raises:
        ObserverError: It is not UTF-8, has changed since it was checked, or cannot be written.
    """
    file = path.resolve()
    beside = file.with_name(f"{file.name}.new")
    try:
        data = file.read_bytes()
        text = decode_text(data)
        mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        if mark + text.encode() != data:
            raise QuestionFormatError(f"{path}: is not UTF-8; save it as such to have it mended")
        lines = dict(enumerate(_LINE.findall(text), start=1))
        for mending in mendings:
            lines[mending.line] = _mended(path, lines.get(mending.line, ""), mending)
        beside.write_bytes(mark + "".join(lines.values()).encode())
        beside.chmod(file.stat().st_mode)
        beside.replace(file)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise ObserverError(
            f"{path}: cannot be written: {error.strerror}; check who may write it"
        ) from error


class _Numbered(int):
    """An integer of a line that knows how many stand before it."""

    n_before: int


def _mended(path: Path, line: str, mending: Mending) -> str:
    counter = itertools.count()

    def numbered(digits: str) -> _Numbered:
        integer = _Numbered(digits)
        integer.n_before = next(counter)
        return integer

    where = f"{path}:{mending.line}"
    changed = QuestionFormatError(f"{where}: has changed since it was checked; check it again")
    try:
        place = json.loads(line, parse_int=numbered)["evidence"][mending.number - 1]
        old = parse_place(where, place)
    except (ValueError, LookupError, TypeError, QuestionFormatError) as error:
        raise changed from error
    if old != mending.old:
        raise changed
    digits = [match.span(1) for match in _INTEGER.finditer(line) if match[1]]
    # From behind, so that the places before it stay.
    for key, offset in sorted(
        [("start", mending.new.start), ("end", mending.new.end)],
        key=lambda pair: -place[pair[0]].n_before,
    ):
        start, end = digits[place[key].n_before]
        line = f"{line[:start]}{offset}{line[end:]}"
    return line


def _checked(row: Row) -> _Checked:
    try:
        question = parse_question(row)
    except QuestionFormatError as error:
        named = None if isinstance(row.keys, QuestionFormatError) else row.keys.get("id")
        problem = str(error).removeprefix(f"{row.where}: ")
        return _Checked(row.where, named if isinstance(named, str) else "", None, problem)
    return _Checked(row.where, question.id, question, "")


def _problems_of_ids(
    rows: Sequence[_Checked], first: Mapping[str, int], number: int
) -> Iterator[str]:
    question = rows[number].question
    assert question is not None
    if first[question.id] != number:
        taken = rows[first[question.id]].where
        yield f"the id is taken by {taken}; give this row another"
    if question.follows is None:
        return
    before = first.get(question.follows)
    if before is None:
        yield f'"follows" names {question.follows!r}, which is no row; correct it or add that row'
    elif before == number:
        yield '"follows" names the row itself; name the one before it'
    elif before > number:
        yield (
            f'"follows" names {question.follows!r}, which stands below at {rows[before].where}; '
            "move this row below it"
        )


def _problems_of_answers(question: Question, words: "_Words") -> Iterator[str]:
    if question.unanswerable and question.evidence:
        yield 'names evidence, but "answers" is []; write the answers or delete the evidence'
    # What a missing document holds is not known.
    if all(place.document_id in words.documents for place in question.evidence):
        for answer in question.answers or ():
            if not words.hold(answer):
                yield (
                    f"the answer {shorten(answer)} stands in no document; "
                    "correct it, or name its document by --documents"
                )
    if question.answers and not any(map(normalise_answer, question.answers)):
        yield (
            "no metric can score it, because articles and punctuation do not count and its answers "
            "are nothing else; add one of other words"
        )


def _findings_of_evidence(where: str, question: Question, words: "_Words") -> Iterator[Finding]:
    if question.unanswerable:
        return
    problems = {
        number: problem
        for number, place in enumerate(question.evidence, start=1)
        if (problem := _problem_of_evidence(place, question.answers or (), words))
    }
    right = [
        place for number, place in enumerate(question.evidence, start=1) if number not in problems
    ]
    for number, problem in problems.items():
        old, mending = question.evidence[number - 1], None
        new = words.only_place(question.answers or (), old)
        if new and not any(new.overlaps(place) for place in right):
            right.append(new)
            # Only JSON Lines have evidence, and they are named by their line.
            mending = Mending(int(where.rsplit(":", 1)[1]), number, old, new)
            problem += f"; its answer stands at {_shown(new)}, to where --fix moves it"
        elif old.document_id in words.documents:
            problem += "; correct its offsets"
        yield Finding(where, question.id, f"evidence {number}, {_shown(old)}, {problem}", mending)


def _problem_of_evidence(place: Evidence, answers: Sequence[str], words: "_Words") -> str:
    document = words.documents.get(place.document_id)
    if document is None:
        return "names a document that is missing; correct it, or name its folder by --documents"
    if place.end > len(document.text):
        return f"lies beyond the end of its document at {len(document.text)}"
    if not any(map(words.hold, answers)):
        return ""
    found = document.text[place.start : place.end]
    folded = _fold(found)
    inner = folded.strip(_PUNCTUATION)
    for answer in map(_fold, answers):
        if answer in folded or (inner and [*_places(inner, answer)]):
            return ""
    return f"reads {shorten(found)}, which holds none of its answers"


def _shown(place: Evidence) -> str:
    return f"{place.document_id}:{place.start}-{place.end}"


class _Words:
    """What the documents say, in the form in which words are compared."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self.documents = documents
        self._all = "\0".join(_fold(document.text) for document in documents.values())
        self.hold = cache(self._hold)
        self._folded = cache(lambda document_id: _Folded(documents[document_id].text))

    def _hold(self, answer: str) -> bool:
        """Tell whether an answer stands in any document."""
        return _fold(answer) in self._all

    def only_place(self, answers: Sequence[str], lost: Evidence) -> Evidence | None:
        """Find where the words of lost evidence stand in its document, if they stand there once.

        They were those answers that are as long as the evidence; where none is, any of them.
        """
        if lost.document_id not in self.documents:
            return None
        document = self._folded(lost.document_id)
        likely = [answer for answer in answers if len(answer) == lost.end - lost.start] or answers
        spans = {
            (start, start + len(answer))
            for answer in map(_fold, likely)
            for start in _places(answer, document.text)
        }
        widest: list[tuple[int, int]] = []
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            if not widest or end > widest[-1][1]:
                widest.append((start, end))
        if len(widest) != 1:
            return None
        [(start, end)] = widest
        return Evidence(lost.document_id, document.offset(start), document.offset(end - 1) + 1)


class _Folded:
    """A text as `_fold` has it, with the way back to its offsets."""

    def __init__(self, text: str) -> None:
        self.text = _fold(text, strip=False)
        removed = 0
        self._ends, self._removed = [0], [0]
        for gap in re.finditer(r"\s{2,}", text):
            removed += len(gap[0]) - 1
            self._ends.append(gap.end() - removed)
            self._removed.append(removed)

    def offset(self, place: int) -> int:
        """Return where a character of the folded text stands in the text itself."""
        return place + self._removed[bisect_right(self._ends, place) - 1]


def _fold(text: str, *, strip: bool = True) -> str:
    """Leave case, the width of white space and the shape of quotes out of account."""
    folded = re.sub(r"\s+", " ", text.translate(_ALIKE).lower())
    return folded.strip() if strip else folded


def _places(words: str, text: str) -> Iterator[int]:
    """Find where words stand in a text without being part of longer ones."""
    start = text.find(words)
    while start >= 0:
        if not _cuts_a_word(text, start) and not _cuts_a_word(text, start + len(words)):
            yield start
        start = text.find(words, start + 1)


def _cuts_a_word(text: str, place: int) -> bool:
    return 0 < place < len(text) and all(
        character.isalnum() and character < _FIRST_WITHOUT_SPACES
        for character in text[place - 1 : place + 1]
    )


def _repeated(rows: Sequence[_Checked]) -> dict[int, str]:
    """Find questions that one above asks as well, by the number of their row.

    Follow-ups are compared with those of the same row only: "When?" asks something else elsewhere.
    Other words make another question if the numbers among them differ, or the answers.
    """
    questions = {number: row.question for number, row in enumerate(rows) if row.question}
    tokens = {number: _tokens(question.text) for number, question in questions.items()}
    sets = {number: frozenset(words) for number, words in tokens.items() if words}
    frequency = Counter(token for words in sets.values() for token in words)
    same: dict[object, int] = {}
    by_token: defaultdict[object, list[int]] = defaultdict(list)
    problems = {}
    for number, words in sets.items():
        question = questions[number]
        earlier = same.setdefault((question.follows, *tokens[number]), number)
        if earlier != number:
            other = (
                "" if _answers(question) & _answers(questions[earlier]) else ", of other answers"
            )
            problems[number] = f"asks the same as {_named(rows[earlier])}{other}"
            continue
        rarest = sorted(words, key=lambda token: (frequency[token], token))
        numbers = tuple(token for token in rarest if any(map(str.isdigit, token)))
        groups = [(question.follows, numbers, answer) for answer in _answers(question)]
        near = [
            other
            for place, size, other_place in _where_to_look(len(rarest))
            for group in groups
            for other in by_token.get((group, rarest[place], size, other_place), ())
            if _are_near(words, sets[other])
        ]
        if near:
            problems[number] = f"asks nearly the same as {_named(rows[min(near)])}"
            continue
        for group, place in itertools.product(groups, range(_n_rarest(len(rarest)))):
            by_token[group, rarest[place], len(rarest), place].append(number)
    remedy = "; delete one of the two or reword it"
    return {number: problem + remedy for number, problem in problems.items()}


@cache
def _where_to_look(size: int) -> list[tuple[int, int, int]]:
    """List where the rarest token that is in both of two near sets may stand in each of them.

    These are the prefix filter and the positional filter of Xiao et al., Efficient similarity joins
    for near duplicate detection, 2008: with them rows that are made by one template are not all
    compared with each other.

    Args:
        size: Number of different tokens of the one.

    Returns:
        The place in it, the number of tokens of the other and the place in that; in each, tokens
        stand in the order of how rare they are, from 0.
    """
    least, most = math.ceil(_NEAR * size), math.floor(size / _NEAR)
    return [
        (place, other_size, other_place)
        for other_size in range(least, most + 1)
        for place in range(_n_rarest(size))
        for other_place in range(_n_rarest(other_size))
        # No more than what stands from there on can be in both.
        if min(size - place, other_size - other_place) * (1 + _NEAR) >= _NEAR * (size + other_size)
    ]


def _n_rarest(size: int) -> int:
    """Return how many tokens of a set to look at: a near set has one of them."""
    return size - math.ceil(_NEAR * size) + 1


def _are_near(words: frozenset[str], others: frozenset[str]) -> bool:
    n_common = len(words & others)
    return n_common >= _NEAR * (len(words) + len(others) - n_common)


def _answers(question: Question) -> set[str | None]:
    """Return the answers as they are compared; "" where there is none, None where none is known."""
    return {None} if question.answers is None else set(map(_fold, question.answers)) or {""}


def _named(row: _Checked) -> str:
    return f"{row.id!r} at {row.where}"


def _tokens(text: str) -> list[str]:
    words = (word.strip(_PUNCTUATION) for word in text.translate(_ALIKE).split())
    # A capital "A" names something: a plan, a vitamin.
    return [word.lower() for word in words if word and word not in _ARTICLES]


def _answered(bot: Answerer, rows: Sequence[_Checked]) -> dict[str, str]:
    """Ask the questions that the set calls unanswerable, and find those that the bot answers."""
    sound: dict[str, Question] = {}
    for question in (row.question for row in rows if row.question):
        if question.id not in sound and (question.follows is None or question.follows in sound):
            sound[question.id] = question
    needed: set[str | None] = set()
    for question in reversed(sound.values()):
        if question.unanswerable or question.id in needed:
            needed |= {question.id, question.follows}
    return {
        record["id"]: f'"answers" is [], but the bot answers {shorten(record["answer"])} with '
        f"confidence {record['confidence']:.2f}; write that down if it is right"
        for record in ask_all(bot, [sound[name] for name in sound if name in needed])
        if sound[record["id"]].unanswerable and not record["abstained"]
    }
