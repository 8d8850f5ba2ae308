"""How building, memory and search grow with the number of passages:

python -m tests.benchmarks.scale --data DATA [--sizes N ...] [--output FOLDER]

DATA holds SQuAD files, of which some thousand paragraphs and questions are embedded. A million real
passages would take hours to embed, so as many vectors are drawn around those few: each lies between
a real one and its nearest neighbours, with noise of the shape of their differences. The table shows
how near and how crowded the neighbours of real questions are among real and among drawn vectors of
the same number. Texts are drawn word by word, by the frequencies of the real ones. A whole index
puts both together, ten passages a document.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bot.reader.squad import load_articles
from corpus.documents import Document
from corpus.passages import Passage
from index.approximate import EXACT_UP_TO, ApproximateStore
from index.contents import Contents
from index.embedding import Encoder, FloatArray, SentenceEncoder
from index.lexical import LexicalIndex
from index.passage_index import IndexSettings, PassageIndex
from index.stores import FaissStore, VectorStore
from tests.benchmarks.speed import OFFLINE, ROOT, processor

WORK = ROOT / "build" / "scale"
FILES = (
    "squad11_train_44articles",
    "squad20_dev_16articles",
    "squadshifts_new_wiki",
    "squad11_dev_13articles",
)
N_PARAGRAPHS = 5400
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
N_QUERIES = 300
N_WORDS = 60
N_PASSAGES = 10  # of a document
BLOCK = 20_000
STORES: dict[str, type[VectorStore]] = {"exact": FaissStore, "approximate": ApproximateStore}
Figures = dict[str, float]


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
    file = WORK / f"vectors-{max(SIZES)}.npy"
    if not file.exists():
        source, generator = Neighbourhoods(np.load(WORK / "passages.npy")), np.random.default_rng(1)
        partial, shape = file.with_suffix(".partial"), (max(SIZES), source.vectors.shape[1])
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


def memory(name: str) -> float:
    """Read the MiB that this process holds (VmRSS) or held at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20


def timed(call: Callable[[int], object], n: int, name: str) -> Figures:
    """Measure n calls after some to warm up: wall clock, and processor time beside it."""
    walls, processors = [], []
    for number in [*range(10), *range(n)]:
        wall, processor_time = time.perf_counter(), time.thread_time()
        call(number)
        walls.append(1000 * (time.perf_counter() - wall))
        processors.append(1000 * (time.thread_time() - processor_time))
    return {
        f"{name} p50": float(np.median(walls[10:])),
        f"{name} p95": float(np.quantile(walls[10:], 0.95)),
        f"{name} processor p50": float(np.median(processors[10:])),
    }


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def build_dense(kind: str, n: int) -> Figures:
    base = vectors(n)
    import faiss  # noqa: F401 - its own time and memory are not the index's

    held, began = memory("VmRSS"), time.perf_counter()
    store = STORES[kind].build(base)
    seconds, peak = time.perf_counter() - began, memory("VmHWM") - held
    store.save(fresh(WORK / f"{kind}-{n}"))
    return {"build s": seconds, "build MiB": peak, "files MiB": size(WORK / f"{kind}-{n}")}


def search_dense(kind: str, n: int) -> Figures:
    asked, truth = queries(), np.load(WORK / f"truth-{n}.npy")
    import faiss  # noqa: F401 - as above

    began = time.perf_counter()
    store = STORES[kind].load(WORK / f"{kind}-{n}")
    figures = {"load s": time.perf_counter() - began}
    for k in (10, 100):
        figures |= timed(lambda i, k=k: store.search(asked[i : i + 1], k), len(asked), f"top {k}")  # type: ignore[misc]
        found = store.search(asked, k)[1]
        shared = [len(set(a) & set(b[:k])) for a, b in zip(found, truth, strict=True)]
        figures[f"recall@{k}"] = float(np.mean(shared)) / min(k, n)
    return figures | {"resident MiB": memory("VmRSS")}


def build_words(n: int) -> Figures:
    drawn = texts(n)
    held, began = memory("VmRSS"), time.perf_counter()
    index = LexicalIndex.build(drawn)
    seconds, peak = time.perf_counter() - began, memory("VmHWM") - held
    index.save(fresh(WORK / f"words-{n}"))
    return {"build s": seconds, "build MiB": peak, "files MiB": size(WORK / f"words-{n}")}


