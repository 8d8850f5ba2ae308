"""Question sets in the format of SQuAD 2.0."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Item:
    """A question about one paragraph.

    Attributes:
        question: The question.
        answers: Offset and text of every gold answer; empty for an unanswerable question.
    """

    question: str
    answers: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph and its questions."""

    text: str
    items: tuple[Item, ...]


def load_articles(file: Path) -> dict[str, list[Paragraph]]:
    """Read a SQuAD 2.0 file, gzipped or not, as paragraphs by article title."""
    data = file.read_bytes()
    articles = json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)["data"]
    return {
        article["title"]: [
            Paragraph(
                entry["context"],
                tuple(
                    Item(
                        question["question"].strip(),
                        tuple((a["answer_start"], a["text"]) for a in question["answers"]),
                    )
                    for question in entry["qas"]
                ),
            )
            for entry in article["paragraphs"]
        ]
        for article in articles
    }
