"""Fit a reader's calibration on a question set: when to answer, and how sure to be."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from bot.expectation import Aim, Expectation, expect
from bot.followup import Turn, standalone_query
from bot.pipeline import Bot
from bot.questions import Question
from bot.reader.calibration import Calibration, Example, example_of, fit
from bot.reader.extractive import ExtractiveReader
from bot.reader.reading import Span
from bot.resampling import IntArray, number_dialogues
from corpus.errors import QuestionFormatError, ReaderError
from index.passage_index import PassageIndex

_LEAST_OF_EACH = 10
# An interval that reaches further than this from the rate says little.
_WIDE = 0.05


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was fitted, and what to expect of it.

    Attributes:
        calibration: The calibration, fitted on all questions.
        aim: What its threshold was chosen for.
        expectation: What it does on questions that it was not fitted on.
        unit: "documents" or "dialogues": what was held out, drawn and never split.
    """

    calibration: Calibration
    aim: Aim
    expectation: Expectation
    unit: str


def tune(
    bot: Bot, reader: ExtractiveReader, questions: Sequence[Question], aim: Aim | None = None
) -> Tuning:
    """Fit a calibration on questions and say what to expect of it on others.

    A follow-up is read as if its dialogue had gone as the set says.

    Args:
        bot: Says what is searched and how much is read.
        reader: What to fit.
        questions: Some that the documents answer and some that they do not.
        aim: What the threshold is chosen for; the best mean F1 by default.

    Raises:
        QuestionFormatError: There are too few questions of one sort.
        ReaderError: No threshold reaches the aim.
    """
    aim = aim or Aim("f1")
    scored = [question for question in questions if question.answers is not None]
    _check_enough(scored, number_dialogues(questions)[_rows(questions, scored)])
    n_passages = len(bot.index.passages)
    if n_passages > bot.settings.read_whole:
        n_passages = bot.settings.n_passages
    queries = dict(zip((question.id for question in questions), _queries(questions), strict=True))
    asked = [(queries[question.id], question.answers or ()) for question in scored]
    read = list(
        tqdm(
            _read(reader, bot.index, asked, n_passages),
            total=len(asked),
            unit="question",
            disable=None,
        )
    )
    kept = [question for question, example in zip(scored, read, strict=True) if example]
    examples = [example for example in read if example]
    groups, unit = _groups(questions, kept)
    fitted, _ = fit(reader.calibration, [examples], aim.threshold)
    if fitted.slope <= 0 or fitted.threshold >= 1:
        raise ReaderError(
            "no threshold reaches the aim: even the surest answers are too often wrong; "
            "ask for less by --aim, or look at the answers first"
        )
    expectation = expect(reader.calibration, examples, groups, aim)
    fitted = replace(fitted, index=bot.index.fingerprint)
    return Tuning(fitted, aim, expectation, unit)


def describe(tuning: Tuning) -> list[str]:
    """Say in a few sentences what to expect, and whether the questions are enough to say so."""
    seen = tuning.expectation
    low, high = seen.interval
    lines = [
        f"At this threshold {_percent(seen.answered)} % of questions get an answer and "
        f"{_percent(seen.wrong)} % of the answers are wrong "
        f"(95 % interval {_percent(low)} to {_percent(high)} %).",
        f"That is what {seen.n:,} questions show that were held out from the fit by whole "
        f"{tuning.unit}, {seen.n_groups:,} of them.",
    ]
    reach = high - seen.wrong
    if tuning.aim.name == "wrong":
        bound = tuning.aim.bound
        claim = f"that at most {_percent(bound)} % of the answers are wrong"
        if seen.wrong >= bound:
            lines.append(f"It does not show {claim}; to be sure of it, aim at fewer.")
        elif high > bound:
            n = _enough(seen.n, reach / (bound - seen.wrong))
            lines.append(
                f"Too few questions to show {claim}: about {n:,} of the kind would do if "
                "the share stays as it is."
            )
    elif reach > _WIDE:
        lines.append(
            f"Too few questions to say it to {_percent(_WIDE)} points: "
            f"about {_enough(seen.n, reach / _WIDE):,} of the kind would do."
        )
    return lines


