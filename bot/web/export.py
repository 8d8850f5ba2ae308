"""The chat as a file: Markdown to read, JSON for programs."""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from bot.answer import Answer, Citation, answer_record
from bot.render import ALTERNATIVES, abstention, confidence_words
from bot.web.document_view import DocumentView
from bot.web.turns import ChatTurn

ExportFormat = Literal["markdown", "json"]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$&:])")


def chat_as_json(turns: Sequence[ChatTurn], view: DocumentView) -> str:
    """Return the chat as a JSON object; each answer is the object that an answers file has."""
    whole: dict[str, Any] = {
        "documents": {
            document.id: {"title": document.title, "sha256": document.sha256}
            for document in view.documents.values()
        },
        "turns": [
            {
                "asked_at": turn.asked_at,
                "note": turn.answer.note,
                **answer_record(turn.id, turn.answer),
            }
            for turn in turns
        ],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def chat_as_markdown(turns: Sequence[ChatTurn], view: DocumentView) -> str:
    """Return the chat as Markdown in which the words of the document and the user stay plain."""
    titles = ", ".join(escape_markdown(view.title(document_id)) for document_id in view.documents)
    parts = ["# Silent Observer", f"Questions to: {titles}"]
    for turn in turns:
        parts.append(f"## {escape_markdown(turn.answer.question)}")
        parts += _answer_parts(turn.answer, view)
    return "\n\n".join(parts) + "\n"


def escape_markdown(text: str) -> str:
    """Escape what Markdown, HTML or mathematics would interpret; line breaks become spaces."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _answer_parts(answer: Answer, view: DocumentView) -> list[str]:
    parts = []
    if answer.query != " ".join(answer.question.split()):
        parts.append(f"*Searched: {escape_markdown(answer.query)}*")
    if not answer.abstained:
        parts.append(f"**{escape_markdown(answer.text)}** ({confidence_words(answer.confidence)})")
    elif answer.passages:
        parts.append(f"**{escape_markdown(abstention(answer))}**")
    if answer.note:
        parts.append(escape_markdown(answer.note))
    parts += [_quote(number, citation, view) for number, citation in enumerate(answer.citations, 1)]
    if answer.alternatives:
        first = len(answer.citations) + 1
        parts.append(f"*{escape_markdown(ALTERNATIVES)}*")
        parts += [_quote(number, c, view) for number, c in enumerate(answer.alternatives, first)]
    return parts


def _quote(number: int, citation: Citation, view: DocumentView) -> str:
    paragraph = view.passage_number(citation.document_id, citation.start)
    return (
        f"> \\[{number}\\] “{escape_markdown(citation.quote)}”  \n"
        f"> {escape_markdown(citation.document_id)}, paragraph {paragraph}, "
        f"characters {citation.start} to {citation.end}"
    )
