"""How long an update of a large index takes, and whether a kill in it does harm.

python -m tests.benchmarks.update [--files 1000 10000] [--kills 50] [--keep FOLDER]

Each process is measured from outside, from its start to its end, with all its imports.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from index.embedding import SentenceEncoder
from index.passage_index import PassageIndex
from tests.benchmarks.speed import OFFLINE, ROOT, cold, passages

WORDS_A_FILE = 40
VOCABULARY = sorted({word for text in passages() for word in text.split()})


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--keep", type=Path, help="keep files and indexes here, and use them again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for n_files in options.files:
            measure((options.keep or Path(name)) / str(n_files), n_files)
        if options.kills:
            kill(Path(name) / "killed", options.kills)


def command(folder: Path) -> list[str]:
    """Return the command that indexes the files of a folder."""
    return [sys.executable, "-m", "bot", "index", str(folder / "docs"), "-o", str(folder / "i")]


def measure(folder: Path, n_files: int) -> None:
    """Index files, once more without a change, and once more with one changed."""
    begun = "brought up to date" if (folder / "i").exists() else "first build"
    write_files(folder / "docs", n_files)
    print(f"{n_files:,} files")
    for step in (begun, "nothing changed", "one changed", "one removed"):
        if step == "one changed":
            write(folder / "docs" / "00042.txt", random.Random(time.time()))
        if step == "one removed":
            (folder / "docs" / "00043.txt").unlink()
        process = cold(command(folder))
        print(f"  {step:18} {process.seconds:7.2f} s  {process.mebibytes:6.0f} MiB", flush=True)


def kill(folder: Path, n_kills: int) -> None:
    """Kill updates at random moments; after each, the index has to answer as before or after it."""
    write_files(folder / "docs", 200)
    subprocess.run(command(folder), env=OFFLINE, cwd=ROOT, check=True, capture_output=True)
    encoder = SentenceEncoder()
    draw = random.Random(1)
    began = time.perf_counter()
    change(folder / "docs", -1)
    subprocess.run(command(folder), env=OFFLINE, cwd=ROOT, check=True, capture_output=True)
    usual = time.perf_counter() - began
    n_old = n_new = 0
    for number in range(n_kills):
        old = texts(folder / "i", encoder)
        change(folder / "docs", number)
        process = subprocess.Popen(
            command(folder), env=OFFLINE, cwd=ROOT, stdout=subprocess.DEVNULL
        )
        time.sleep(draw.uniform(0, usual))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        found = texts(folder / "i", encoder)
        new = {file.name: file.read_text() for file in (folder / "docs").iterdir()}
        n_old += found == old
        n_new += found == new
    print(f"{n_kills} kills within {usual:.2f} s: {n_old} answered as before, {n_new} anew")


def texts(folder: Path, encoder: SentenceEncoder) -> dict[str, str]:
    """Load an index, ask it, and return the texts of its documents."""
    index = PassageIndex.load(folder, encoder=encoder)
    assert len(index.search("Which word?")) == 10
    return {document.id: document.text for document in index.documents.values()}


def change(docs: Path, number: int) -> None:
    """Change ten files."""
    for file in sorted(docs.iterdir())[:10]:
        write(file, random.Random(f"{file.name} {number}"))


def write_files(docs: Path, n_files: int) -> None:
    """Write files of random words, all different, where they are missing."""
    docs.mkdir(parents=True, exist_ok=True)
    for number in range(n_files):
        if not (file := docs / f"{number:05}.txt").exists():
            write(file, random.Random(number))


def write(file: Path, draw: random.Random) -> None:
    """Write a file of random words."""
    words = [VOCABULARY[draw.randrange(len(VOCABULARY))] for _ in range(WORDS_A_FILE)]
    file.write_text(f"{' '.join(words).capitalize()}.\n")


if __name__ == "__main__":
    main()
