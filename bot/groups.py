"""The groups that a column of a question set makes."""

from collections.abc import Mapping, Sequence

from bot.evaluate import Prediction
from bot.questions import Question
from corpus.errors import QuestionFormatError

_MAX_GROUPS = 30


def group_by(questions: Sequence[Question], column: str) -> dict[str, list[Question]]:
    """Group questions by what a column of the set says, in the order of first appearance.

    Args:
        questions: The question set.
        column: A key of its rows; "document" is also taken from their evidence.

    Raises:
        QuestionFormatError: No row has the column.
    """
    groups: dict[str, list[Question]] = {}
    for question in questions:
        groups.setdefault(_cell(question, column) or "-", []).append(question)
    if list(groups) == ["-"]:
        known = ", ".join(_columns(questions)) or "none but its own keys"
        raise QuestionFormatError(f"no row has the column {column!r}; the set has {known}")
    return groups


def grouping_columns(questions: Sequence[Question]) -> list[str]:
    """Return the columns that part a set into few groups, in the order of first appearance."""
    return [
        column
        for column in _columns(questions)
        if 1 < len(groups := group_by(questions, column)) <= _MAX_GROUPS
        and len(groups) <= len(questions) / 2
    ]


def subset(
    questions: Sequence[Question], predictions: Mapping[str, Prediction]
) -> dict[str, Prediction]:
    """Return the predictions for some of the questions."""
    return {question.id: predictions[question.id] for question in questions}


def _columns(questions: Sequence[Question]) -> list[str]:
    names = dict.fromkeys(name for question in questions for name in question.extra)
    if any(question.evidence for question in questions):
        names.setdefault("document")
    return [name for name in names if any(_cell(question, name) for question in questions)]


def _cell(question: Question, column: str) -> str | None:
    """Return what a row says in a column; None where it says nothing or more than one thing."""
    value = question.extra.get(column)
    if value is None and column == "document" and question.evidence:
        value = question.evidence[0].document_id
    return str(value) if isinstance(value, str | int | float) and value != "" else None
