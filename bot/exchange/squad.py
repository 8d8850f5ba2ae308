"""SQuAD 2.0: predictions and null odds out, a data set in.

The official script, `evaluate-v2.0.py data.json predictions.json --na-prob-file null-odds.json`,
gives the figures of `observer evaluate`, in per cent. It differs on answers of nothing but articles
and punctuation, which it takes for abstentions.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.evaluate import Prediction
from bot.exchange.files import json_lines, safe_name
from bot.questions import Question, malformed, read_text, shorten
from corpus.documents import unify_newlines
from corpus.errors import QuestionFormatError


def export_squad(
    questions: Sequence[Question], predictions: Mapping[str, Prediction]
) -> dict[str, str]:
    """Write the scored questions and what was predicted for them.

    Args:
        questions: The question set.
        predictions: One for every question, by its id.

    Returns:
        `data.json`, `predictions.json`, and `null-odds.json` if all predictions have a confidence.
        The odds of an abstention are 1 - confidence, so that the script's default threshold of 1
        leaves the predictions as they are.
    """
    scored = [question for question in questions if question.answers is not None]
    rows = [
        {
            "id": question.id,
            "question": question.text,
            "is_impossible": question.unanswerable,
            "answers": [{"text": answer, "answer_start": 0} for answer in question.answers or ()],
        }
        for question in scored
    ]
    article = {"title": "", "paragraphs": [{"context": "", "qas": rows}]}
    chosen = {question.id: predictions[question.id] for question in scored}
    files = {
        "data.json": {"version": "v2.0", "data": [article]},
        "predictions.json": {
            name: "" if prediction.abstained else prediction.text
            for name, prediction in chosen.items()
        },
    }
    odds = {
        name: round(1 - prediction.confidence, 6)
        for name, prediction in chosen.items()
        if prediction.confidence is not None
    }
    if len(odds) == len(chosen):
        files["null-odds.json"] = odds
    return {name: json.dumps(value, ensure_ascii=False) + "\n" for name, value in files.items()}


def import_squad(path: Path) -> tuple[dict[str, str], list[str]]:
    """Turn a data set into documents, one an article, and a question set with evidence.

    Returns:
        The files by their names; and a line for each row that was left out and each answer that
        does not stand where the data set has it.

    Raises:
        QuestionFormatError: The file cannot be read or is no SQuAD 2.0.
    """
    try:
        articles = json.loads(read_text(path))["data"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise QuestionFormatError(
            f'{path}: expected SQuAD 2.0, an object with "data"; check the file'
        ) from error
    files: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, article in enumerate(articles):
        where = f"{path}: data[{number}]"
        try:
            title, paragraphs = str(article.get("title", "")), list(article["paragraphs"])
            contexts = [unify_newlines(paragraph["context"]) for paragraph in paragraphs]
            sets = [list(paragraph["qas"]) for paragraph in paragraphs]
        except (LookupError, TypeError, AttributeError) as error:
            raise malformed(
                where, 'expected an article with "title" and "paragraphs" of "context" and "qas"'
            ) from error
        name = f"{safe_name(title.replace(' ', '_')) or 'article'}.txt"
        if f"documents/{name}" in files:
            name = f"{name.removesuffix('.txt')}-{number}.txt"
        # The title as a headline, as other documents have it.
        text = f"{title}\n\n" if title.strip() else ""
        for paragraph, (raw, context, questions) in enumerate(
            zip(paragraphs, contexts, sets, strict=True)
        ):
            place = _Paragraph(name, len(text), raw["context"], context)
            for order, row in enumerate(questions):
                named = f"{where}.paragraphs[{paragraph}].qas[{order}]"
                try:
                    rows.append(_row(named, row, place, problems))
                except QuestionFormatError as error:
                    problems.append(str(error))
            text += f"{context}\n\n"
        files[f"documents/{name}"] = text
    files["questions.jsonl"] = json_lines(rows)
    return files, problems


class _Paragraph:
    """Where a paragraph stands in the document that is made of its article."""

    def __init__(self, document: str, start: int, raw: str, text: str) -> None:
        self.document, self.start, self.raw, self.text = document, start, raw, text

    def place(self, answer: str, answer_start: int) -> dict[str, Any] | None:
        """Return the place of an answer; None where the paragraph has other words there."""
        start = len(unify_newlines(self.raw[:answer_start]))
        if answer_start < 0 or not answer or not self.text.startswith(answer, start):
            return None
        start += self.start
        return {"document": self.document, "start": start, "end": start + len(answer)}


def _row(where: str, row: object, paragraph: _Paragraph, problems: list[str]) -> dict[str, Any]:
    match row:
        case {"id": str(name), "question": str(question)} if name.strip() and question.strip():
            made: dict[str, Any] = {"id": name, "question": question}
        case _:
            raise malformed(where, f'expected texts as "id" and "question", got {shorten(row)}')
    assert isinstance(row, dict)
    texts: list[str] = []
    evidence: list[dict[str, Any]] = []
    for answer in [] if row.get("is_impossible") else row.get("answers") or []:
        match answer:
            case {"text": str(text), "answer_start": int(start)} if text.strip():
                unified = unify_newlines(text)
            case _:
                raise malformed(
                    where, f'expected answers with "text" and "answer_start", got {shorten(answer)}'
                )
        place = paragraph.place(unified, start)
        if place is None:
            problems.append(f"{where}: {shorten(text)} does not stand at {start} of its paragraph")
        elif place not in evidence:
            evidence.append(place)
        if unified not in texts:
            texts.append(unified)
    return made | {"answers": texts, "evidence": evidence}
