"""Which fusion of vectors and BM25 finds passages best: the table behind `IndexSettings`.

python -m tests.benchmarks.fusion DATA, where DATA holds `retrieval/cranfield`,
`retrieval/natural_questions_2600passages.json.gz` and `reading/squad20_dev_16articles.json.gz`.
"""

import argparse
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.questions import load_questions
from corpus.loaders import load_documents, shipped_documents
from corpus.passages import split_document
from index.embedding import FloatArray, SentenceEncoder
from index.fusion import convex_fusion
from index.lexical import LexicalIndex
from index.metrics import ndcg_at_k, reciprocal_rank

RRF_CONSTANT = 60
DENSE_WEIGHTS = (0.5, 0.6, 0.7, 0.8, 0.9)
QUESTION_SET = shipped_documents().parent / "questions" / "silent-observer.jsonl"


@dataclass(frozen=True)
class Task:
    """Passages, and questions with the rows that are relevant to each."""

    passages: Sequence[str]
    questions: Sequence[tuple[str, frozenset[int]]]


def read_gzip(path: Path) -> str:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return stream.read()


def cranfield(folder: Path) -> Task:
    rows = [json.loads(line) for line in read_gzip(folder / "corpus.jsonl.gz").splitlines()]
    numbers = {row["_id"]: number for number, row in enumerate(rows)}
    relevant: dict[str, set[int]] = {}
    for line in read_gzip(folder / "qrels.tsv.gz").splitlines():
        query, *_, document, code = line.split("\t")
        if code.lstrip("-").isdigit() and int(code) > 0 and document in numbers:
            relevant.setdefault(query, set()).add(numbers[document])
    queries = [json.loads(line) for line in read_gzip(folder / "queries.jsonl.gz").splitlines()]
    return Task(
        [f"{row.get('title', '')} {row['text']}".strip() for row in rows],
        [
            (query["text"], frozenset(relevant[query["_id"]]))
            for query in queries
            if query["_id"] in relevant
        ],
    )


def squad(file: Path, *, by_article: bool) -> Iterator[Task]:
    """Yield the answerable questions of a SQuAD file, with one pool of paragraphs or one each."""
    articles = json.loads(read_gzip(file))["data"]
    for pool in [[article] for article in articles] if by_article else [articles]:
        paragraphs = [paragraph for article in pool for paragraph in article["paragraphs"]]
        yield Task(
            [paragraph["context"] for paragraph in paragraphs],
            [
                (question["question"], frozenset({row}))
                for row, paragraph in enumerate(paragraphs)
                for question in paragraph["qas"]
                if question["answers"]
            ],
        )


def shipped(encoder: SentenceEncoder) -> Task:
    (document,) = load_documents(shipped_documents())
    passages = split_document(
        document, count_tokens=encoder.count_tokens, max_tokens=encoder.max_tokens
    )
    questions = [
        (
            question.text,
            frozenset(
                row
                for row, passage in enumerate(passages)
                if any(
                    place.start < passage.end and passage.start < place.end
                    for place in question.evidence
                )
            ),
        )
        for question in load_questions(QUESTION_SET)
        if question.evidence and question.follows is None
    ]
    return Task([passage.searchable_text for passage in passages], questions)


def reciprocal_rank_fusion(dense: FloatArray, lexical: FloatArray) -> FloatArray:
    """Fuse by rank alone (Cormack, Clarke and Buettcher 2009)."""
    fused = np.zeros_like(dense)
    for scores in (dense, lexical):
        order = np.argsort(-scores, kind="stable")
        found = order[scores[order] > 0] if scores is lexical else order
        fused[found] += 1 / (RRF_CONSTANT + np.arange(1, len(found) + 1))
    return fused


def fusions(dense: FloatArray, lexical: FloatArray) -> Iterator[tuple[str, FloatArray]]:
    yield "vectors alone", dense
    yield "BM25 alone", lexical
    yield f"reciprocal rank, k={RRF_CONSTANT}", reciprocal_rank_fusion(dense, lexical)
    for weight in DENSE_WEIGHTS:
        yield f"convex, {weight:g} vectors", convex_fusion(dense, lexical, dense_weight=weight)


def measure(tasks: Sequence[Task], encoder: SentenceEncoder) -> dict[str, FloatArray]:
    """Average recall@1, recall@5, MRR@100 and nDCG@10 over all questions, by fusion."""
    sums: dict[str, FloatArray] = {}
    n_questions = 0
    for task in tasks:
        passages = encoder.encode_passages(task.passages)
        queries = encoder.encode_queries([text for text, _ in task.questions])
        lexical = LexicalIndex.build(task.passages)
        n_questions += len(task.questions)
        for (text, relevant), query in zip(task.questions, queries, strict=True):
            for name, scores in fusions(passages @ query, lexical.scores(text)):
                ranked = np.argsort(-scores, kind="stable")[:100].tolist()
                figures = [
                    float(bool(relevant & set(ranked[:1]))),
                    float(bool(relevant & set(ranked[:5]))),
                    reciprocal_rank(ranked, relevant),
                    ndcg_at_k(ranked, dict.fromkeys(relevant, 1.0), 10),
                ]
                sums[name] = sums.get(name, np.zeros(4, dtype=np.float32)) + np.array(figures)
    return {name: np.asarray(total / n_questions, dtype=np.float32) for name, total in sums.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    encoder = SentenceEncoder()
    questions = data / "retrieval" / "natural_questions_2600passages.json.gz"
    reading = data / "reading" / "squad20_dev_16articles.json.gz"
    sets = {
        "Natural Questions, 2,600 passages": list(squad(questions, by_article=False)),
        "SQuAD 2.0 dev, each of 16 articles": list(squad(reading, by_article=True)),
        "Cranfield": [cranfield(data / "retrieval" / "cranfield")],
        "the shipped document's question set": [shipped(encoder)],
    }
    for name, tasks in sets.items():
        n_questions = sum(len(task.questions) for task in tasks)
        print(f"\n| {name} ({n_questions:,} questions) | R@1 | R@5 | MRR | nDCG@10 |")
        print("|---|---|---|---|---|")
        for fusion, figures in measure(tasks, encoder).items():
            print(f"| {fusion} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")


if __name__ == "__main__":
    main()
