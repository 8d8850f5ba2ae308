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
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from corpus.documents import Document
from corpus.passages import Passage
from index.approximate import EXACT_UP_TO, ApproximateStore
from index.contents import Contents
from index.embedding import Encoder
from index.lexical import LexicalIndex
from index.passage_index import IndexSettings, PassageIndex
from index.stores import FaissStore, VectorStore
from tests.benchmarks.drawn import (
    N_DRAWN,
    N_QUERIES,
    WORK,
    DrawnEncoder,
    likeness,
    nearest,
    prepare,
    queries,
    texts,
    vectors,
)
from tests.benchmarks.speed import OFFLINE, ROOT, processor

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, N_DRAWN)
N_PASSAGES = 10  # of a document
STORES: dict[str, type[VectorStore]] = {"exact": FaissStore, "approximate": ApproximateStore}
Figures = dict[str, float]


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
    handles, labels = axes[2].get_legend_handles_labels()
    axes[0].legend(handles, labels, frameon=False)
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
