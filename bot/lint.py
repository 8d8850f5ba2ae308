"""A question set is checked before it is run; what has one right mending can be mended."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bot.document_words import DocumentWords
from bot.metrics import normalise_answer
from bot.near_duplicates import find_repeats, fold
from bot.questions import Evidence, Question, Row, parse_place, parse_question, read_rows, shorten
from bot.run import Answerer, ask_all
from corpus.documents import Document
from corpus.errors import ObserverError, QuestionFormatError
from corpus.text import decode_text

_UNSCORED = (
    '"answers", so that no metric can score it; '
    "write the right ones, or [] where the documents do not answer"
)
# From this confidence on an answer throws doubt on a row that says that there is none. The bot's
# threshold is no measure of that: it is where an answer is worth its risk, and most rows are right.
SURE = 0.8
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
    """A row with the question it makes, or with why it makes none.

    A row whose `answers` are null says itself that it is not scored.
    """

    where: str
    id: str
    question: Question | None
    problem: str = ""
    is_unscored: bool = False


def lint(
    path: Path,
    documents: Mapping[str, Document],
    bot: Answerer | None = None,
    *,
    sure_from: float = SURE,
) -> Lint:
    """Check a question set against its documents.

    Args:
        path: The set.
        documents: By id.
        bot: Is asked what the set calls unanswerable; without it that is not doubted.
        sure_from: The confidence from which on its answer throws doubt on that.

    Raises:
        QuestionFormatError: The file is missing, of another kind or empty.
    """
    rows = [_checked(row) for row in read_rows(path)]
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        if row.id:
            first.setdefault(row.id, number)
    words = DocumentWords(documents)
    repeated = _repeated(rows)
    answered = _answered(bot, rows, sure_from) if bot else {}
    questions = [row.question for row in rows if row.question]
    scored = any(
        row.is_unscored or (row.question and row.question.answers is not None) for row in rows
    )
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
            f"the row has no {_UNSCORED}"
            if scored and row.question.answers is None and not row.is_unscored
            else None,
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
    is_unscored = isinstance(row.keys, Mapping) and row.keys.get("answers", "") is None
    return _Checked(row.where, question.id, question, is_unscored=is_unscored)


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


def _problems_of_answers(question: Question, words: DocumentWords) -> Iterator[str]:
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


def _findings_of_evidence(
    where: str, question: Question, words: DocumentWords
) -> Iterator[Finding]:
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


def _problem_of_evidence(place: Evidence, answers: Sequence[str], words: DocumentWords) -> str:
    document = words.documents.get(place.document_id)
    if document is None:
        return "names a document that is missing; correct it, or name its folder by --documents"
    if place.end > len(document.text):
        return f"lies beyond the end of its document at {len(document.text)}"
    if not any(map(words.hold, answers)):
        return ""
    found = document.text[place.start : place.end]
    folded = fold(found)
    if any(fold(answer) in folded or words.stand_around(answer, place) for answer in answers):
        return ""
    return f"reads {shorten(found)}, which holds none of its answers"


def _shown(place: Evidence) -> str:
    return f"{place.document_id}:{place.start}-{place.end}"


def _repeated(rows: Sequence[_Checked]) -> dict[int, str]:
    """Say of which rows one above asks the same, by the number of the row."""
    questions = {number: row.question for number, row in enumerate(rows) if row.question}
    problems = {}
    for number, repeat in find_repeats(questions).items():
        earlier = rows[repeat.earlier]
        nearly = "" if repeat.is_exact else "nearly "
        other = ", of other answers" if repeat.is_exact and not repeat.shares_answer else ""
        problems[number] = (
            f"asks {nearly}the same as {earlier.id!r} at {earlier.where}{other}; "
            "delete one of the two or reword it"
        )
    return problems


def _answered(bot: Answerer, rows: Sequence[_Checked], sure_from: float) -> dict[str, str]:
    """Ask the questions that the set calls unanswerable, and find those answered surely."""
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
        if sound[record["id"]].unanswerable
        and not record["abstained"]
        and record["confidence"] >= sure_from
    }
