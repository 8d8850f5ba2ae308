"""An answer as HTML: the words, then apart from them the evidence. All text is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from bot.answer import Answer, Citation
from bot.render import ALTERNATIVES, abstention, confidence_words, sentence_around
from bot.web.document_view import DocumentView, Place
from corpus import Passage

_N_NEAREST = 3
_EXCERPT_LENGTH = 180
# From here on an answer is read as text, not at a glance.
_LONG_ANSWER = 140
_N_OPEN_QUOTES = 2
# Keeps a citation's number on the line of its quote.
_WORD_JOINER = "&#8288;"


def answer_html(answer: Answer, view: DocumentView) -> str:
    """Render an answer, an abstention, or a remark such as the reply to a greeting."""
    if answer.abstained and not answer.passages:
        return f'<p class="note">{escape(answer.note)}</p>'
    if answer.abstained:
        return _abstention_html(answer, view)
    length = "long" if len(answer.text) > _LONG_ANSWER else "short"
    parts = [
        f'<p class="words {length}">{_cited_words(answer, view)}</p>',
        f'<p class="meta"><span class="confidence">{escape(_confidence(answer))}</span>'
        f"{_searched_html(answer)}</p>",
        _evidence_html(answer, view),
        _alternatives_html(answer, view),
    ]
    if answer.note:
        parts.insert(1, f'<p class="note">{escape(answer.note)}</p>')
    return "".join(parts) + _choices_html(answer, view)


def _abstention_html(answer: Answer, view: DocumentView) -> str:
    nearest = "".join(
        f"<li>{_passage_link(hit.passage, view)}"
        f"<span>{escape(_excerpt(hit.passage.text))}</span></li>"
        for hit in answer.passages[:_N_NEAREST]
    )
    searched = _searched_html(answer)
    return (
        f'<p class="words silence">{abstention(answer)}</p>'
        + (f'<p class="note">{escape(answer.note)}</p>' if answer.note else "")
        + (f'<p class="meta">{searched}</p>' if searched else "")
        + f'<div class="nearest"><h3>What came nearest</h3><ol>{nearest}</ol></div>'
        + _choices_html(answer, view)
    )


def _choices_html(answer: Answer, view: DocumentView) -> str:
    """Render the retrieved passages for the form in which the right one is chosen."""
    choices = "".join(
        f'<li><label><input type="radio" name="passage" value="{number}">'
        f'<span><span class="source">{_passage_name(hit.passage, view)}</span> '
        f"{escape(_excerpt(hit.passage.text))}</span></label></li>"
        for number, hit in enumerate(answer.passages)
    )
    return f'<template class="choices">{choices}</template>'


def _confidence(answer: Answer) -> str:
    words = confidence_words(answer.confidence)
    return words[:1].upper() + words[1:]


def _searched_html(answer: Answer) -> str:
    if answer.query == " ".join(answer.question.split()):
        return ""
    return f'<span class="searched">searched: <q>{escape(answer.query)}</q></span>'


def _cited_words(answer: Answer, view: DocumentView) -> str:
    """Set each citation's number after its quote, or at the end where the answer lacks it."""
    html, trailing, position = [], [], 0
    for number, citation in enumerate(answer.citations, start=1):
        link = _citation_link(number, citation, view)
        found = answer.text.find(citation.quote, position)
        if found < 0:
            trailing.append(link)
            continue
        end = found + len(citation.quote)
        html.append(escape(answer.text[position:end]) + _WORD_JOINER + link)
        position = end
    html.append(escape(answer.text[position:]))
    return "".join(html + trailing)


def _evidence_html(answer: Answer, view: DocumentView) -> str:
    sentences = _by_sentence(answer.citations, 1, view)
    heading = "Evidence" if len(sentences) == 1 else f"Evidence, {len(sentences)} sentences"
    is_open = " open" if len(sentences) <= _N_OPEN_QUOTES else ""
    return (
        f'<details class="evidence"{is_open}><summary>{heading}</summary>'
        f"<ol>{_sentences_html(sentences, view)}</ol></details>"
    )


