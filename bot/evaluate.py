"""An answers file is scored against its question set; no model is needed."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from bot.metrics import auroc, exact_match, f1, mean, percentile
from bot.questions import (
    Evidence,
    Question,
    malformed,
    parse_object,
    parse_place,
    read_text,
    shorten,
)
from corpus.errors import QuestionFormatError
from index.metrics import recall_at_k, reciprocal_rank


@dataclass(frozen=True, slots=True)
class Prediction:
    """What an answers file says about one question; None where it does not say.

    Attributes:
        text: The short answer; "" where the bot abstained.
        question: The question as it was asked.
        confidence: How sure the bot was that the documents answer; larger is surer.
        passages: The places of the retrieved passages, best first.
        seconds: Time from question to answer.
        cited: The place of the passage from which the answer was cited first.
    """

    text: str
    question: str | None = None
    confidence: float | None = None
    passages: tuple[Evidence, ...] | None = None
    seconds: float | None = None
    cited: Evidence | None = None

    @property
    def abstained(self) -> bool:
        """Whether no answer was given."""
        return not self.text.strip()


@dataclass(frozen=True, slots=True)
class Report:
    """The scores of an answers file; None for what cannot be computed from it.

    Attributes:
        n_asked: Rows of the question set.
        n: Those that are scored, because the set says what is right.
        n_answerable: Scored questions that the documents answer.
        n_unanswerable: Scored questions that they do not.
        n_evidence: Questions with evidence, over which recall and MRR are taken.
        exact_match: Over all scored questions; one without an answer scores 1 if the bot abstained
            and 0 if not, and one with an answer scores 0 if it abstained.
        f1: As `exact_match`, with the words that overlap.
        answerable_exact_match: Over the answerable questions only.
        answerable_f1: Over the answerable questions only.
        answered: Share of the answerable questions that got an answer, right or wrong.
        refused: Share of the unanswerable questions on which the bot abstained.
        auroc: Probability that an answerable question has more confidence than one that is not.
        recall_at_1: Share of questions with evidence whose first passage overlaps it. The places
            of the evidence are alternatives: one of them is enough.
        recall_at_3: The same for any of the first three passages.
        recall_at_5: The same for any of the first five passages.
        mrr: Mean of 1 / rank of the first passage that overlaps, 0 where none does.
        seconds_median: Over all questions.
        seconds_p95: The 95th percentile over all questions, interpolated linearly.
    """

    n_asked: int
    n: int
    n_answerable: int
    n_unanswerable: int
    n_evidence: int
    exact_match: float | None
    f1: float | None
    answerable_exact_match: float | None
    answerable_f1: float | None
    answered: float | None
    refused: float | None
    auroc: float | None
    recall_at_1: float | None
    recall_at_3: float | None
    recall_at_5: float | None
    mrr: float | None
    seconds_median: float | None
    seconds_p95: float | None

    def scores(self) -> dict[str, int | float | None]:
        """Return the fields by the names that reports use, "recall@1" for `recall_at_1`."""
        return {_metric_name(field.name): getattr(self, field.name) for field in fields(self)}


def _metric_name(field_name: str) -> str:
    return field_name.replace("_at_", "@")


METRICS = tuple(_metric_name(field.name) for field in fields(Report))


def load_predictions(path: Path | str) -> dict[str, Prediction]:
    """Read an answers file.

    Only `id` and `answer` must be in every line; unknown keys are passed over.

    Returns:
        The predictions by the id of their question, in the order of the file.

    Raises:
        QuestionFormatError: The file cannot be read, a line is malformed or an id comes twice.
    """
    path = Path(path)
    predictions: dict[str, Prediction] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        record = parse_object(where, line)
        question_id = record.get("id")
        if not isinstance(question_id, str):
            raise malformed(
                where, f'expected an answer with "id" and "answer", got {shorten(record)}'
            )
        if question_id in predictions:
            raise malformed(
                where, f"the id {question_id!r} comes a second time; delete one of the two lines"
            )
        predictions[question_id] = _parse_prediction(where, record)
    return predictions


def evaluate(
    questions: Sequence[Question],
    predictions: Mapping[str, Prediction],
    scores: Mapping[str, Mapping[str, float]] | None = None,
) -> Report:
    """Score predictions as SQuAD 2.0 does, and the passages they were looked for in.

    Args:
        questions: The question set.
        predictions: One for every question, by its id.
        scores: What `question_scores` says of them, where that is known.

    Raises:
        QuestionFormatError: A question has no prediction, a prediction has no question, or it was
            made for another question under the same id.
    """
    if scores is None:
        scores = question_scores(questions, predictions)
    means = {name: mean(list(by_question.values())) for name, by_question in scores.items()}
    answerable = [question for question in questions if question.answerable]
    unanswerable = [question for question in questions if question.unanswerable]
    seconds = _all_or_none([predictions[question.id].seconds for question in questions])
    confident, doubtful = (
        _all_or_none([predictions[question.id].confidence for question in group])
        for group in (answerable, unanswerable)
    )
    return Report(
        n_asked=len(questions),
        n=len(answerable) + len(unanswerable),
        n_answerable=len(answerable),
        n_unanswerable=len(unanswerable),
        n_evidence=sum(bool(question.evidence) for question in questions),
        exact_match=means["exact_match"],
        f1=means["f1"],
        answerable_exact_match=means["answerable_exact_match"],
        answerable_f1=means["answerable_f1"],
        answered=means["answered"],
        refused=means["refused"],
        auroc=auroc(confident, doubtful),
        recall_at_1=means["recall@1"],
        recall_at_3=means["recall@3"],
        recall_at_5=means["recall@5"],
        mrr=means["mrr"],
        seconds_median=percentile(seconds, 50),
        seconds_p95=percentile(seconds, 95),
    )


def question_scores(
    questions: Sequence[Question], predictions: Mapping[str, Prediction]
) -> dict[str, dict[str, float]]:
    """Score each question by the metrics that are means over questions.

    Args:
        questions: The question set.
        predictions: One for every question, by its id.

    Returns:
        By metric, then by the id of each question over which the mean is taken; empty for a metric
        that one of these predictions lacks the key for.

    Raises:
        QuestionFormatError: As for `evaluate`.
    """
    check_same_questions(questions, predictions)
    answerable = [question for question in questions if question.answerable]
    unanswerable = [question for question in questions if question.unanswerable]
    with_evidence = [question for question in questions if question.evidence]

    def each(
        of: Sequence[Question], score: Callable[[Question, Prediction], float | None]
    ) -> dict[str, float]:
        scores = _all_or_none([score(question, predictions[question.id]) for question in of])
        # Not strict: there are no scores where one of them is missing.
        return {question.id: value for question, value in zip(of, scores, strict=False)}

    exact_matches, f1s = (each(answerable + unanswerable, score) for score in (_exact_match, _f1))
    return {
        "exact_match": exact_matches,
        "f1": f1s,
        "answerable_exact_match": {row.id: exact_matches[row.id] for row in answerable},
        "answerable_f1": {row.id: f1s[row.id] for row in answerable},
        "answered": each(answerable, lambda _, prediction: float(not prediction.abstained)),
        "refused": each(unanswerable, lambda _, prediction: float(prediction.abstained)),
        "recall@1": each(with_evidence, partial(_recall, k=1)),
        "recall@3": each(with_evidence, partial(_recall, k=3)),
        "recall@5": each(with_evidence, partial(_recall, k=5)),
        "mrr": each(with_evidence, _reciprocal_rank),
    }


def check_same_questions(
    questions: Sequence[Question], predictions: Mapping[str, Prediction]
) -> None:
    """Check that these predictions are for these questions.

    Raises:
        QuestionFormatError: A question has no prediction, a prediction has no question, or it was
            made for another question under the same id.
    """
    if missing := [question.id for question in questions if question.id not in predictions]:
        raise QuestionFormatError(
            f"no answer to question {_name(missing)}; ask the rest with: observer run --resume"
        )
    ids = {question.id for question in questions}
    if unknown := [key for key in predictions if key not in ids]:
        raise QuestionFormatError(
            f"an answer to {_name(unknown)}, which the question set does not hold; "
            "name the set that was asked"
        )
    for question in questions:
        asked = predictions[question.id].question
        if asked is not None and asked != question.text:
            raise QuestionFormatError(
                f"the answer to {question.id!r} is to {shorten(asked)}, but the question set asks "
                f"{shorten(question.text)}; name the set that was asked"
            )


def _parse_prediction(where: str, record: Mapping[str, Any]) -> Prediction:
    text, question = record.get("answer"), record.get("question")
    if not isinstance(text, str):
        raise malformed(
            where, f'"answer" must be a text, "" for an abstention, got {shorten(text)}'
        )
    if question is not None and not isinstance(question, str):
        raise malformed(where, f'"question" must be a text, got {shorten(question)}')
    places = record.get("passages")
    if places is not None and not isinstance(places, list):
        raise malformed(where, f'"passages" must be a list of places, got {shorten(places)}')
    prediction = Prediction(
        text=text,
        question=question,
        confidence=_parse_number(where, "confidence", record),
        passages=None if places is None else tuple(parse_place(where, place) for place in places),
        seconds=_parse_number(where, "seconds", record),
        cited=_cited(record),
    )
    if record.get("abstained") not in (None, prediction.abstained):
        raise malformed(
            where,
            f'"abstained" is {shorten(record["abstained"])} but "answer" is {shorten(text)}; '
            'an abstention is true and ""',
        )
    return prediction


def _cited(record: Mapping[str, Any]) -> Evidence | None:
    """Return the passage of the first citation; None where another bot writes them otherwise."""
    match record.get("citations"):
        case [{"document": str(name), "passage_start": int(start), "passage_end": int(end)}, *_]:
            return Evidence(name, start, end)
        case [{"document": str(name), "start": int(start), "end": int(end)}, *_]:
            return Evidence(name, start, end)
    return None


def _parse_number(where: str, key: str, record: Mapping[str, Any]) -> float | None:
    value = record.get(key)
    if value is None:
        return None
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= sys.float_info.max
    ):
        return float(value)
    raise malformed(where, f'"{key}" must be a finite number, got {shorten(value)}')


def _name(ids: Sequence[str]) -> str:
    return repr(ids[0]) + (f" and {len(ids) - 1} more" if len(ids) > 1 else "")


def _all_or_none(values: Sequence[float | None]) -> list[float]:
    """Return the values; none of them where one is missing, so that no mean is over a part."""
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else []


def _exact_match(question: Question, prediction: Prediction) -> float:
    if prediction.abstained or question.unanswerable:
        return float(prediction.abstained and question.unanswerable)
    return exact_match(prediction.text, question.answers or ())


def _f1(question: Question, prediction: Prediction) -> float:
    if prediction.abstained or question.unanswerable:
        return float(prediction.abstained and question.unanswerable)
    return f1(prediction.text, question.answers or ())


def passage_relevance(question: Question, prediction: Prediction) -> list[bool] | None:
    """Tell of each passage whether it overlaps evidence; all that do share the label True."""
    if prediction.passages is None:
        return None
    return [
        any(passage.overlaps(place) for place in question.evidence)
        for passage in prediction.passages
    ]


def _recall(question: Question, prediction: Prediction, *, k: int) -> float | None:
    relevance = passage_relevance(question, prediction)
    return None if relevance is None else recall_at_k(relevance, {True}, k)


def _reciprocal_rank(question: Question, prediction: Prediction) -> float | None:
    relevance = passage_relevance(question, prediction)
    return None if relevance is None else reciprocal_rank(relevance, {True})
