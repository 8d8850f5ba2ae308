"""Training pairs of the span reader, made from SQuAD 2.0 files.

Question-answering sets become pairs of a question and one passage, with the answer's offsets or
none.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import bm25s
import numpy as np

from bot.reader.squad import Item, Paragraph, load_articles
from bot.reader.written import written_articles, written_questions
from corpus.sentences import split_sentences

# Questions drawn from each set for a round; None takes all. Policies, single sentences, reviews and
# stories are far from what the bot reads, so fewer of them are taken.
_SETS: dict[str, int | None] = {
    "squad11_train_44articles": None,
    "squad11_train_sample": None,
    "squad11_dev_13articles": None,
    "squadshifts_new_wiki": None,
    "natural_questions_qed": 700,
    "squadshifts_reddit": 500,
    "squadshifts_amazon_reviews": 400,
    "policyqa_dev": 80,
    "policyqa_test": 80,
    "qamr_dev": 150,
    "qamr_test": 150,
    "fairytaleqa_train": 100,
}
_REAL_QUESTIONS_SET = Path("retrieval") / "natural_questions_2600passages.json.gz"
_WRITTEN_ARTICLE_QUESTIONS = 9000
_ADVERSARIAL_SET = "squad20_dev_16articles"
DEVELOPMENT_ARTICLES = frozenset({"Force", "Packet_switching", "Scottish_Parliament"})

_HARD_NEGATIVE_SHARE = 0.3
_ALTERED_SHARE = 0.2  # about half of the questions hold nothing to alter
_WITHOUT_ANSWER_SHARE = 0.15
_CUT_SHARE = 0.5
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
_OPPOSITES = (
    "first last|largest smallest|biggest smallest|highest lowest|most least|more fewer|more less|"
    "oldest youngest|oldest newest|longest shortest|earliest latest|best worst|before after|"
    "north south|east west|northern southern|eastern western|increase decrease|rise fall|"
    "increased decreased|won lost|win lose|winner loser|began ended|begin end|start stop|"
    "started stopped|joined left|join leave|accepted refused|allowed forbidden|allow forbid|"
    "support oppose|supported opposed|agreed disagreed|agree disagree|built destroyed|male female|"
    "men women|man woman|father mother|son daughter|king queen|husband wife|rich poor|old new|"
    "old young|early late|high low|large small|major minor|upper lower|maximum minimum|"
    "buy sell|bought sold|import export|public private|positive negative|internal external|"
    "ancient modern|born died|arrived departed|gained lost|always never|with without|"
    "true false|strong weak|easy difficult|common rare|successful unsuccessful|inside outside"
)
_OPPOSITE: dict[str, list[str]] = {}
for _pair in _OPPOSITES.split("|"):
    _left, _right = _pair.split()
    _OPPOSITE.setdefault(_left, []).append(_right)
    _OPPOSITE.setdefault(_right, []).append(_left)
_OPPOSITE_WORD = re.compile(rf"\b(?:{'|'.join(_OPPOSITE)})\b")
_NEGATABLE = re.compile(r"\b(?:did|does|do|was|were|is|are|could|has|have|had)\b")


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


def training_pairs(folder: Path, rng: np.random.Generator) -> list[Pair]:
    """Make the training pairs of one round, in an order that means nothing.

    Args:
        folder: The gzipped SQuAD 2.0 files; beside it lies the folder `retrieval`.
        rng: Draws samples, negatives, alterations, cuts and noise.
    """
    pairs: list[Pair] = []
    for name, limit in _SETS.items():
        articles = load_articles(folder / f"{name}.json.gz")
        pairs += pairs_of(sampled(pools(articles.values()), limit, rng), rng)
        pairs += pairs_of(pools(written_questions(articles.values())), rng)
    real = _real_questions(folder.parent / _REAL_QUESTIONS_SET)
    pairs += pairs_of([real], rng, hard_negative_share=1.0)
    adversarial = split_by_article(load_articles(folder / f"{_ADVERSARIAL_SET}.json.gz"))[0]
    pairs += pairs_of(list(adversarial.values()), rng)
    pairs += pairs_of(sampled(written_articles(), _WRITTEN_ARTICLE_QUESTIONS, rng), rng)
    return [noisy(cut(pair, rng), rng) for pair in pairs]


def _real_questions(file: Path) -> list[Paragraph]:
    """Read what people typed into a search engine: one pool, so that negatives are near."""
    return [paragraph for paragraphs in load_articles(file).values() for paragraph in paragraphs]


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


def pairs_of(
    pools: list[list[Paragraph]],
    rng: np.random.Generator,
    *,
    hard_negative_share: float = _HARD_NEGATIVE_SHARE,
) -> list[Pair]:
    """Make gold pairs, hard negatives and questions altered until nothing answers them."""
    pairs: list[Pair] = []
    for pool in pools:
        pairs += [_gold_pair(item, p.text, rng) for p in pool for item in p.items]
        pairs += hard_negatives(pool, rng, hard_negative_share)
        pairs += altered_questions(pool, rng)
        pairs += without_answers(pool, rng)
    return pairs


def _gold_pair(item: Item, text: str, rng: np.random.Generator | None = None) -> Pair:
    if not item.answers:
        return Pair(item.question, text)
    votes = Counter(item.answers).most_common()
    best = [answer for answer, n in votes if n == votes[0][1]]
    start, answer = best[0 if rng is None else int(rng.integers(len(best)))]
    accepted = tuple(dict.fromkeys(text for _, text in item.answers))
    return Pair(item.question, text, start, start + len(answer), accepted)


def hard_negatives(
    pool: list[Paragraph], rng: np.random.Generator, share: float = _HARD_NEGATIVE_SHARE
) -> list[Pair]:
    """Ask questions of similar paragraphs that hold none of their answers.

    The paragraph is drawn from the three best by BM25; a part of the questions gets none.
    """
    asked = [
        (row, item)
        for row, paragraph in enumerate(pool)
        for item in paragraph.items
        if item.answers and rng.random() < share
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


def altered_questions(pool: list[Paragraph], rng: np.random.Generator) -> list[Pair]:
    """Alter questions until their passage no longer answers them.

    A year, number, month or name is exchanged for another, of the same passage or of another one; a
    word for its opposite; or the question is negated.
    """
    texts = "\n".join(paragraph.text for paragraph in pool)
    others = {kind: sorted(set(p.findall(texts))) for kind, p in _SWAPPABLE.items()}
    pairs = []
    for paragraph in pool:
        for item in paragraph.items:
            if item.answers and rng.random() < _ALTERED_SHARE:
                way = rng.random()
                if way < 0.75:
                    question = _swapped(item, paragraph.text, others, rng)
                else:
                    question = _opposed(item.question, rng, negate=way > 0.9)
                if question:
                    pairs.append(Pair(question, paragraph.text))
    return pairs


def _swapped(
    item: Item, passage: str, others: dict[str, list[str]], rng: np.random.Generator
) -> str | None:
    found = [(kind, m) for kind, p in _SWAPPABLE.items() for m in p.finditer(item.question)]
    if not found:
        return None
    kind, match = found[int(rng.integers(len(found)))]
    if rng.random() < 0.5:
        candidates = sorted(set(_SWAPPABLE[kind].findall(passage)))
        taken = "\n".join([item.question, *(text for _, text in item.answers)]).lower()
    else:
        candidates = others[kind]
        taken = f"{passage}\n{item.question}".lower()
    free = [other for other in candidates if other.lower() not in taken]
    if not free:
        return None
    return _replaced(item.question, match, free[int(rng.integers(len(free)))])


def _opposed(question: str, rng: np.random.Generator, *, negate: bool) -> str | None:
    match = (_NEGATABLE if negate else _OPPOSITE_WORD).search(question)
    if match is None:
        return None
    if negate:
        return _replaced(question, match, f"{match[0]}n't")
    opposites = _OPPOSITE[match[0]]
    return _replaced(question, match, opposites[int(rng.integers(len(opposites)))])


def _replaced(text: str, match: re.Match[str], new: str) -> str:
    return text[: match.start()] + new + text[match.end() :]


def without_answers(pool: list[Paragraph], rng: np.random.Generator) -> list[Pair]:
    """Ask questions of their own paragraph, less the sentence that answers."""
    pairs = []
    for paragraph in pool:
        sentences = split_sentences(paragraph.text)
        if len(sentences) < 3:
            continue
        for item in paragraph.items:
            if item.answers and rng.random() < _WITHOUT_ANSWER_SHARE:
                start, end = next((s, e) for s, e in sentences if e > item.answers[0][0])
                rest = paragraph.text[:start] + paragraph.text[end:].lstrip()
                if not any(text.lower() in rest.lower() for _, text in item.answers):
                    pairs.append(Pair(item.question, rest.strip()))
    return pairs


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
