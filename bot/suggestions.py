"""Questions worth asking: to begin with, and after an answer."""

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

from bot.answer import Answer
from bot.mentions import find_names, is_person
from bot.pipeline import Bot
from bot.questions import Question, load_questions
from corpus.passages import Passage


def starter_questions(bot: Bot, n: int = 4) -> list[str]:
    """Choose questions to begin with."""
    texts = [
        question.text for question in _scripted(bot) if question.extra.get("suggest") == "first"
    ]
    texts = texts or _spread([text for *_, text in _generated(bot.index.passages[:200])], n - 1)
    return ["What is this document about?", *texts][:n]


def next_questions(bot: Bot, answer: Answer, asked: Sequence[str], n: int = 3) -> list[str]:
    """Choose what to ask after an answer: questions on the passages that came up beside it."""
    done = {_key(text) for text in [*asked, answer.question, answer.query]}
    near = [hit.passage for hit in answer.passages[:6]]
    candidates = [
        (rank, text)
        for document, start, text in _places(_scripted(bot)) or list(_generated(near))
        for rank, passage in enumerate(near)
        if passage.document_id == document
        and passage.start <= start < passage.end
        and _key(text) not in done
    ]
    chosen: list[str] = []
    for _, text in sorted(candidates, key=lambda item: item[0]):
        if text not in chosen:
            chosen.append(text)
    return chosen[:n]


def _scripted(bot: Bot) -> list[Question]:
    """Take those questions of the shipped set that the bot's documents answer where it says."""
    file = Path(str(resources.files("corpus") / "questions" / "silent-observer.jsonl"))
    return [question for question in load_questions(file) if _is_asked_well(question, bot)]


def _is_asked_well(question: Question, bot: Bot) -> bool:
    if not question.answers or not question.evidence or question.follows is not None:
        return False
    place = question.evidence[0]
    document = bot.index.documents.get(place.document_id)
    return (
        document is not None
        and question.answers[0] in document.text[place.start : place.end]
        and question.text[0].isupper()
        and question.text.endswith(("?", "."))
        and question.extra.get("suggest") != "never"
    )


def _places(questions: Sequence[Question]) -> list[tuple[str, int, str]]:
    return [
        (question.evidence[0].document_id, question.evidence[0].start, question.text)
        for question in questions
    ]


def _generated(passages: Sequence[Passage]) -> Iterator[tuple[str, int, str]]:
    """Ask after the names in passages."""
    seen = set()
    for passage in passages:
        for name in find_names(passage.text):
            if len(name) > 2 and name not in seen:
                seen.add(name)
                verb = "Who is" if is_person(name) else "What does the document say about"
                yield passage.document_id, passage.start, f"{verb} {name}?"


def _spread(texts: Sequence[str], n: int) -> list[str]:
    if len(texts) <= n:
        return list(texts)
    return [texts[(2 * i + 1) * len(texts) // (2 * n)] for i in range(n)]


def _key(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()
