"""CSV: answers out for a spreadsheet; a spreadsheet of questions becomes a set of JSON Lines."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.evaluate import Prediction, question_scores
from bot.exchange.files import json_lines, printable
from bot.questions import Question, load_questions
from corpus.documents import Document

# What spreadsheets take for the start of a formula, at the start of a cell (OWASP, CSV Injection).
# Quotes around the cell do not help.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
_COLUMNS = (
    "id question expected answer abstained confidence exact_match f1 document start end seconds"
).split()


def export_table(questions: Sequence[Question], predictions: Mapping[str, Prediction]) -> str:
    """Write a line a question, with its scores; alternatives are separated by `|`.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, which shows
    that it is text.

    Args:
        questions: The question set.
        predictions: One for every question, by its id.
    """
    scores = question_scores(questions, predictions)
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(_COLUMNS)
    for question in questions:
        prediction = predictions[question.id]
        place = prediction.cited
        cells: list[str | float | None] = [
            question.id,
            question.text,
            None if question.answers is None else "|".join(question.answers),
            prediction.text,
            "yes" if prediction.abstained else "no",
            prediction.confidence,
            scores["exact_match"].get(question.id),
            scores["f1"].get(question.id),
            *((place.document_id, place.start, place.end) if place else (None, None, None)),
            prediction.seconds,
        ]
        writer.writerow([_cell(cell) for cell in cells])
    return stream.getvalue()


def _cell(value: str | float | None) -> str | float:
    if not isinstance(value, str):
        return "" if value is None else value
    text = printable(value)
    return f"'{text}" if _FORMULA.match(text) else text


def import_table(path: Path, documents: Mapping[str, Document]) -> str:
    """Turn a question set of any kind into JSON Lines, with evidence where it is sure.

    Args:
        path: The set.
        documents: By id. Evidence is added to a row without any whose answer stands in them once.

    Raises:
        QuestionFormatError: The set is malformed.
    """
    return json_lines(_row(question, documents) for question in load_questions(path))


def _row(question: Question, documents: Mapping[str, Document]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": question.id, "question": question.text}
    if question.answers is not None:
        row["answers"] = list(question.answers)
    evidence = [
        {"document": place.document_id, "start": place.start, "end": place.end}
        for place in question.evidence
    ]
    evidence = evidence or _only_place(question.answers or (), documents)
    if evidence:
        row["evidence"] = evidence
    if question.follows is not None:
        row["follows"] = question.follows
    return row | dict(question.extra)


def _only_place(answers: Sequence[str], documents: Mapping[str, Document]) -> list[dict[str, Any]]:
    """Find where the first answer that the documents hold stands, if it stands there once."""
    for answer in answers:
        words = r"\s+".join(map(re.escape, answer.split()))
        pattern = re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)
        places = [
            {"document": document.id, "start": match.start(), "end": match.end()}
            for document in documents.values()
            for match in pattern.finditer(document.text)
        ]
        if places:
            return places if len(places) == 1 else []
    return []
