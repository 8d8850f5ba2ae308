"""A bot without models for the tests of the web chat: it looks for words of the question."""

import re
import socket
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.answer import Answer, Citation
from bot.followup import Turn
from corpus import Document, Passage, split_document
from index.contents import Contents
from index.passage_index import Hit, PassageIndex
from tests.conftest import KeywordEncoder

HOSTILE = (
    "The <script>window.hacked = true</script> tag and <b>bold</b> are words here, **stars** and "
    "$x^2$ too, `code`, [a link](https://example.org/) and ${value} {{value}}."
)
LETTER = f"""A Letter from the Harbour

The ferry leaves Kampot at seven in the morning. It carries rice, bicycles and 🙂 forty passengers.

Captain Sok Dara has steered the ferry for eleven years. Before that he mended nets in Kep.

{HOSTILE}
"""


QUOTES = {
    "captain": "Sok Dara",
    "leave": "seven in the morning",
    "passengers": "forty passengers",
    "tag": "<script>window.hacked = true</script>",
    "net": "Kep",
    "second": "second file",
    "orchid": "violet orchid",
}

LONG = "A Long Book\n\n" + "\n\n".join(
    f"In chapter {number} of this long book the days go by and the river rises and falls as ever."
    for number in range(400)
)
SECOND_FILE = (
    f"{LONG}\n\nAt its very end stands the second file, which nobody expected to find here."
)


@dataclass(frozen=True)
class StubIndex:
    documents: Mapping[str, Document]
    passages: Sequence[Passage]
    encoder: KeywordEncoder = field(default_factory=lambda: KeywordEncoder("ferry", "orchid"))
    sources: Sequence[Path] = ()

    @property
    def contents(self) -> Contents:
        return Contents.of(self.documents.values(), self.passages)


@dataclass
class StubBot:
    """Quotes the capitalised name or number nearest to a keyword; abstains without one.

    A question with "slowly" takes `delay` seconds. `most_at_once` counts the questions that were
    read at the same time.
    """

    index: StubIndex
    delay: float = 0.5
    most_at_once: int = 0
    _running: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    newer_index: StubIndex | None = None

    def refresh(self) -> bool:
        newer, self.newer_index = self.newer_index, None
        self.index = newer or self.index
        return newer is not None

    def joined_with(self, index: PassageIndex) -> "StubBot":
        documents = {**self.index.documents, **index.documents}
        return replace(self, index=StubIndex(documents, [*self.index.passages, *index.passages]))

    def ask(
        self,
        question: str,
        history: Sequence[Turn] = (),
        documents: Collection[str] | None = None,
    ) -> Answer:
        with self._lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        try:
            if "slowly" in question:
                time.sleep(self.delay)
            if documents is None:
                return self._answer(question, history)
            passages = [p for p in self.index.passages if p.document_id in documents]
            index = StubIndex(self.index.documents, passages)
            return StubBot(index)._answer(question, history)
        finally:
            with self._lock:
                self._running -= 1

    def _answer(self, question: str, history: Sequence[Turn]) -> Answer:
        if question.lower() == "hello":
            return Answer(question, question, "", (), (), 0.0, note="Hello. Ask about the letter.")
        query = question
        if history and re.search(r"\bhe\b", question):
            query = re.sub(r"\bhe\b", history[-1].answer, question)
        asked = [quote for word, quote in QUOTES.items() if word in query.lower()]
        quotes = [q for q in asked if any(q in passage.text for passage in self.index.passages)]
        hits = tuple(
            Hit(passage, 1.0 / rank, rank) for rank, passage in enumerate(self.index.passages, 1)
        )
        citations = tuple(self._citation(quote) for quote in quotes)
        if not citations:
            note = "The nearest passages speak of a ferry; none names what you ask."
            return Answer(question, query, "", (), hits, 0.2, note=note)
        text = " ".join(citation.quote for citation in citations)
        return Answer(question, query, text, citations, hits, 0.93, seconds=0.01)

    def _citation(self, quote: str) -> Citation:
        passage = next(passage for passage in self.index.passages if quote in passage.text)
        start = passage.start + passage.text.index(quote)
        return Citation(
            passage.document_id, start, start + len(quote), quote, passage.start, passage.end
        )


class StubSuggester:
    def first(self) -> list[str]:
        return ["Who is the captain?", "When does the ferry leave?"]

    def next(self, answer: Answer, asked: Sequence[str]) -> list[str]:
        return [
            question for question in ("Where did he mend nets?", "Why?") if question not in asked
        ]


def stub_bot(*texts: str, delay: float = 0.5) -> StubBot:
    """Make a bot on texts, or on the letter; its documents are letter.txt, 2.txt, ..."""
    documents = {}
    for number, text in enumerate(texts or (LETTER,), start=1):
        document_id = "letter.txt" if number == 1 else f"{number}.txt"
        title = text.split("\n", 1)[0]
        documents[document_id] = Document.from_text(document_id, text, title=title)
    passages = [passage for document in documents.values() for passage in split_document(document)]
    return StubBot(StubIndex(documents, passages), delay=delay)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
