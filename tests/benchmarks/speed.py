"""How fast the bot starts, indexes and answers, beside its peers in one run: `make bench`, or

python -m tests.benchmarks.speed [--peers langchain llamaindex txtai chroma] [--output FOLDER]

Each peer gets a virtual environment of its own in build/peers/, made from its pinned requirements,
and does the same with the same model: it embeds the passages, and finds the best of them for the
same questions. None of them reads, so none gives the words that answer; the bot does both.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bot.opening import open_bot
from bot.questions import load_questions
from bot.settings import Settings
from corpus.documents import Document
from corpus.loaders import shipped_documents
from index.embedding import SentenceEncoder
from index.passage_index import PassageIndex

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ARTICLES = ROOT / "bot" / "reader" / "articles"
QUESTION_SET = shipped_documents().parent / "questions" / "silent-observer.jsonl"
PEERS = ("langchain", "llamaindex", "txtai", "chroma")
OURS = "Silent Observer"
QUESTION = "How many passengers did the Westerdam carry?"
PASSAGE_WORDS = 125
N_PASSAGES = 1024
N_COLD = 7
N_WARM = 50
PORT = 7981
OFFLINE = {
    **os.environ,
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONDONTWRITEBYTECODE": "",
}


@dataclass(frozen=True)
class Cold:
    """One process from its start to its end.

    Attributes:
        seconds: How long it ran.
        mebibytes: The most memory that it held.
    """

    seconds: float
    mebibytes: float


# A process takes over the peak memory of the one that starts it, so a small one does.
_STARTER = """
import json, os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([time.perf_counter() - began, usage.ru_maxrss / 1024, status]))
"""


def cold(command: Sequence[str | Path]) -> Cold:
    """Run a process and measure it from outside."""
    starter = [sys.executable, "-S", "-c", _STARTER, *map(str, command)]
    ended = subprocess.run(
        starter, env=OFFLINE, cwd=ROOT, capture_output=True, text=True, check=True
    )
    seconds, mebibytes, status = json.loads(ended.stdout)
    if status:
        raise SystemExit(f"{' '.join(map(str, command))}: ended with status {status}")
    return Cold(seconds, mebibytes)


def peer_environment(name: str, folder: Path) -> Path:
    """Make a peer's virtual environment, or find the one made before; return its Python."""
    requirements = HERE / "peers" / f"{name}.txt"
    environment = folder / name
    done = environment / "requirements.txt"
    if not done.is_file() or done.read_text() != requirements.read_text():
        print(f"installing {name} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        pip = environment / "bin" / "pip"
        subprocess.run([pip, "install", "--quiet", "--requirement", requirements], check=True)
        done.write_text(requirements.read_text())
    return environment / "bin" / "python"


def passages() -> list[str]:
    """Cut the articles that were written for training into passages of the same length."""
    words = [
        word
        for file in sorted(ARTICLES.glob("*.json"))
        for paragraph in json.loads(file.read_text("utf-8"))["paragraphs"]
        for word in paragraph["text"].split()
    ]
    starts = range(0, N_PASSAGES * PASSAGE_WORDS, PASSAGE_WORDS)
    return [" ".join(words[start : start + PASSAGE_WORDS]) for start in starts]


def questions() -> list[str]:
    """Take questions that stand alone."""
    found = load_questions(QUESTION_SET)
    return [question.text for question in found if question.follows is None][:N_WARM]


@dataclass(frozen=True)
class Row:
    """What was measured of one program; None where it does not do it.

    Attributes:
        name: The program.
        cold: Processes that answer one question, the index built.
        passages_per_second: Embedded and indexed.
        query_seconds: One query each, embedding and search, warm.
    """

    name: str
    cold: list[Cold]
    passages_per_second: float
    query_seconds: list[float]

    @property
    def cold_seconds(self) -> float:
        return statistics.median(run.seconds for run in self.cold)

    @property
    def mebibytes(self) -> float:
        return statistics.median(run.mebibytes for run in self.cold)

    @property
    def query_milliseconds(self) -> float:
        return 1000 * statistics.median(self.query_seconds)


def measure_peer(name: str, work: Path) -> Row:
    """Let a peer index, ask and search."""
    python = peer_environment(name, ROOT / "build" / "peers")
    script, folder = HERE / "peers" / f"{name}_peer.py", work / name

    def said(*args: str | Path) -> dict[str, float | list[float]]:
        call = [python, script, *args]
        ended = subprocess.run(call, env=OFFLINE, capture_output=True, text=True, check=True)
        found: dict[str, float | list[float]] = json.loads(ended.stdout.splitlines()[-1])
        return found

    seconds = said("index", work / "passages.json", folder)["seconds"]
    warm = said("warm", folder, work / "questions.json")["seconds"]
    assert isinstance(seconds, float)
    assert isinstance(warm, list)
    ask: list[str | Path] = [python, script, "ask", folder, QUESTION]
    return Row(name, [cold(ask) for _ in range(N_COLD)], N_PASSAGES / seconds, warm)


def measure_ours(work: Path) -> Row:
    """Do the same with the bot, which reads the passages it finds as well."""
    encoder = SentenceEncoder()
    documents = [
        Document.from_text(f"{number}.txt", text)
        for number, text in enumerate(json.loads((work / "passages.json").read_text("utf-8")))
    ]
    encoder.encode_passages(["warm up"] * N_PASSAGES)  # loads what so many are embedded by
    began = time.perf_counter()
    index = PassageIndex.build(documents, encoder=encoder)
    index.save(work / "ours.index")
    rate = len(index.passages) / (time.perf_counter() - began)
    texts = json.loads((work / "questions.json").read_text("utf-8"))
    seconds = list(timed(index.search, texts))
    observer = Path(sys.executable).with_name("observer")
    ask: list[str | Path] = [observer, "ask", "--index", work / "ours.index", QUESTION]
    return Row(OURS, [cold(ask) for _ in range(N_COLD)], rate, seconds)


def timed(call: Callable[[str], object], texts: Sequence[str]) -> Iterator[float]:
    """Yield the seconds of each call, after three to warm up."""
    for number, text in enumerate([*texts[:3], *texts]):
        began = time.perf_counter()
        call(text)
        if number >= 3:
            yield time.perf_counter() - began


def more_of_ours(work: Path) -> dict[str, str]:
    """Measure what no peer does."""
    observer = Path(sys.executable).with_name("observer")
    texts = json.loads((work / "questions.json").read_text("utf-8"))

    def per_question(read_whole: int) -> float:
        bot = open_bot(settings=Settings(read_whole=read_whole))
        return 1000 * statistics.median(timed(bot.ask, texts))

    def rate(settings: str) -> float:
        (work / "observer.toml").write_text(settings)
        answers = work / "answers.jsonl"
        began = time.perf_counter()
        subprocess.run(
            [observer, "run", QUESTION_SET, "-o", answers, "--overwrite", "--workers", "2"],
            cwd=work,
            env=OFFLINE,
            check=True,
            stderr=subprocess.DEVNULL,
        )
        return len(load_questions(QUESTION_SET)) / (time.perf_counter() - began)

    asked = [cold([observer, "ask", QUESTION]) for _ in range(N_COLD)]
    helped = [cold([observer, "--help"]) for _ in range(N_COLD)]
    return {
        "`observer ask`, shipped document, every passage read, cold": _spread(asked, "s"),
        "its peak memory": f"{statistics.median(run.mebibytes for run in asked):.0f} MiB",
        "`observer --help`": _spread(helped, "s"),
        "a full answer, top 10 read, warm": f"{per_question(0):.0f} ms",
        "a full answer, all 36 passages read, warm": f"{per_question(60):.0f} ms",
        "`observer run --workers 2`, top 10 read": f"{rate('read_whole = 0'):.1f} questions/s",
        "`observer run --workers 2`, all passages read": f"{rate(''):.1f} questions/s",
        "`observer web`, start to a page that is served": f"{web_start():.1f} s",
    }


def _spread(runs: Sequence[Cold], unit: str) -> str:
    seconds = sorted(run.seconds for run in runs)
    return f"{statistics.median(seconds):.2f} {unit} ({seconds[0]:.2f} to {seconds[-1]:.2f})"


def web_start() -> float:
    """Measure how long the web chat takes until its page is served."""
    observer = Path(sys.executable).with_name("observer")
    began = time.perf_counter()
    process = subprocess.Popen(
        [observer, "web", "--port", str(PORT)],
        env=OFFLINE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while time.perf_counter() - began < 60:
            try:
                with urlopen(f"http://127.0.0.1:{PORT}/", timeout=5):
                    return time.perf_counter() - began
            except (URLError, ConnectionError):
                time.sleep(0.02)
    finally:
        process.terminate()
        process.wait()
    raise SystemExit("observer web served no page within a minute")


def processor() -> str:
    """Name the processor and what it can that matters here."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    lines = {key.strip(): value.strip() for key, value in pairs}
    flags = lines.get("flags", "").split()
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
    name = lines.get("model name", platform.processor())
    return f"{name}, {os.cpu_count()} cores, {' '.join(flag for flag in wanted if flag in flags)}"


def report(rows: Sequence[Row], missing: dict[str, str], more: dict[str, str]) -> str:
    """Write the tables."""
    subject = f"{N_PASSAGES} passages of {PASSAGE_WORDS} words, all-MiniLM-L6-v2"
    lines = [
        f"{subject}, medians; {processor()}.",
        "",
        "| | cold answer, index built | peak memory | indexing | one query, warm |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        reads = ", top 10 read" if row.name == OURS else ", retrieval only"
        lines.append(
            f"| {row.name} | {_spread(row.cold, 's')}{reads} | {row.mebibytes:.0f} MiB "
            f"| {row.passages_per_second:.0f} passages/s | {row.query_milliseconds:.1f} ms |"
        )
    lines += [f"| {name} | not measured: {reason} | | | |" for name, reason in missing.items()]
    lines += ["", f"| {OURS} alone | measured |", "|---|---|"]
    lines += [f"| {what} | {value} |" for what, value in more.items()]
    return "\n".join(lines) + "\n"


def plot(rows: Sequence[Row], file: Path) -> None:
    """Draw the table as bars."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figures = {
        "cold answer, seconds": [row.cold_seconds for row in rows],
        "peak memory, MiB": [row.mebibytes for row in rows],
        "passages indexed a second": [row.passages_per_second for row in rows],
        "one query, milliseconds": [row.query_milliseconds for row in rows],
    }
    figure, axes = plt.subplots(1, len(figures), figsize=(13, 2.6), layout="constrained")
    for axis, (title, values) in zip(axes, figures.items(), strict=True):
        names = [row.name for row in rows]
        colors = ["#0b7285" if name == OURS else "#adb5bd" for name in names]
        bars = axis.barh(names, values, color=colors)
        axis.bar_label(bars, [f"{value:.3g}" for value in values], padding=3)
        axis.set_title(title, fontsize=10)
        axis.invert_yaxis()
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlim(0, 1.2 * max(values))
        if axis is not axes[0]:
            axis.set_yticklabels([])
    figure.savefig(file, dpi=110)


def main() -> None:
    """Measure, and write speed.md and speed.png."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS)
    parser.add_argument("--output", type=Path, default=HERE / "results")
    options = parser.parse_args()
    work = ROOT / "build" / "bench"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / "passages.json").write_text(json.dumps(passages()))
    (work / "questions.json").write_text(json.dumps(questions()))
    rows, missing = [measure_ours(work)], {}
    for name in options.peers:
        try:
            rows.append(measure_peer(name, work))
        except subprocess.CalledProcessError as error:
            reason = (error.stderr or str(error)).strip().splitlines()[-1]
            missing[name] = reason
            print(f"{name}: {reason}", file=sys.stderr)
    text = report(rows, missing, more_of_ours(work))
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "speed.md").write_text(text, "utf-8")
    plot(rows, options.output / "speed.png")
    print(text)


if __name__ == "__main__":
    main()
