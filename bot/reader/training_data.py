"""Training pairs of the span reader, made from SQuAD 2.0 files.

Question-answering sets become pairs of a question and one passage, with the answer's offsets or
none.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import bm25s
import numpy as np

from corpus.sentences import split_sentences

# Questions taken from each set; None takes all. Policies, single sentences and stories are far from
# what the bot reads, so they are sampled.
_SETS: dict[str, int | None] = {
    "squad11_train_44articles": None,
    "squad11_train_sample": None,
    "squad11_dev_13articles": None,
    "squadshifts_new_wiki": None,
    "natural_questions_qed": None,
    "squadshifts_reddit": 4000,
    "squadshifts_amazon_reviews": 4000,
    "policyqa_dev": 1250,
    "policyqa_test": 1250,
    "qamr_dev": 3000,
    "qamr_test": 3000,
    "fairytaleqa_train": 1500,
}
_ADVERSARIAL_SET = "squad20_dev_16articles"
_ADVERSARIAL_REPEATS = 2
DEVELOPMENT_ARTICLES = frozenset(
    {"Force", "Huguenot", "Imperialism", "Packet_switching", "Scottish_Parliament"}
)

_HARD_NEGATIVE_SHARE = 0.6
_SWAP_SHARE = 0.2  # about half of the questions hold nothing to swap
_CUT_SHARE = 0.35
_NOISE_SHARE = 0.1
_POOL_PARAGRAPHS = 200
_CUT_FROM_WORDS = 60
_MIN_CUT_WORDS = 12

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_SWAPPABLE = {
    "year": re.compile(r"\b(?:1\d{3}|20\d\d)\b"),
    "month": re.compile(rf"\b(?:{_MONTHS})\b"),
    "number": re.compile(r"\b(?!(?:1\d{3}|20\d\d)\b)\d+(?:[.,]\d+)*\b"),
    # Behind a lower-case letter or a comma, so that the first word of a sentence is none.
    "name": re.compile(rf"(?<=[a-z,] )(?!(?:{_MONTHS})\b)[A-Z][a-z]+(?: [A-Z][a-z]+)*\b"),
}


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


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and one passage to read for it.

    Attributes:
        question: The question.
        passage: The passage.
        start: Offset of the answer in the passage; -1 when the passage does not answer.
        end: Offset after the answer; -1 when the passage does not answer.
        answers: All accepted answers; empty when the passage does not answer.
    """

    question: str
    passage: str
    start: int = -1
    end: int = -1
    answers: tuple[str, ...] = ()


def load_articles(file: Path) -> dict[str, list[Paragraph]]:
    """Read a gzipped SQuAD 2.0 file as paragraphs by article title."""
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        articles = json.load(stream)["data"]
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


def training_pairs(folder: Path, rng: np.random.Generator) -> list[Pair]:
    """Make all training pairs, in an order that means nothing.

    Args:
        folder: The gzipped SQuAD 2.0 files.
        rng: Draws samples, negatives, cuts and noise.
    """
    pairs: list[Pair] = []
    for name, limit in _SETS.items():
        articles = load_articles(folder / f"{name}.json.gz")
        pairs += pairs_of(sampled(pools(articles.values()), limit, rng), rng)
    adversarial = split_by_article(load_articles(folder / f"{_ADVERSARIAL_SET}.json.gz"))[0]
    for _ in range(_ADVERSARIAL_REPEATS):
        pairs += pairs_of(list(adversarial.values()), rng)
    return [noisy(cut(pair, rng), rng) for pair in pairs]


def development_pairs(folder: Path) -> list[Pair]:
    """Make the pairs of the held-back articles: each question with its own, whole paragraph."""
    return [
        _gold_pair(item, paragraph.text)
        for paragraphs in development_articles(folder).values()
        for paragraph in paragraphs
        for item in paragraph.items
    ]


def development_articles(folder: Path) -> dict[str, list[Paragraph]]:
    """Read the articles that are held back from training."""
    return split_by_article(load_articles(folder / f"{_ADVERSARIAL_SET}.json.gz"))[1]


def split_by_article(
    articles: dict[str, list[Paragraph]],
) -> tuple[dict[str, list[Paragraph]], dict[str, list[Paragraph]]]:
    """Split the adversarial set into training and development articles."""
    training = {t: p for t, p in articles.items() if t not in DEVELOPMENT_ARTICLES}
    return training, {t: p for t, p in articles.items() if t in DEVELOPMENT_ARTICLES}


def pools(articles: Iterable[list[Paragraph]]) -> list[list[Paragraph]]:
    """Group paragraphs for the search of negatives.

    An article is a pool of its own, but very small ones are put together and very large ones cut.
    """
    found: list[list[Paragraph]] = []
    loose: list[Paragraph] = []
    for paragraphs in articles:
        if len(paragraphs) < 10:
            loose += paragraphs
        elif len(paragraphs) > 2 * _POOL_PARAGRAPHS:
            found += _chunks(paragraphs)
        else:
            found.append(paragraphs)
    return found + _chunks(loose)


def _chunks(paragraphs: list[Paragraph]) -> list[list[Paragraph]]:
    return [
        paragraphs[first : first + _POOL_PARAGRAPHS]
        for first in range(0, len(paragraphs), _POOL_PARAGRAPHS)
    ]


