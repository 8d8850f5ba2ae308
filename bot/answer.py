"""What the bot gives back: an answer, the words it stands on, and where it was looked for."""

from dataclasses import dataclass
from typing import Any

from index.passage_index import Hit


@dataclass(frozen=True, slots=True)
class Citation:
    """A literal quote: `document.text[start:end] == quote`.

    Attributes:
        document_id: Id of the quoted document.
        start: Offset of the quote's first character (code point) in the document's text.
        end: Offset after its last character.
        quote: The quoted words themselves.
        passage_start: Offset of the passage around the quote.
        passage_end: Offset after that passage.
        confidence: In [0, 1]: the fitted probability that these words answer the question.
        location: Where a reader finds the quote: "page 4, Results"; "" where the document has
            neither pages nor headings.
    """

    document_id: str
    start: int
    end: int
    quote: str
    passage_start: int
    passage_end: int
    confidence: float = 0.0
    location: str = ""

    @property
    def place(self) -> str:
        """The document, and where in it: "report.pdf, page 4, Results"."""
        return f"{self.document_id}, {self.location}" if self.location else self.document_id


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to one question.

    Attributes:
        question: The question as asked.
        query: The question as searched, after a follow-up was resolved against its dialogue.
        text: The short answer, words of the document; "" when the bot abstains.
        citations: The quotes the answer stands on, best first; empty when the bot abstains.
        passages: The retrieved passages, best first; also filled when the bot abstains.
        confidence: In [0, 1]: the fitted probability that the answer is right.
        alternatives: Other words that answer nearly as surely, in the same or another passage.
        note: What the bot says in its own words: a reply to a greeting, why it abstained; or "".
        seconds: Time from question to answer.
        n_documents: How many documents were asked.
    """

    question: str
    query: str
    text: str
    citations: tuple[Citation, ...]
    passages: tuple[Hit, ...]
    confidence: float
    alternatives: tuple[Citation, ...] = ()
    note: str = ""
    seconds: float = 0.0
    n_documents: int = 1

    @property
    def abstained(self) -> bool:
        """Whether the bot found no answer in the documents."""
        return not self.text


def answer_record(question_id: str, answer: Answer) -> dict[str, Any]:
    """Turn an answer into the plain object of an answers file.

    The keys are a contract that other programs read; offsets count code points of the document.
    """
    return {
        "id": question_id,
        "question": answer.question,
        "query": answer.query,
        "answer": answer.text,
        "abstained": answer.abstained,
        "confidence": round(answer.confidence, 4),
        "citations": [_citation_record(citation) for citation in answer.citations],
        "alternatives": [_citation_record(citation) for citation in answer.alternatives],
        "passages": [
            {
                "document": hit.passage.document_id,
                "start": hit.passage.start,
                "end": hit.passage.end,
                "score": round(hit.score, 6),
                "text": hit.passage.text,
            }
            for hit in answer.passages
        ],
        "seconds": round(answer.seconds, 4),
    }


def _citation_record(citation: Citation) -> dict[str, Any]:
    record = {
        "document": citation.document_id,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "passage_start": citation.passage_start,
        "passage_end": citation.passage_end,
        "confidence": round(citation.confidence, 4),
    }
    if citation.location:
        record["location"] = citation.location
    return record
