"""Whether the interval that `observer tune` states covers the true rate:

python -m tests.benchmarks.coverage DATA FOLDER

DATA holds `squad20_dev_16articles.json.gz`. Its questions are read once, the best three passages of
their article, into FOLDER/examples.jsonl. Then, again and again, whole paragraphs are drawn as the
question set of a user, `tune` is fitted to them, and the interval that it states is compared with
what its threshold does on all the other questions.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from bot.expectation import Aim, Expectation, expect
from bot.reader.calibration import (
    RETRIEVAL_WEIGHTS,
    Calibration,
    Example,
    fit,
    logistic,
    outcome,
)
from bot.reader.extractive import ExtractiveReader
from bot.reader.squad import load_articles
from bot.resampling import IntArray
from bot.tune import read_examples
from corpus.documents import Document
from index.embedding import SentenceEncoder
from index.passage_index import PassageIndex

SOURCE = "squad20_dev_16articles.json.gz"
N_PASSAGES = 3
SIZE = (100, 301)


def read(data: Path) -> Iterator[dict[str, object]]:
    """Read every question's best passages; the paragraph it was asked of is its group.

    Every fourth paragraph of all articles comes first, so that a part is as mixed as the whole.
    """
    reader, encoder = ExtractiveReader.load(), SentenceEncoder()
    articles = load_articles(data / SOURCE)
    indexes = {
        title: PassageIndex.build(
            [Document.from_text(title, "\n\n".join(part.text for part in paragraphs))],
            encoder=encoder,
        )
        for title, paragraphs in articles.items()
    }
    order = [
        (title, number)
        for first in range(4)
        for title, paragraphs in articles.items()
        for number in range(first, len(paragraphs), 4)
    ]
    for title, number in tqdm(order):
        questions = [
            (item.question, [text for _, text in item.answers])
            for item in articles[title][number].items
        ]
        for example in read_examples(reader, indexes[title], questions, N_PASSAGES):
            yield {
                "group": f"{title} {number}",
                "margins": example.margins.round(4).tolist(),
                "scores": example.scores.round(4).tolist(),
                "f1s": example.f1s.round(4).tolist(),
                "answerable": example.answerable,
            }


def load(file: Path) -> tuple[list[Example], IntArray]:
    """Load what was read, and the group of each question."""
    records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    examples = [
        Example(
            np.array(record["margins"]),
            np.array(record["scores"]),
            np.array(record["f1s"]),
            record["answerable"],
        )
        for record in records
    ]
    return examples, np.unique([record["group"] for record in records], return_inverse=True)[1]


@dataclass(frozen=True)
class Trial:
    """What was stated of one drawn set, and what is true of all other questions."""

    stated: Expectation
    true: float

    @property
    def covered(self) -> bool:
        low, high = self.stated.interval
        return low <= self.true <= high


def trials(
    examples: list[Example], groups: IntArray, aim: Aim, n: int, seed: int = 0
) -> Iterator[Trial]:
    """Tune again and again on sets of between 100 and 300 questions, whole groups of them."""
    rng = np.random.default_rng(seed)
    start = Calibration("")
    members = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    parts = {weight: outcome(examples, weight) for weight in RETRIEVAL_WEIGHTS}
    for _ in range(n):
        drawn = [members[group] for group in rng.permutation(len(members))]
        n_drawn = int(
            np.searchsorted(np.cumsum([len(rows) for rows in drawn]), rng.integers(*SIZE))
        )
        rows = np.concatenate(drawn[: n_drawn + 1])
        numbers = np.repeat(np.arange(n_drawn + 1), [len(part) for part in drawn[: n_drawn + 1]])
        mine = [examples[row] for row in rows.tolist()]
        fitted, _ = fit(start, [mine], aim.threshold)
        part = parts[fitted.retrieval_weight]
        given = logistic(fitted.slope * part.margins + fitted.intercept) >= fitted.threshold
        given[rows] = False
        true = float((given & ~part.right).sum() / max(given.sum(), 1))
        yield Trial(expect(start, mine, numbers, aim), true)


def summary(aim: str, found: list[Trial]) -> str:
    """Return a row of the table."""
    covered = np.mean([trial.covered for trial in found])
    below = np.mean([trial.true < trial.stated.interval[0] for trial in found])
    width = np.median([np.ptp(trial.stated.interval) for trial in found])
    error = np.mean([trial.stated.wrong - trial.true for trial in found])
    true = np.mean([trial.true for trial in found])
    answered = np.mean([trial.stated.answered for trial in found])
    return (
        f"| {aim} | {covered:.3f} | {below:.3f} | {1 - covered - below:.3f} | {width:.3f} "
        f"| {true:.3f} | {error:+.3f} | {answered:.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--aims", nargs="+", default=["f1", "wrong<=0.2", "answered>=0.9"])
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cache = options.folder / "examples.jsonl"
    if not cache.exists():
        options.folder.mkdir(parents=True, exist_ok=True)
        partial = cache.with_suffix(".partial")
        with partial.open("w", encoding="utf-8") as stream:
            for record in read(options.data):
                stream.write(json.dumps(record) + "\n")
        partial.replace(cache)
    examples, groups = load(cache)
    print(f"{len(examples):,} questions in {groups.max() + 1:,} groups, {options.trials} trials")
    print("| aim | covered | true rate below | above | width | true rate | bias | answered |")
    print("|---|---|---|---|---|---|---|---|")
    for aim in options.aims:
        found = list(trials(examples, groups, Aim.parse(aim), options.trials, options.seed))
        print(summary(aim, found), flush=True)


if __name__ == "__main__":
    main()
