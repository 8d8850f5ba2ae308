"""The way from a question to an answer."""

import difflib
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from bot.answer import Answer, Citation
from bot.followup import Turn, standalone_query
from bot.intents import Intent, find_intent, reply_to
from bot.reader.reading import Reader, Reading, Span
from bot.settings import Settings
from bot.summary import central_sentences
from corpus.documents import Document
from corpus.errors import SettingsError
from corpus.languages import is_mostly_english
from index.embedding import DEFAULT_ENCODER
from index.joined import join
from index.lexical import terms
from index.passage_index import Hit, PassageIndex

MAX_QUERY_CHARACTERS = 600
ENGLISH_ONLY = "The question seems to be in another language; the default models are English."
_MAX_CITATIONS = 3
_MAX_ALTERNATIVES = 3
_ALTERNATIVE_MARGIN = 2.0


class Bot:
    """Answers questions from the documents of an index, or says that they do not answer."""

    def __init__(
        self,
        index: PassageIndex,
        *,
        reader: Reader | None = None,
        settings: Settings | None = None,
        newer_index: Callable[[], PassageIndex | None] | None = None,
        documents: Collection[str] | None = None,
    ) -> None:
        """Put a bot together.

        Args:
            index: The passages to answer from.
            reader: What finds the answer in them; the packaged reader by default.
            settings: How much to retrieve and read, and when to abstain.
            newer_index: Gives the index that has replaced this one, or None; see `refresh`.
            documents: The ids of those that are asked where a question names none; None for all.
        """
        if reader is None:
            from bot.reader.extractive import ExtractiveReader

            reader = ExtractiveReader.load()
        self.index = index
        self.reader = reader
        self.settings = settings or Settings()
        self.documents = documents
        self._newer_index = newer_index

    def refresh(self) -> bool:
        """Go over to the index that has replaced this one, if any; for chats, between questions.

        Returns:
            Whether there was one.
        """
        newer = self._newer_index() if self._newer_index else None
        if newer is None:
            return False
        self.index = newer
        return True

    def joined_with(self, index: PassageIndex) -> "Bot":
        """Return a bot that answers from the documents of another index too."""
        return Bot(join([self.index, index]), reader=self.reader, settings=self.settings)

    def ask(
        self,
        question: str,
        history: Sequence[Turn] = (),
        documents: Collection[str] | None = None,
    ) -> Answer:
        """Answer a question.

        Nothing is remembered between calls: the dialogue, if any, comes in with the question.

        Args:
            question: What the user typed, of any length.
            history: The turns before it, oldest first.
            documents: The ids of those to answer from; None for those the bot was made with.

        Returns:
            The answer; one without text where the documents do not answer.

        Raises:
            SettingsError: There is no such document, or none is named.
        """
        started = time.perf_counter()
        if documents is None:
            documents = self.documents
        else:
            documents = find_documents(self.index.documents, documents)
        answer = self._answer(question, history, documents)
        is_default = self.index.encoder.name == DEFAULT_ENCODER
        if answer.passages and is_default and not is_mostly_english(question):
            answer = replace(answer, note=" ".join([ENGLISH_ONLY, answer.note]).strip())
        n_documents = len(self.index.documents if documents is None else documents)
        return replace(answer, seconds=time.perf_counter() - started, n_documents=n_documents)

    def _answer(
        self, question: str, history: Sequence[Turn], documents: Collection[str] | None
    ) -> Answer:
        query = _shortened(question)
        intent = find_intent(query)
        if intent in {Intent.EMPTY, Intent.GREETING, Intent.THANKS, Intent.FAREWELL, Intent.HELP}:
            return _abstention(question, query, (), 0.0, reply_to(intent))
        if intent is Intent.SUMMARY:
            return self._summary(question, query, documents)
        query = standalone_query(query, history)
        everything = len(self.index.rows_of(documents))
        whole = everything <= self.settings.read_whole
        n_hits = everything if whole else self.settings.n_passages
        hits = self.index.search(query, n_hits, documents=documents)
        reading = self.reader.read(query, hits)
        shown = reading.hits[: self.settings.n_passages]
        threshold = self.settings.threshold
        threshold = self.reader.threshold if threshold is None else threshold
        if reading.confidence < threshold:
            return _abstention(question, query, shown, reading.confidence, _why_not(reading))
        citations = tuple(
            self._citation(span) for span in _agreeing(reading.spans)[:_MAX_CITATIONS]
        )
        others = _alternatives(reading.spans, threshold)[:_MAX_ALTERNATIVES]
        return Answer(
            question=question,
            query=query,
            text=citations[0].quote,
            citations=citations,
            passages=shown,
            confidence=reading.confidence,
            alternatives=tuple(self._citation(span) for span in others),
        )

    def _summary(self, question: str, query: str, documents: Collection[str] | None) -> Answer:
        spans = central_sentences(self.index, documents=documents)
        hits = tuple(
            replace(span.hit, rank=rank) for rank, span in enumerate(_distinct(spans), start=1)
        )
        citations = tuple(self._citation(span) for span in spans)
        return Answer(
            question=question,
            query=query,
            text=" ".join(citation.quote for citation in citations),
            citations=citations,
            passages=hits,
            confidence=1.0,
        )

    def _citation(self, span: Span) -> Citation:
        passage = span.hit.passage
        return Citation(
            document_id=passage.document_id,
            start=span.start,
            end=span.end,
            quote=span.text,
            passage_start=passage.start,
            passage_end=passage.end,
            confidence=span.confidence,
            location=self.index.documents[passage.document_id].location(span.start),
        )


