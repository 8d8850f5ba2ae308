"""Answers and documents as text for a terminal."""

import textwrap
from collections.abc import Mapping, Sequence

from bot.answer import Answer, Citation
from corpus.documents import Document
from corpus.passages import Passage
from corpus.sentences import widened_to_sentences

ALTERNATIVES = "It may also be:"
_CONFIDENCE_WORDS = ((0.9, "very likely"), (0.7, "likely"), (0.5, "fairly likely"), (0.0, "unsure"))
_NEAREST = 3
_BOLD, _DIM, _MARK, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[30;43m", "\x1b[0m"


def confidence_words(confidence: float) -> str:
    """Say a confidence in [0, 1] in words."""
    return next(words for floor, words in _CONFIDENCE_WORDS if confidence >= floor)


def sentence_around(citation: Citation, passage: str) -> tuple[int, int]:
    """Find the sentence, or sentences, of its passage that a quote stands in.

    Args:
        citation: The quote.
        passage: The text of its passage.

    Returns:
        Half-open offsets in the passage.
    """
    offset = citation.passage_start
    return widened_to_sentences(passage, citation.start - offset, citation.end - offset)


def abstention(answer: Answer) -> str:
    """Say that what was asked does not answer."""
    return "The documents do not say." if answer.n_documents > 1 else "The document does not say."


def render_answer(
    answer: Answer, documents: Mapping[str, Document], *, width: int = 80, color: bool = False
) -> str:
    """Write an answer with its evidence, or an abstention with what came nearest.

    Control characters of the documents are shown as blanks, so that none reaches the terminal.

    Args:
        answer: What the bot gave back.
        documents: The documents it quotes, by id.
        width: The longest line, in characters.
        color: Whether to mark quotes with colours; without, they stand between guillemets.
    """
    mark = _Marker(color)
    lines = []
    if answer.query != " ".join(answer.question.split()) and answer.passages:
        lines.append(mark.dim(f"searched: {answer.query}"))
    if answer.abstained:
        if not answer.passages:
            return _printable(answer.note)
        lines += [mark.bold(abstention(answer)), _wrap(answer.note, width)]
        for hit in answer.passages[:_NEAREST]:
            text = f"{_place(hit.passage, documents)}: {_shown(hit.passage.text)}"
            lines.append(mark.dim(_wrap(text, width, "  ")))
        return "\n".join(lines)
    lines += [mark.bold(_wrap(_shown(answer.text, 2000), width))]
    lines.append(mark.dim(f"({confidence_words(answer.confidence)})"))
    if answer.note:
        lines.append(_wrap(answer.note, width))
    for number, citation in enumerate(answer.citations, start=1):
        lines += _quote_lines(number, citation, documents, mark, width)
    if answer.alternatives:
        lines.append(mark.dim(ALTERNATIVES))
        for number, citation in enumerate(answer.alternatives, start=len(answer.citations) + 1):
            lines += _quote_lines(number, citation, documents, mark, width)
    return "\n".join(lines)


def _quote_lines(
    number: int,
    citation: Citation,
    documents: Mapping[str, Document],
    mark: "_Marker",
    width: int,
) -> list[str]:
    """Write the sentence of a quote with the quote marked, and its place under it."""
    document = documents[citation.document_id]
    passage = document.text[citation.passage_start : citation.passage_end]
    first, last = sentence_around(citation, passage)
    start, end = citation.start - citation.passage_start, citation.end - citation.passage_start
    opening, closing = mark.ends_of_quote
    sentence = f"{passage[first:start]}{opening}{passage[start:end]}{closing}{passage[end:last]}"
    offsets = f"{citation.start}-{citation.end}"
    place = f"{citation.document_id}:{offsets}"
    if citation.location:
        place = f"{citation.place} ({offsets})"
    return [
        mark.marked(_wrap(f"[{number}] {sentence}", width, "    ")),
        mark.dim(f"    {_printable(place)}"),
    ]


def render_passages(
    document: Document, passages: Sequence[Passage], *, first_number: int = 1, width: int = 80
) -> str:
    """Write a document with the number of each passage before it."""
    lines = [document.id, "=" * len(document.id)]
    for number, passage in enumerate(passages, start=first_number):
        head = f"[{number}] "
        for paragraph in passage.text.split("\n"):
            if paragraph.strip():
                lines.append(_wrap(f"{head}{_printable(paragraph)}", width, " " * len(head)))
                head = " " * len(head)
        lines.append("")
    return "\n".join(lines)


class _Marker:
    """Terminal styles, or none."""

    def __init__(self, color: bool) -> None:
        self._color = color

    @property
    def ends_of_quote(self) -> tuple[str, str]:
        """What stands before and after a quote, until `marked` replaces it."""
        return ("\x01", "\x02") if self._color else ("«", "»")

    def bold(self, text: str) -> str:
        return f"{_BOLD}{text}{_PLAIN}" if self._color else text

    def dim(self, text: str) -> str:
        return f"{_DIM}{text}{_PLAIN}" if self._color else text

    def marked(self, text: str) -> str:
        return text.replace("\x01", _MARK).replace("\x02", _PLAIN)


def _place(passage: Passage, documents: Mapping[str, Document]) -> str:
    offsets = f"{passage.start}-{passage.end}"
    return f"{passage.document_id}:{offsets}" if len(documents) > 1 else offsets


def _shown(text: str, limit: int = 160) -> str:
    return textwrap.shorten(_printable(text), limit, placeholder=" …")


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() or char in "\x01\x02" else " " for char in text)


def _wrap(text: str, width: int, indent: str = "") -> str:
    lines = textwrap.wrap(_printable(text), max(width, 20), subsequent_indent=indent)
    return "\n".join(lines)