def _alternatives_html(answer: Answer, view: DocumentView) -> str:
    if not answer.alternatives:
        return ""
    sentences = _by_sentence(answer.alternatives, len(answer.citations) + 1, view)
    return (
        f'<details class="evidence alternatives" open><summary>{ALTERNATIVES}</summary>'
        f"<ol>{_sentences_html(sentences, view)}</ol></details>"
    )


def _by_sentence(
    citations: Sequence[Citation], first_number: int, view: DocumentView
) -> dict[tuple[str, Place], list[tuple[int, Citation]]]:
    sentences: dict[tuple[str, Place], list[tuple[int, Citation]]] = {}
    for number, citation in enumerate(citations, start=first_number):
        place = _sentence(citation, view)
        sentences.setdefault((citation.document_id, place), []).append((number, citation))
    return sentences


def _sentences_html(
    sentences: Mapping[tuple[str, Place], Sequence[tuple[int, Citation]]], view: DocumentView
) -> str:
    return "".join(
        f'<li><span class="numbers">{_links(cited, view)}</span>'
        f"<blockquote>{_marked(document_id, place, cited, view)}</blockquote>"
        f"{_source(document_id, place, view)}</li>"
        for (document_id, place), cited in sentences.items()
    )


def _sentence(citation: Citation, view: DocumentView) -> Place:
    text = view.documents[citation.document_id].text
    passage = text[citation.passage_start : citation.passage_end]
    start, end = sentence_around(citation, passage)
    return Place(citation.passage_start + start, citation.passage_start + end)


def _links(cited: Iterable[tuple[int, Citation]], view: DocumentView) -> str:
    return "".join(_citation_link(number, citation, view) for number, citation in cited)


def _source(document_id: str, place: Place, view: DocumentView) -> str:
    location = view.documents[document_id].location(place.start)
    where = escape(location) or f"paragraph {view.passage_number(document_id, place.start)}"
    name = f"{escape(document_id)}, " if len(view.documents) > 1 or location else ""
    return f'<p class="source">{name}{where}</p>'


def _marked(
    document_id: str, place: Place, cited: Sequence[tuple[int, Citation]], view: DocumentView
) -> str:
    """Render a sentence with its quoted words marked; overlapping quotes are marked once."""
    text = view.documents[document_id].text
    html, position = [], place.start
    for _, citation in sorted(cited, key=lambda item: item[1].start):
        start = max(citation.start, position)
        if start < citation.end:
            html.append(escape(text[position:start]))
            html.append(f"<mark>{escape(text[start : citation.end])}</mark>")
            position = citation.end
    html.append(escape(text[position : place.end]))
    return "".join(html)


def _citation_link(number: int, citation: Citation, view: DocumentView) -> str:
    place = Place(citation.start, citation.end)
    passage = view.passage_number(citation.document_id, citation.start)
    return (
        f'<a class="cite" {_target(citation.document_id, place, passage)} '
        f'aria-label="Quote {number}, in paragraph {passage}">[{number}]</a>'
    )


def _passage_link(passage: Passage, view: DocumentView) -> str:
    number = view.passage_number(passage.document_id, passage.start)
    target = _target(passage.document_id, Place(passage.start, passage.end), number)
    return f'<a class="near" {target}>{_passage_name(passage, view)}</a>'


def _passage_name(passage: Passage, view: DocumentView) -> str:
    number = view.passage_number(passage.document_id, passage.start)
    name = f"{escape(passage.document_id)}, " if len(view.documents) > 1 else ""
    return f"{name}paragraph {number}"


def _target(document_id: str, place: Place, passage: int) -> str:
    return (
        f'href="#passage-{passage}" data-document="{escape(document_id)}" '
        f'data-start="{place.start}" data-end="{place.end}"'
    )


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    if len(words) <= _EXCERPT_LENGTH:
        return words
    return words[:_EXCERPT_LENGTH].rsplit(" ", 1)[0] + " …"