def read_examples(
    reader: ExtractiveReader,
    index: PassageIndex,
    questions: Sequence[tuple[str, Sequence[str]]],
    n_passages: int,
) -> Iterator[Example]:
    """Read for each question, given with its answers, without regard to retrieval scores.

    A question for which nothing was found is passed over.
    """
    yield from filter(None, _read(reader, index, questions, n_passages))


def _read(
    reader: ExtractiveReader,
    index: PassageIndex,
    questions: Sequence[tuple[str, Sequence[str]]],
    n_passages: int,
) -> Iterator[Example | None]:
    unweighed = ExtractiveReader(reader.model, replace(reader.calibration, retrieval_weight=0.0))
    for text, answers in questions:
        best: dict[tuple[str, int], Span] = {}
        for span in unweighed.read(text, index.search(text, n_passages)).spans:
            best.setdefault((span.hit.passage.document_id, span.hit.passage.start), span)
        found = [(span.score, span.hit.score, span.text) for span in best.values()]
        yield example_of(found, answers) if found else None


def _queries(questions: Sequence[Question]) -> Iterator[str]:
    """Yield what each question asks, resolved against its dialogue as it ought to go."""
    histories: dict[str, tuple[Turn, ...]] = {}
    for question in questions:
        history = histories[question.follows] if question.follows is not None else ()
        query = standalone_query(question.text, history)
        answer = question.answers[0] if question.answers else ""
        histories[question.id] = (*history, Turn(question.text, answer, query))
        yield query


def _rows(questions: Sequence[Question], part: Sequence[Question]) -> list[int]:
    numbers = {question.id: number for number, question in enumerate(questions)}
    return [numbers[question.id] for question in part]


def _groups(questions: Sequence[Question], part: Sequence[Question]) -> tuple[IntArray, str]:
    """Number what is never split: documents with their dialogues, or dialogues where few are.

    Returns:
        The group of each question of `part`, from 0, and what the groups are.
    """
    dialogues = number_dialogues(questions)
    document_of: dict[int, str] = {}
    for dialogue, question in zip(dialogues.tolist(), questions, strict=True):
        if name := _document(question):
            document_of.setdefault(dialogue, name)
    of_part = dialogues[_rows(questions, part)].tolist()
    of_documents = _numbered([document_of.get(dialogue, dialogue) for dialogue in of_part])
    if min(_n_groups(part, of_documents)) >= _LEAST_OF_EACH:
        return of_documents, "documents"
    return _numbered(of_part), "dialogues"


def _numbered(keys: Sequence[int | str]) -> IntArray:
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def _document(question: Question) -> str | None:
    """Return the document of a question: of its evidence, or as its column `document` names it."""
    if question.evidence:
        return question.evidence[0].document_id
    named = question.extra.get("document")
    return named if isinstance(named, str) else None


def _n_groups(questions: Sequence[Question], groups: IntArray) -> tuple[int, int]:
    answerable = np.array([question.answerable for question in questions], dtype=bool)
    return len(np.unique(groups[answerable])), len(np.unique(groups[~answerable]))


def _check_enough(questions: Sequence[Question], dialogues: IntArray) -> None:
    n_answerable, n_unanswerable = _n_groups(questions, dialogues)
    if min(n_answerable, n_unanswerable) < _LEAST_OF_EACH:
        raise QuestionFormatError(
            f"has answerable questions in {n_answerable} dialogues and unanswerable ones in "
            f"{n_unanswerable}, where a question that stands alone is a dialogue; at least "
            f"{_LEAST_OF_EACH} of each are needed to fit a threshold"
        )


def _percent(share: float) -> str:
    """Write a share in per cent, small ones with a digit more."""
    return f"{share * 100:.{1 if 0 < share < 0.0995 else 0}f}".removesuffix(".0")


def _enough(n: int, ratio: float) -> int:
    """Return how many questions narrow an interval by a ratio, rounded up to two digits."""
    needed = n * ratio**2
    unit: int = 10 ** max(0, int(math.log10(needed)) - 1)
    return math.ceil(needed / unit) * unit