def find_documents(documents: Mapping[str, Document], names: Iterable[str]) -> frozenset[str]:
    """Find documents by their ids or the ends of them: "report.txt" for "2025/report.txt".

    Args:
        documents: The documents by id.
        names: What to find; a name that several documents end in finds them all.

    Raises:
        SettingsError: A name finds nothing, or there are no names.
    """
    found: set[str] = set()
    for name in names:
        ending = f"/{name}"
        matches = (
            [name] if name in documents else [id_ for id_ in documents if id_.endswith(ending)]
        )
        if not matches:
            close = difflib.get_close_matches(name, documents, n=1)
            known = ", ".join(list(documents)[:5]) + (" ..." if len(documents) > 5 else "")
            hint = f"did you mean {close[0]!r}?" if close else f"there are {known}"
            raise SettingsError(f"{name}: no such document; {hint}")
        found.update(matches)
    if not found:
        raise SettingsError("no document is chosen to be asked; choose at least one")
    return frozenset(found)


def _abstention(
    question: str, query: str, hits: Sequence[Hit], confidence: float, note: str
) -> Answer:
    return Answer(
        question=question,
        query=query,
        text="",
        citations=(),
        passages=tuple(hits),
        confidence=confidence,
        note=note,
    )


def _shortened(question: str) -> str:
    """Keep what a long text asks: its last question, or its beginning."""
    text = " ".join(question.split())
    if len(text) <= MAX_QUERY_CHARACTERS:
        return text
    head, mark, _ = text.rpartition("?")
    if mark:
        asked = head[max(head.rfind(stop) for stop in ".!?") + 1 :].strip() + "?"
        if 3 <= len(asked) <= MAX_QUERY_CHARACTERS:
            return asked
    return text[:MAX_QUERY_CHARACTERS].rsplit(" ", 1)[0]


def _agreeing(spans: Sequence[Span]) -> list[Span]:
    """Keep the best span and those that say the same words elsewhere."""
    best = " ".join(spans[0].text.lower().split())
    return [span for span in spans if " ".join(span.text.lower().split()) == best]


def _alternatives(spans: Sequence[Span], threshold: float) -> list[Span]:
    """Keep spans that answer nearly as surely as the best one, in other words."""
    kept = [spans[0]]
    for span in spans[1:]:
        if span.confidence < threshold or span.score < spans[0].score - _ALTERNATIVE_MARGIN:
            continue
        if not any(_says_the_same(span, other) for other in kept):
            kept.append(span)
    return kept[1:]


def _says_the_same(span: Span, other: Span) -> bool:
    """Tell whether two spans overlap, or the words of one are all in the other."""
    if span.hit.passage.document_id == other.hit.passage.document_id and (
        span.start < other.end and other.start < span.end
    ):
        return True
    words, others = (set(terms(part.text)) for part in (span, other))
    return words <= others or others <= words


def _distinct(spans: Sequence[Span]) -> list[Span]:
    return list({span.hit.passage: span for span in spans}.values())


def _why_not(reading: Reading) -> str:
    if reading.missing:
        words = ", ".join(f"“{word}”" for word in reading.missing[:3])
        return f"It does not mention {words}; the passages below came nearest."
    return "The passages below came nearest, but none of them answers the question."
