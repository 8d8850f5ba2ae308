"""Likes and corrections become rows of a question set."""

import json
import re
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path

from bot.answer import Answer
from corpus import Document
from corpus.errors import SettingsError

Verdict = Literal["liked", "disliked"]


def default_feedback_path() -> Path:
    """Return the question set that feedback goes to where the user names none."""
    return user_data_path("silent-observer", appauthor=False) / "feedback.jsonl"


class FeedbackFile:
    """A question set that grows by whole lines; threads take turns.

    Nothing is created before the first row.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def append(self, row: Mapping[str, Any]) -> None:
        """Append a row, on a line of its own even where the last line was left unfinished.

        Raises:
            SettingsError: The file cannot be written.
        """
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            with self._lock:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("ab+", buffering=0) as stream:
                    if stream.tell():
                        stream.seek(-1, 2)
                        if stream.read(1) != b"\n":
                            line = b"\n" + line
                    stream.write(line)
        except OSError as error:
            raise SettingsError(
                f"{self.path}: cannot be written: {error.strerror}; choose another file "
                "with --feedback"
            ) from error


def feedback_row(
    answer: Answer, verdict: Verdict, right_answer: str | None, documents: Mapping[str, Document]
) -> dict[str, Any]:
    """Make the row that scores a question as the user did.

    A follow-up is recorded as it was searched, so that the row stands alone.

    Args:
        answer: What the bot said.
        verdict: "liked" takes the bot's answer as the right one.
        right_answer: Of a disliked answer; "" where the documents do not say, None where the user
            does not know, which leaves the question unscored.
        documents: Searched for the right answer's place.
    """
    row: dict[str, Any] = {
        "id": f"web-{uuid.uuid4().hex[:12]}",
        "question": answer.query or answer.question,
    }
    if verdict == "liked":
        row["answers"] = [] if answer.abstained else [answer.text]
        row["evidence"] = [
            {"document": citation.document_id, "start": citation.start, "end": citation.end}
            for citation in answer.citations
        ]
    elif right_answer is not None:
        row["answers"] = [right_answer] if right_answer else []
        row["evidence"] = find_words(right_answer, answer, documents) if right_answer else []
    row["feedback"] = verdict
    row["bot_answer"] = answer.text
    if row["question"] != answer.question:
        row["asked"] = answer.question
    row["asked_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    return row


def find_words(
    words: str, answer: Answer, documents: Mapping[str, Document]
) -> list[dict[str, Any]]:
    """Find where the documents say these words, whatever the case and the line breaks.

    Returns:
        One place, in the best retrieved passage that has them or else anywhere; or none.
    """
    pattern = re.compile(r"\s+".join(re.escape(word) for word in words.split()), re.IGNORECASE)
    places = [
        (hit.passage.document_id, hit.passage.start, hit.passage.text) for hit in answer.passages
    ]
    places += [(document.id, 0, document.text) for document in documents.values()]
    for document_id, offset, text in places:
        if match := pattern.search(text):
            return [
                {
                    "document": document_id,
                    "start": offset + match.start(),
                    "end": offset + match.end(),
                }
            ]
    return []
