"""Likes and corrections become rows of a question set."""

import json
import re
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path

from bot.answer import Answer
from bot.metrics import normalise_answer
from bot.near_duplicates import ALIKE, find_repeats
from bot.questions import Question, Row, parse_object, parse_question
from corpus import Document, Passage
from corpus.errors import QuestionFormatError, SettingsError

# Of the scripts that set spaces between words; not so from Thai on.
_LETTER = r"[^\W\u0e00-\U0010ffff]"

Verdict = Literal["liked", "disliked"]


def default_feedback_path() -> Path:
    """Return the question set that feedback goes to where the user names none."""
    return user_data_path("silent-observer", appauthor=False) / "feedback.jsonl"


class FeedbackFile:
    """A question set that grows by whole lines; threads take turns.

    Nothing is created before the first row. Of rows that ask the same, or nearly so and with the
    same answer, the last one stays that says what is right; rows that a person wrote always stay.
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
                if self.path.is_file() and not self._make_room(row):
                    return
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

    def _make_room(self, row: Mapping[str, Any]) -> bool:
        """Take out the row that a new one replaces; tell whether the new one is to be written."""
        lines = self.path.read_bytes().split(b"\n")
        rows = {}
        for number, line in enumerate([*lines, json.dumps(row).encode()]):
            with suppress(QuestionFormatError):
                keys = parse_object("", line.decode("utf-8", "replace"))
                rows[number] = parse_question(Row("", str(number), keys))
        repeat = find_repeats(rows).get(len(lines))
        if repeat is None:
            return True
        earlier = rows[repeat.earlier]
        if "feedback" not in earlier.extra or _says_more(earlier, row):
            return False
        del lines[repeat.earlier]
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_bytes(b"\n".join(lines))
        beside.chmod(self.path.stat().st_mode)
        beside.replace(self.path)
        return True


def _says_more(earlier: Question, row: Mapping[str, Any]) -> bool:
    if row.get("answers") is not None:
        return False
    return earlier.answers is not None or (bool(earlier.evidence) and not row.get("evidence"))


def feedback_row(
    answer: Answer,
    verdict: Verdict,
    right_answer: str | None,
    documents: Mapping[str, Document],
    passage: Passage | None = None,
) -> dict[str, Any]:
    """Make the row that scores a question as the user did.

    A follow-up is recorded as it was searched, so that the row stands alone.

    Args:
        answer: What the bot said.
        verdict: "liked" takes the bot's answer as the right one.
        right_answer: Of a disliked answer; "" where the documents do not say, None where the user
            does not know. That leaves the question unscored, as do words that the documents do not
            hold, which are kept as `correction`.
        documents: Searched for the right answer's place.
        passage: The one that the user marked as right, of a disliked answer. The right answer's
            place is looked for in it only; where it has none, the whole passage is the evidence.
    """
    row: dict[str, Any] = {
        "id": f"web-{uuid.uuid4().hex[:12]}",
        "question": answer.query or answer.question,
    }
    if verdict == "liked":
        row["answers"] = [] if answer.abstained else [answer.text]
        if answer.citations and answer.text != answer.citations[0].quote:
            # A summary is made of several quotes, and no document holds it.
            row["answers"] = None
        row["evidence"] = [
            {"document": citation.document_id, "start": citation.start, "end": citation.end}
            for citation in answer.citations
        ]
    elif right_answer == "":
        row["answers"], row["evidence"] = [], []
    else:
        row |= _corrected(right_answer, answer, documents, passage)
    row["feedback"] = verdict
    row["bot_answer"] = answer.text
    if row["question"] != answer.question:
        row["asked"] = answer.question
    row["asked_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    return row


def _corrected(
    right_answer: str | None,
    answer: Answer,
    documents: Mapping[str, Document],
    passage: Passage | None,
) -> dict[str, Any]:
    found = []
    if right_answer:
        found = find_words(right_answer, answer, documents, passage)
    is_scored = bool(found and normalise_answer(right_answer or ""))
    if passage and not is_scored:
        found = [{"document": passage.document_id, "start": passage.start, "end": passage.end}]
    row = {"answers": [right_answer] if is_scored else None, "evidence": found}
    return row | ({"correction": right_answer} if right_answer and not is_scored else {})


def find_words(
    words: str,
    answer: Answer,
    documents: Mapping[str, Document],
    passage: Passage | None = None,
) -> list[dict[str, Any]]:
    """Find where the documents say these words, whatever the case, line breaks and quotes.

    Args:
        words: What to look for.
        answer: What the bot said, with the passages that it retrieved.
        documents: By id.
        passage: The only place to look in, if there is one.

    Returns:
        One place, in the best retrieved passage that has them or else anywhere; or none.
    """
    spaced = r"\s+".join(re.escape(word) for word in words.translate(ALIKE).split())
    pattern = re.compile(rf"(?<!{_LETTER}){spaced}(?!{_LETTER})", re.IGNORECASE)
    passages = [passage] if passage else [hit.passage for hit in answer.passages]
    places = [(found.document_id, found.start, found.text) for found in passages]
    if passage is None:
        places += [(document.id, 0, document.text) for document in documents.values()]
    for document_id, offset, text in places:
        if match := pattern.search(text.translate(ALIKE)):
            return [
                {
                    "document": document_id,
                    "start": offset + match.start(),
                    "end": offset + match.end(),
                }
            ]
    return []
