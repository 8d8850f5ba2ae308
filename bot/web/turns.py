"""A turn of the chat, and its way to the page and back as plain JSON."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from bot.answer import Answer, Citation, answer_record
from bot.followup import Turn
from corpus import Document, Passage
from corpus.errors import QuestionFormatError
from index.passage_index import Hit

MAX_QUESTION_LENGTH = 20_000
_ID = re.compile(r"[\w-]{1,64}")


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """A question with its answer, as the page keeps it.

    Attributes:
        id: Unique; letters, digits, hyphens and underscores.
        asked_at: When, in ISO 8601 with the time zone.
        answer: What the bot said.
        next_questions: What might be asked next.
    """

    id: str
    asked_at: str
    answer: Answer
    next_questions: tuple[str, ...] = ()

    @classmethod
    def now(cls, answer: Answer, next_questions: tuple[str, ...] = ()) -> Self:
        """Make the turn that has just been answered."""
        return cls(
            id=uuid.uuid4().hex[:12],
            asked_at=datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
            answer=answer,
            next_questions=next_questions,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the plain object that `parse_turn` reads; passages come without their text."""
        record = answer_record(self.id, self.answer)
        for passage in record["passages"]:
            del passage["text"]
        return {
            "id": self.id,
            "asked_at": self.asked_at,
            "note": self.answer.note,
            "n_documents": self.answer.n_documents,
            "next_questions": list(self.next_questions),
            "record": record,
        }


def parse_turn(value: object, documents: Mapping[str, Document]) -> ChatTurn:
    """Read a turn that the page kept, and check its quotes against the documents.

    Raises:
        QuestionFormatError: It is malformed, or about documents that have changed since.
    """
    try:
        return _parse_turn(value, documents)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise QuestionFormatError(
            f"a turn of the chat is malformed or older than the document: {error}"
        ) from error


def parse_history(value: object) -> list[Turn]:
    """Read the turns before a question from a list of {"question", "answer", "query"}.

    `answer` may be missing or null where the bot abstained, `query` where it was the question.

    Raises:
        QuestionFormatError: It is no such list.
    """
    expected = 'history: expected a list of {"question": ..., "answer": ..., "query": ...}'
    if not isinstance(value, list | None):
        raise QuestionFormatError(f"{expected}, got {type(value).__name__}")
    turns = []
    for item in value or []:
        if not isinstance(item, dict) or not isinstance(item.get("question"), str):
            raise QuestionFormatError(f"{expected}, got an item {str(item)[:60]!r}")
        answer, query = item.get("answer") or "", item.get("query") or item["question"]
        if not isinstance(answer, str) or not isinstance(query, str):
            raise QuestionFormatError(f"{expected}, got an item {str(item)[:60]!r}")
        turns.append(Turn(question=item["question"], answer=answer, query=query))
    return turns


def checked_question(value: object) -> str:
    """Return a question without surrounding white space.

    Raises:
        QuestionFormatError: It is empty or too long.
    """
    question = value.strip() if isinstance(value, str) else ""
    if not question:
        raise QuestionFormatError("the question is empty; type one")
    if len(question) > MAX_QUESTION_LENGTH:
        raise QuestionFormatError(
            f"the question has {len(question):,} characters, at most {MAX_QUESTION_LENGTH:,} are "
            "read; shorten it"
        )
    return question


def checked_names(documents: object) -> list[str] | None:
    """Return the ids of documents that are asked, None for all.

    Raises:
        QuestionFormatError: It is no list of them.
    """
    if documents is None:
        return None
    if not isinstance(documents, list) or not all(isinstance(name, str) for name in documents):
        raise QuestionFormatError("documents: expected a list of names, or null for all")
    return documents


def checked_places(places: object) -> list[tuple[int, int]]:
    """Return pairs of offsets in a document.

    Raises:
        QuestionFormatError: It is no list of them.
    """
    if not isinstance(places, list):
        raise QuestionFormatError("places: expected a list of pairs of offsets")
    for place in places:
        if not (
            isinstance(place, list) and len(place) == 2 and all(type(end) is int for end in place)
        ):
            raise QuestionFormatError("places: expected a list of pairs of offsets")
    return [(start, end) for start, end in places]


def checked_passage(answer: Answer, number: object) -> Passage | None:
    """Return the passage of an answer that has this number, from 0; None for None.

    Raises:
        QuestionFormatError: It has no such passage.
    """
    if number is None:
        return None
    if type(number) is not int or not 0 <= number < len(answer.passages):
        raise QuestionFormatError("passage: expected the number of a passage of the turn, or null")
    return answer.passages[number].passage


def _parse_turn(value: Any, documents: Mapping[str, Document]) -> ChatTurn:
    record = value["record"]
    if not _ID.fullmatch(value["id"]):
        raise ValueError("id")
    answer = Answer(
        question=_words(record["question"]),
        query=_words(record["query"]),
        text=_words(record["answer"]),
        citations=tuple(_parse_citation(item, documents) for item in record["citations"]),
        passages=tuple(
            Hit(_parse_passage(item, documents), score=float(item["score"]), rank=rank)
            for rank, item in enumerate(record["passages"], start=1)
        ),
        confidence=float(record["confidence"]),
        alternatives=tuple(
            _parse_citation(item, documents) for item in record.get("alternatives", ())
        ),
        note=_words(value["note"]),
        seconds=float(record["seconds"]),
        n_documents=int(value.get("n_documents", 1)),
    )
    return ChatTurn(
        id=value["id"],
        asked_at=_words(value["asked_at"]),
        answer=answer,
        next_questions=tuple(_words(question) for question in value["next_questions"]),
    )


def _words(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value


def _parse_citation(item: Any, documents: Mapping[str, Document]) -> Citation:
    citation = Citation(
        document_id=item["document"],
        start=int(item["start"]),
        end=int(item["end"]),
        quote=_words(item["quote"]),
        passage_start=int(item["passage_start"]),
        passage_end=int(item["passage_end"]),
        confidence=float(item.get("confidence", 0.0)),
    )
    text = documents[citation.document_id].text
    if not citation.quote or text[citation.start : citation.end] != citation.quote:
        raise ValueError("a quote is not in the document")
    return citation


def _parse_passage(item: Any, documents: Mapping[str, Document]) -> Passage:
    text = documents[item["document"]].text
    start, end = int(item["start"]), int(item["end"])
    if not 0 <= start < end <= len(text):
        raise ValueError("a passage is not in the document")
    return Passage(document_id=item["document"], start=start, end=end, text=text[start:end])
