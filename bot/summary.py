"""What documents are about: their most central sentences, quoted."""

from collections.abc import Collection

import numpy as np

from bot.reader.reading import Span
from corpus.sentences import split_sentences
from index.embedding import FloatArray
from index.passage_index import Hit, PassageIndex

_MAX_PASSAGES = 24
_MIN_WORDS = 8
_RELEVANCE = 0.7


def central_sentences(
    index: PassageIndex, n: int = 4, *, documents: Collection[str] | None = None
) -> list[Span]:
    """Choose the sentences nearest to the whole and unlike each other.

    Sentences come from the passages nearest to the mean of all passages, and are chosen by maximal
    marginal relevance (Carbonell and Goldstein 1998) against that mean. A headline comes first.

    Args:
        index: The documents, taken as one text.
        n: How many sentences; fewer come back from short documents.
        documents: The ids of those to take, or None for all.

    Returns:
        Spans in reading order.
    """
    rows = index.rows_of(documents)
    vectors = index.store.vectors(rows)
    centre = vectors.mean(axis=0)
    centre /= max(float(np.linalg.norm(centre)), 1e-9)
    closeness = vectors @ centre
    nearest = set(np.argsort(-closeness, kind="stable")[:_MAX_PASSAGES].tolist())
    headlines: list[Span] = []
    sentences: list[Span] = []
    framing: list[Span] = []
    for place in sorted(nearest | {0}):
        passage = index.passages[rows[place]]
        hit = Hit(passage=passage, score=float(closeness[place]), rank=1)
        for start, end in split_sentences(passage.text):
            span = Span(hit, passage.start + start, passage.start + end, 0.0)
            title = index.documents[passage.document_id].title
            if place == 0 and title and title in span.text:
                headlines.append(span)
            elif len(span.text.split()) >= _MIN_WORDS:
                (framing if passage.context else sentences).append(span)
    sentences = sentences or framing
    n_chosen = n - len(headlines)
    if len(sentences) > n_chosen:
        embedded = index.encoder.encode_passages([span.text for span in sentences])
        sentences = [sentences[i] for i in _spread(embedded, embedded @ centre, n_chosen)]
    return headlines + sentences


def _spread(vectors: FloatArray, relevance: FloatArray, n: int) -> list[int]:
    """Choose n rows that are relevant and unlike each other, in ascending order."""
    chosen: list[int] = []
    likeness = np.zeros(len(vectors), dtype=np.float32)
    for _ in range(n):
        scores = _RELEVANCE * relevance - (1 - _RELEVANCE) * likeness
        scores[chosen] = -np.inf
        chosen.append(int(scores.argmax()))
        likeness = np.maximum(likeness, vectors @ vectors[chosen[-1]])
    return sorted(chosen)