def sampled(
    pools: list[list[Paragraph]], limit: int | None, rng: np.random.Generator
) -> list[list[Paragraph]]:
    """Keep at most `limit` questions, drawn evenly; all paragraphs stay, as possible negatives."""
    total = sum(len(paragraph.items) for pool in pools for paragraph in pool)
    if limit is None or total <= limit:
        return pools
    keep = np.zeros(total, dtype=bool)
    keep[rng.choice(total, limit, replace=False)] = True
    flags = iter(keep)
    return [
        [replace(p, items=tuple(item for item in p.items if next(flags))) for p in pool]
        for pool in pools
    ]


def pairs_of(pools: list[list[Paragraph]], rng: np.random.Generator) -> list[Pair]:
    """Make gold pairs, hard negatives and questions altered until nothing answers them."""
    pairs: list[Pair] = []
    for pool in pools:
        pairs += [_gold_pair(item, p.text, rng) for p in pool for item in p.items]
        pairs += hard_negatives(pool, rng)
        pairs += swapped_questions(pool, rng)
    return pairs


def _gold_pair(item: Item, text: str, rng: np.random.Generator | None = None) -> Pair:
    if not item.answers:
        return Pair(item.question, text)
    votes = Counter(item.answers).most_common()
    best = [answer for answer, n in votes if n == votes[0][1]]
    start, answer = best[0 if rng is None else int(rng.integers(len(best)))]
    accepted = tuple(dict.fromkeys(text for _, text in item.answers))
    return Pair(item.question, text, start, start + len(answer), accepted)


def hard_negatives(pool: list[Paragraph], rng: np.random.Generator) -> list[Pair]:
    """Ask questions of similar paragraphs that hold none of their answers.

    The paragraph is drawn from the three best by BM25; a part of the questions gets none.
    """
    asked = [
        (row, item)
        for row, paragraph in enumerate(pool)
        for item in paragraph.items
        if item.answers and rng.random() < _HARD_NEGATIVE_SHARE
    ]
    if len(pool) < 2 or not asked:
        return []
    searcher = bm25s.BM25()
    searcher.index([_words(paragraph.text) for paragraph in pool], show_progress=False)
    queries = [_words(item.question) or ["?"] for _, item in asked]
    ranked = searcher.retrieve(queries, k=min(10, len(pool)), show_progress=False)
    pairs = []
    for (own, item), rows in zip(asked, ranked.documents, strict=True):
        wanted = [text.lower() for _, text in item.answers]
        free = [
            pool[row].text
            for row in rows
            if row != own and not any(text in pool[row].text.lower() for text in wanted)
        ][:3]
        if free:
            pairs.append(Pair(item.question, free[int(rng.integers(len(free)))]))
    return pairs


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def swapped_questions(pool: list[Paragraph], rng: np.random.Generator) -> list[Pair]:
    """Put another year, number, month or name into questions, one that the passage lacks."""
    texts = "\n".join(paragraph.text for paragraph in pool)
    others = {kind: sorted(set(p.findall(texts))) for kind, p in _SWAPPABLE.items()}
    pairs = []
    for paragraph in pool:
        for item in paragraph.items:
            if item.answers and rng.random() < _SWAP_SHARE:
                question = _swapped(item.question, paragraph.text, others, rng)
                if question:
                    pairs.append(Pair(question, paragraph.text))
    return pairs


def _swapped(
    question: str, passage: str, others: dict[str, list[str]], rng: np.random.Generator
) -> str | None:
    found = [(kind, m) for kind, p in _SWAPPABLE.items() for m in p.finditer(question)]
    if not found:
        return None
    kind, match = found[int(rng.integers(len(found)))]
    absent = f"{passage}\n{question}".lower()
    free = [other for other in others[kind] if other.lower() not in absent]
    if not free:
        return None
    return question[: match.start()] + free[int(rng.integers(len(free)))] + question[match.end() :]


def cut(pair: Pair, rng: np.random.Generator) -> Pair:
    """Cut some long passages to one to four consecutive sentences that hold the answer."""
    if len(pair.passage.split()) < _CUT_FROM_WORDS or rng.random() >= _CUT_SHARE:
        return pair
    sentences = split_sentences(pair.passage)
    if pair.start < 0:
        first = last = int(rng.integers(len(sentences)))
    else:
        first = max(i for i, (start, _) in enumerate(sentences) if start <= pair.start)
        last = min(i for i, (_, end) in enumerate(sentences) if end >= pair.end)
    extra = max(0, int(rng.integers(1, 5)) - (last - first + 1))
    before = int(rng.integers(extra + 1))
    first = max(0, first - before)
    last = min(len(sentences) - 1, last + extra - before)
    begin, stop = sentences[first][0], sentences[last][1]
    if len(pair.passage[begin:stop].split()) < _MIN_CUT_WORDS:
        return pair
    shift = begin if pair.start >= 0 else 0
    return replace(
        pair, passage=pair.passage[begin:stop], start=pair.start - shift, end=pair.end - shift
    )


def noisy(pair: Pair, rng: np.random.Generator) -> Pair:
    """Drop question marks, swap straight and curly quotes now and then; offsets stay."""
    question, passage = pair.question, pair.passage
    if rng.random() < _NOISE_SHARE:
        question = question.rstrip(" ?") or question
    if rng.random() < _NOISE_SHARE:
        question = question.translate(str.maketrans("'’", "’'"))
    if rng.random() < _NOISE_SHARE:
        passage = re.sub(r'(^|[\s(])"', r"\1“", passage).replace('"', "”").replace("'", "’")
    return replace(pair, question=question, passage=passage)