def search_words(n: int) -> Figures:
    _, questions = json.loads((WORK / "texts.json").read_text())
    asked = questions[:: len(questions) // N_QUERIES][:N_QUERIES]
    began = time.perf_counter()
    index = LexicalIndex.load(WORK / f"words-{n}", n)
    figures = {"load s": time.perf_counter() - began}
    figures |= timed(lambda i: index.best(asked[i], 100), len(asked), "top 100")
    every = timed(lambda i: np.argsort(-index.scores(asked[i]), kind="stable"), 30, "every row")
    return figures | every | {"resident MiB": memory("VmRSS")}


class DrawnEncoder:
    """Embeds nothing: it knows the vectors of the real questions."""

    name = fingerprint = "drawn"

    def __init__(self) -> None:
        _, questions = json.loads((WORK / "texts.json").read_text())
        self.vectors = dict(zip(questions, np.load(WORK / "questions.npy"), strict=True))
        self.dim = len(self.vectors[questions[0]])

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([self.vectors[text] for text in texts])


def build_whole(n: int) -> Figures:
    drawn = texts(n)
    documents, passages = [], []
    for first in range(0, n, N_PASSAGES):
        own = drawn[first : first + N_PASSAGES]
        documents.append(Document.from_text(f"{first}.txt", "\n\n".join(own)))
        start = 0
        for text in own:
            passages.append(Passage(f"{first}.txt", start, start + len(text), text))
            start += len(text) + 2
    kind = "exact" if n <= EXACT_UP_TO else "approximate"
    index = PassageIndex(
        Contents.of(documents, passages),
        store=STORES[kind].load(WORK / f"{kind}-{n}"),
        lexical=LexicalIndex.load(WORK / f"words-{n}", n),
        encoder=cast(Encoder, DrawnEncoder()),
        settings=IndexSettings(),
    )
    began = time.perf_counter()
    index.save(WORK / f"whole-{n}")
    return {"save s": time.perf_counter() - began, "files MiB": size(WORK / f"whole-{n}")}


def search_whole(n: int) -> Figures:
    import faiss  # noqa: F401 - as above

    encoder = cast(Encoder, DrawnEncoder())
    asked = list(DrawnEncoder().vectors)[::5][:N_QUERIES]
    held, began = memory("VmRSS"), time.perf_counter()
    index = PassageIndex.load(WORK / f"whole-{n}", encoder=encoder)
    figures = {"load s": time.perf_counter() - began, "loaded MiB": memory("VmRSS") - held}
    figures |= timed(lambda i: index.search(asked[i], 10), len(asked), "top 10")
    figures |= timed(lambda i: index.search(asked[i], 100), len(asked), "top 100")
    return figures | {"resident MiB": memory("VmRSS")}


STEPS: dict[str, Callable[[int], Figures]] = {
    "build exact": lambda n: build_dense("exact", n),
    "search exact": lambda n: search_dense("exact", n),
    "build approximate": lambda n: build_dense("approximate", n),
    "search approximate": lambda n: search_dense("approximate", n),
    "build words": build_words,
    "search words": search_words,
    "build whole": build_whole,
    "search whole": search_whole,
}


def measured(step: str, n: int) -> Figures:
    """Run a step in a process of its own, so that its memory is its own."""
    call = [sys.executable, "-m", "tests.benchmarks.scale", "--step", step, "--sizes", str(n)]
    ended = subprocess.run(call, env=OFFLINE, cwd=ROOT, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"{step} {n}: {ended.stderr.strip()}")
    figures: Figures = json.loads(ended.stdout.splitlines()[-1])
    print(step, n, {name: round(value, 3) for name, value in figures.items()}, flush=True)
    return figures


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
    million = crowding(nearest(vectors(max(SIZES)), queries(), 20)[0])
    lines.append(f"| questions | {max(SIZES):,} drawn | {million} |")
    return "\n".join(lines)


def recall_on_real() -> str:
    """Recall of the approximate store on the real vectors alone, by clusters that are scanned."""
    real, asked = np.load(WORK / "passages.npy"), queries()
    truth, store = nearest(real, asked, 10)[1], ApproximateStore.build(real)
    cells = []
    for store.n_probes in (1, 4, 16, ApproximateStore.N_PROBES):
        found = store.search(asked, 10)[1]
        recall = np.mean([len(set(a) & set(b)) for a, b in zip(found, truth, strict=True)]) / 10
        cells.append(f"{recall:.3f} in {store.n_probes}")
    n_clusters = len(store.centroids)
    return f"Recall@10 on the {len(real):,} real vectors alone, {n_clusters} clusters: " + (
        ", ".join(cells) + " clusters scanned."
    )


COLUMNS = {
    "dense": (
        "build s",
        "build MiB",
        "files MiB",
        "load s",
        "resident MiB",
        "top 10 p50",
        "top 10 p95",
        "top 10 processor p50",
        "recall@10",
        "top 100 p50",
        "recall@100",
    ),
    "words": (
        "build s",
        "build MiB",
        "files MiB",
        "load s",
        "resident MiB",
        "top 100 p50",
        "top 100 p95",
        "top 100 processor p50",
        "every row p50",
    ),
    "whole": (
        "save s",
        "files MiB",
        "load s",
        "loaded MiB",
        "resident MiB",
        "top 10 p50",
        "top 10 p95",
        "top 10 processor p50",
    ),
}
Results = dict[str, dict[int, Figures]]


def table(title: str, by_size: dict[int, Figures], columns: Sequence[str]) -> str:
    lines = [f"\n### {title}\n", f"| passages | {' | '.join(columns)} |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for n, figures in by_size.items():
        cells = [f"{figures[column]:.3g}" if column in figures else "" for column in columns]
        lines.append(f"| {n:,} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def plot(results: Results, file: Path) -> None:
    """Draw time and memory to build, and time and memory to search, over the number of passages."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = {
        "build, seconds": "build s",
        "build, MiB beyond the input": "build MiB",
        "search, milliseconds (p50)": "top 100 p50",
        "resident, MiB": "resident MiB",
        "load, seconds": "load s",
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(18, 3.6), layout="constrained")
    colors = {
        "exact": "#adb5bd",
        "approximate": "#0b7285",
        "words": "#e8590c",
        "whole": "#000000",
    }
    for axis, (title, column) in zip(axes, panels.items(), strict=True):
        for kind, by_size in results.items():
            points = [(n, figures[column]) for n, figures in by_size.items() if column in figures]
            if points:
                axis.plot(*zip(*points, strict=True), marker="o", color=colors[kind], label=kind)
        axis.axvline(EXACT_UP_TO, color="grey", linestyle="dotted", linewidth=1)
        axis.set(xscale="log", yscale="log", title=title, xlabel="passages")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False)
    figure.savefig(file, dpi=110)


def main() -> None:
    """Measure, and write scale.md and scale.png."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, help="the folder of SQuAD files")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(STEPS[options.step](options.sizes[0])))
        return
    if not options.data:
        parser.error("--data is needed")
    prepare(options.data)
    results: Results = {"exact": {}, "approximate": {}, "words": {}, "whole": {}}
    for n in options.sizes:
        np.save(WORK / f"truth-{n}.npy", nearest(vectors(n), queries(), 100)[1])
        for kind, by_size in results.items():
            by_size[n] = measured(f"build {kind}", n) | measured(f"search {kind}", n)
        for kind in results:
            shutil.rmtree(WORK / f"{kind}-{n}")
    parts = [
        f"{processor()}; {os.getloadavg()[0]:.1f} programs running at the end. Vectors of 384 "
        "dimensions, drawn around real passages; questions are real. Milliseconds a query; MiB "
        f"beyond the input to build. Exact up to {EXACT_UP_TO:,} passages.\n",
        table("Vectors, exact", results["exact"], COLUMNS["dense"]),
        table("Vectors, approximate", results["approximate"], COLUMNS["dense"]),
        table("BM25", results["words"], COLUMNS["words"]),
        table("Whole index, a question already embedded", results["whole"], COLUMNS["whole"]),
        f"\n### How real the drawn vectors are\n\n{likeness()}\n\n{recall_on_real()}\n",
    ]
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "scale.md").write_text("".join(parts), "utf-8")
    plot(results, options.output / "scale.png")
    print("".join(parts))


if __name__ == "__main__":
    main()
