"""Articles and questions that were written to train the reader."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.reader.squad import Item, Paragraph
from corpus.documents import Document
from corpus.passages import split_document

_ARTICLES = Path(__file__).parent / "articles"
_QUESTIONS = Path(__file__).parent / "questions"
_PASSAGE_WORDS = 130


def written_articles(folder: Path = _ARTICLES) -> list[list[Paragraph]]:
    """Read the articles that were written for training, cut into passages as the bot cuts them.

    Each file is an object with a `title` and `paragraphs`; a paragraph has a `text`, `answerable`
    questions with answers that occur in it once, and `unanswerable` questions.
    """
    return [
        _written_passages(json.loads(file.read_text("utf-8")))
        for file in sorted(folder.glob("*.json"))
    ]


def _written_passages(article: dict[str, Any]) -> list[Paragraph]:
    text = article["title"]
    asked: list[tuple[int, Item]] = []
    for entry in article["paragraphs"]:
        base = len(text) + 2
        text += "\n\n" + entry["text"]
        for question, answer in entry.get("answerable", []):
            start = base + entry["text"].index(answer)
            asked.append((start, Item(question, ((start, answer),))))
        asked += [(base, Item(question, ())) for question in entry.get("unanswerable", [])]
    passages = split_document(Document.from_text("article", text), max_tokens=_PASSAGE_WORDS)
    paragraphs = []
    for passage in passages:
        shift = len(passage.searchable_text) - len(passage.text) - passage.start
        items = tuple(
            replace(item, answers=tuple((start + shift, answer) for start, answer in item.answers))
            for place, item in asked
            if passage.start <= place < passage.end
            and all(start + len(answer) <= passage.end for start, answer in item.answers)
        )
        paragraphs.append(Paragraph(passage.searchable_text, items))
    return paragraphs


def written_questions(
    articles: Iterable[list[Paragraph]], folder: Path = _QUESTIONS
) -> list[list[Paragraph]]:
    """Exchange the questions of paragraphs for those that were written about them for training.

    Each file is a list of objects: `paragraph`, the first 16 hexadecimal digits of the SHA-256 of
    the paragraph's text; `answerable` questions with the start and end of the answer; and
    `unanswerable` questions.

    Args:
        articles: The paragraphs of every article.
        folder: The files.

    Returns:
        The articles; a paragraph that nothing was written about has no questions.
    """
    entries = {
        entry["paragraph"]: entry
        for file in sorted(folder.glob("*.json"))
        for entry in json.loads(file.read_text("utf-8"))
    }
    return [
        [
            replace(paragraph, items=_items(paragraph.text, entries.get(digest(paragraph.text))))
            for paragraph in paragraphs
        ]
        for paragraphs in articles
    ]


def digest(text: str) -> str:
    """Return what names a paragraph in the files of questions."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _items(text: str, entry: dict[str, Any] | None) -> tuple[Item, ...]:
    if entry is None:
        return ()
    return (
        *(Item(q, ((start, text[start:end]),)) for q, start, end in entry["answerable"]),
        *(Item(question, ()) for question in entry["unanswerable"]),
    )
