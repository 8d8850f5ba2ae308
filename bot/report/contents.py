"""What a report says: the figures with intervals, the groups, and every question, worst first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bot.evaluate import Prediction, evaluate, passage_relevance, question_scores
from bot.groups import group_by, subset
from bot.intervals import Interval, intervals
from bot.plots import BoolArray, FloatArray
from bot.questions import Evidence, Question, parse_object, read_text
from bot.reader.calibration import RIGHT_FROM_F1
from bot.resampling import dialogues_by_id
from index.metrics import recall_at_k

Verdict = Literal["wrong", "unfounded", "missed", "partly", "right", "refused", "unscored"]
_MAX_K = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric, and where its true value lies with 95 % confidence, if that can be said."""

    name: str
    value: float | int
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Words of a passage, and whether they are quoted and whether they are evidence."""

    text: str
    quoted: bool
    evidence: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of an answers file, in segments that give its text when they are joined."""

    place: Evidence
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class Entry:
    """A question with all that is known of it.

    Attributes:
        question: The question.
        prediction: What the bot said.
        f1: Its score, 1 for an abstention that is right; None where the set does not say.
        verdict: In a word: "unfounded" is an answer that the documents do not hold, "missed" an
            abstention from one that they hold.
        passage: The passage that was cited first, else the one that was retrieved first.
    """

    question: Question
    prediction: Prediction
    f1: float | None
    verdict: Verdict
    passage: Passage | None

    def badness(self) -> tuple[float, bool, float]:
        """Sort key: what scores least comes first, of these what was said most surely."""
        score = 2.0 if self.f1 is None else self.f1
        return score, self.prediction.abstained, -(self.prediction.confidence or 0.0)


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a report says.

    Attributes:
        figures: Of the whole set.
        groups: By column, then by value.
        entries: Every question, worst first.
        confidences: Of the scored answers that were given, shape (n,); empty where one is missing.
        right: Whether each of them shares at least half its words with an expected one.
        n_scored: Scored questions, answered or not.
        recalls: Recall@1, recall@2 and so on; empty without evidence or passages.
        seconds: Of every question; empty where one is missing.
    """

    figures: Sequence[Figure]
    groups: Mapping[str, Mapping[str, Sequence[Figure]]]
    entries: Sequence[Entry]
    confidences: FloatArray
    right: BoolArray
    n_scored: int
    recalls: Sequence[float]
    seconds: Sequence[float]


def gather(
    questions: Sequence[Question],
    predictions: Mapping[str, Prediction],
    passages: Mapping[str, Passage],
    columns: Sequence[str],
) -> Contents:
    """Put together what a report says.

    Args:
        questions: The question set.
        predictions: One for every question, by its id.
        passages: The passage to show for a question, by its id.
        columns: Those to group by.

    Raises:
        QuestionFormatError: As for `bot.evaluate.evaluate` and `bot.groups.group_by`.
    """
    f1s = question_scores(questions, predictions)["f1"]
    dialogue_of = dialogues_by_id(questions)
    entries = [
        Entry(
            question,
            prediction := predictions[question.id],
            f1s.get(question.id),
            _verdict(question, prediction, f1s.get(question.id)),
            passages.get(question.id),
        )
        for question in questions
    ]
    given = [entry for entry in entries if entry.f1 is not None and not entry.prediction.abstained]
    sure = [entry.prediction.confidence for entry in given]
    seconds = [prediction.seconds for prediction in predictions.values()]
    return Contents(
        figures=figures(questions, predictions, dialogue_of),
        groups={
            column: {
                value: figures(rows, subset(rows, predictions), dialogue_of)
                for value, rows in group_by(questions, column).items()
            }
            for column in columns
        },
        entries=sorted(entries, key=Entry.badness),
        confidences=np.array([] if None in sure else sure, dtype=np.float64),
        right=np.array([(entry.f1 or 0) >= RIGHT_FROM_F1 for entry in given], dtype=bool),
        n_scored=len(f1s),
        recalls=list(_recalls(questions, predictions)),
        seconds=[value for value in seconds if value is not None] if None not in seconds else [],
    )


def figures(
    questions: Sequence[Question],
    predictions: Mapping[str, Prediction],
    dialogue_of: Mapping[str, int],
) -> list[Figure]:
    """Return the metrics that can be computed, with their intervals.

    Args:
        questions: All of a set, or some.
        predictions: One for each of them.
        dialogue_of: The number of each question's dialogue.
    """
    scores = question_scores(questions, predictions)
    found = intervals(questions, predictions, scores, dialogue_of)
    return [
        Figure(name, value, found.get(name))
        for name, value in evaluate(questions, predictions, scores).scores().items()
        if value is not None
    ]


def load_passages(path: Path, questions: Sequence[Question]) -> dict[str, Passage]:
    """Read from an answers file the passage to show for each question, its words marked.

    A passage without text, as other bots may write it, is passed over.

    Args:
        path: An answers file that `bot.evaluate.load_predictions` has read.
        questions: The question set, whose evidence is marked too.
    """
    evidence = {question.id: question.evidence for question in questions}
    found = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        record = parse_object(f"{path}:{number}", line)
        if passage := _passage(record, evidence.get(record["id"], ())):
            found[record["id"]] = passage
    return found


def _passage(record: Mapping[str, Any], evidence: Sequence[Evidence]) -> Passage | None:
    quotes = [place for cited in _list(record, "citations") if (place := _place(cited))]
    texts = [
        (place, passage["text"])
        for passage in _list(record, "passages")
        if (place := _place(passage)) and isinstance(passage.get("text"), str)
    ]
    cited = [pair for pair in texts if quotes and pair[0].overlaps(quotes[0])]
    if not texts or (quotes and not cited):
        return None
    place, text = (cited or texts)[0]
    return Passage(place, list(_segments(place, text, quotes, evidence)))


def _segments(
    place: Evidence, text: str, quotes: Sequence[Evidence], evidence: Sequence[Evidence]
) -> Iterator[Segment]:
    ends = {place.start, place.start + len(text)}
    for mark in (*quotes, *evidence):
        if mark.document_id == place.document_id:
            ends |= {mark.start, mark.end}
    inside = sorted(end for end in ends if place.start <= end <= place.start + len(text))
    for start, end in pairwise(inside):
        here = Evidence(place.document_id, start, end)
        yield Segment(
            text[start - place.start : end - place.start],
            any(here.overlaps(quote) for quote in quotes),
            any(here.overlaps(part) for part in evidence),
        )


def _list(record: Mapping[str, Any], key: str) -> list[Any]:
    value = record.get(key)
    return value if isinstance(value, list) else []


def _place(value: object) -> Evidence | None:
    match value:
        case {"document": str(name), "start": int(start), "end": int(end)} if 0 <= start < end:
            return Evidence(name, start, end)
    return None


def _verdict(question: Question, prediction: Prediction, f1: float | None) -> Verdict:
    if f1 is None:
        return "unscored"
    if question.unanswerable:
        return "refused" if prediction.abstained else "unfounded"
    if prediction.abstained:
        return "missed"
    if f1 < RIGHT_FROM_F1:
        return "wrong"
    return "right" if f1 == 1 else "partly"


def _recalls(
    questions: Sequence[Question], predictions: Mapping[str, Prediction]
) -> Iterator[float]:
    found = [passage_relevance(row, predictions[row.id]) for row in questions if row.evidence]
    known = [labels for labels in found if labels is not None]
    if not known or len(known) < len(found):
        return
    for k in range(1, min(_MAX_K, max(map(len, known))) + 1):
        yield float(np.mean([recall_at_k(labels, {True}, k) for labels in known]))
