"""Vectors and texts in any number, drawn around a few thousand real ones."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.reader.squad import load_articles
from index.embedding import FloatArray, SentenceEncoder
from tests.benchmarks.speed import ROOT

WORK = ROOT / "build" / "scale"
FILES = (
    "squad11_train_44articles",
    "squad20_dev_16articles",
    "squadshifts_new_wiki",
    "squad11_dev_13articles",
)
N_PARAGRAPHS = 5400
N_QUERIES = 300
N_WORDS = 60
BLOCK = 20_000
N_DRAWN = 1_000_000


class DrawnEncoder:
    """Embeds nothing: it knows the vectors of the real questions."""

    name = fingerprint = "drawn"

    def __init__(self) -> None:
        _, questions = json.loads((WORK / "texts.json").read_text())
        self.vectors = dict(zip(questions, np.load(WORK / "questions.npy"), strict=True))
        self.dim = len(self.vectors[questions[0]])

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([self.vectors[text] for text in texts])


def paragraphs(data: Path) -> tuple[list[str], list[str]]:
    """Read passages of 60 words, and questions that are asked of every second of them."""
    found = {
        paragraph.text: paragraph.items[0].question
        for file in FILES
        for article in load_articles(data / f"{file}.json.gz").values()
        for paragraph in article
        if paragraph.items
    }
    numbered = list(enumerate(list(found.items())[:N_PARAGRAPHS]))
    passages = [
        " ".join(text.split()[:N_WORDS]) for number, (text, _) in numbered if number % 3 < 2
    ]
    return passages, [question for number, (_, question) in numbered if number % 3 == 0]


def prepare(data: Path) -> None:
    """Embed passages and questions where that was not done before, and write both down."""
    WORK.mkdir(parents=True, exist_ok=True)
    passages, questions = paragraphs(data)
    (WORK / "texts.json").write_text(json.dumps([passages, questions]))
    if not (WORK / "passages.npy").exists():
        encoder = SentenceEncoder()
        np.save(WORK / "questions.npy", encoder.encode_queries(questions))
        np.save(WORK / "passages.npy", encoder.encode_passages(passages))


def unit(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


class Neighbourhoods:
    """Draws vectors around real ones.

    Weights of a vector and its eight nearest, most of them small, and three tenths of noise with
    the covariance of the differences of neighbours: chosen so that, from one half of the real
    vectors, the other half and as many drawn around it look alike.
    """

    def __init__(self, vectors: FloatArray, n_neighbours: int = 8) -> None:
        similar = vectors @ vectors.T
        np.fill_diagonal(similar, -2)
        self.vectors = vectors
        self.nearest = np.argsort(-similar, axis=1)[:, :n_neighbours]
        differences = (vectors[self.nearest] - vectors[:, None]).reshape(-1, vectors.shape[1])
        values, directions = np.linalg.eigh(differences.T @ differences / len(differences))
        self.spread = (directions * np.sqrt(np.maximum(values, 0))).T.astype(np.float32)

    def draw(self, n: int, generator: np.random.Generator) -> FloatArray:
        chosen = generator.integers(0, len(self.vectors), n)
        n_neighbours = self.nearest.shape[1]
        weights = generator.dirichlet([1.0] + [0.1] * n_neighbours, n).astype(np.float32)
        mixed = self.vectors[chosen] * weights[:, :1]
        for number in range(n_neighbours):
            neighbours = self.vectors[self.nearest[chosen, number]]
            mixed += neighbours * weights[:, number + 1 : number + 2]
        noise = generator.standard_normal(mixed.shape, dtype=np.float32) @ self.spread
        return unit(unit(mixed) + np.float32(0.3) * noise)


def vectors(n: int) -> FloatArray:
    """Map the first n drawn vectors; all are drawn into a file where that was not done before."""
    file = WORK / f"vectors-{N_DRAWN}.npy"
    if not file.exists():
        source, generator = Neighbourhoods(np.load(WORK / "passages.npy")), np.random.default_rng(1)
        partial, shape = file.with_suffix(".partial"), (N_DRAWN, source.vectors.shape[1])
        drawn = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=shape)
        for first in range(0, len(drawn), BLOCK):
            drawn[first : first + BLOCK] = source.draw(BLOCK, generator)[: len(drawn) - first]
        drawn.flush()
        partial.rename(file)
    found: FloatArray = np.load(file, mmap_mode="r")[:n]
    return found


def queries() -> FloatArray:
    """Read real questions, evenly taken."""
    found: FloatArray = np.load(WORK / "questions.npy")
    return np.ascontiguousarray(found[:: len(found) // N_QUERIES][:N_QUERIES])


def nearest(base: FloatArray, asked: FloatArray, k: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """Compare every query with every vector, block by block."""
    scores = np.empty((len(asked), 0), dtype=np.float32)
    rows = np.empty((len(asked), 0), dtype=np.int64)
    for first in range(0, len(base), BLOCK):
        found = asked @ base[first : first + BLOCK].T
        numbers = np.broadcast_to(np.arange(first, first + found.shape[1]), found.shape)
        scores, rows = np.hstack([scores, found]), np.hstack([rows, numbers])
        best = np.argsort(-scores, axis=1)[:, :k]
        scores = np.take_along_axis(scores, best, axis=1)
        rows = np.take_along_axis(rows, best, axis=1)
    return scores, rows


def texts(n: int) -> list[str]:
    """Draw texts of 60 words by the frequencies of the real ones.

    One word in fifty is none of them: as texts grow in number, words go on to appear.
    """
    passages, _ = json.loads((WORK / "texts.json").read_text())
    counts = Counter(word for text in passages for word in re.findall(r"\w+", text.lower()))
    words, weights = list(counts), np.cumsum(list(counts.values())) / counts.total()
    generator, drawn = np.random.default_rng(2), []
    for first in range(0, n, BLOCK):
        shape = (min(BLOCK, n - first), N_WORDS)
        chosen = np.searchsorted(weights, generator.random(shape)).tolist()
        rare = np.exp(generator.uniform(0, np.log(2e6), shape)).astype(int)
        rare[generator.random(shape) > 1 / 50] = 0
        for row, others in zip(chosen, rare.tolist(), strict=True):
            pairs = zip(row, others, strict=True)
            drawn.append(" ".join(f"name{new}" if new else words[old] for old, new in pairs))
    return drawn


def crowding(scores: FloatArray) -> str:
    """Say how near the neighbours are, and of how many dimensions (Levina and Bickel 2004)."""
    distances = np.sqrt(np.maximum(2 - 2 * scores[:, :20], 1e-9))
    dims = -1 / np.log(distances[:, :-1] / distances[:, -1:]).mean(axis=1)
    first, tenth = np.median(scores[:, 0]), np.median(scores[:, 9])
    return f"{first:.2f} | {tenth:.2f} | {np.median(dims):.0f}"


def likeness() -> str:
    """Compare drawn vectors with real ones, from held-out passages and from questions."""
    real = np.load(WORK / "passages.npy")
    real = real[np.random.default_rng(3).permutation(len(real))]
    half, others = np.array_split(real, 2)
    drawn = Neighbourhoods(half).draw(len(half), np.random.default_rng(4))
    lines = ["| neighbours of | among | 1st | 10th | local dimension |", "|---|---|---|---|---|"]
    for asked, name in ((others, "held-out passages"), (queries(), "questions")):
        for base, kind in ((half, f"{len(half):,} real"), (drawn, f"{len(drawn):,} drawn")):
            lines.append(f"| {name} | {kind} | {crowding(nearest(base, asked, 20)[0])} |")
    million = crowding(nearest(vectors(N_DRAWN), queries(), 20)[0])
    lines.append(f"| questions | {N_DRAWN:,} drawn | {million} |")
    return "\n".join(lines)
