"""Whether `observer lint` and `observer verify` find what they name, and nothing else:

python -m tests.benchmarks.faults ANSWERS

ANSWERS is what `observer run` wrote for the shipped questions. Into copies of the two files, or of
the document, one fault of a kind is planted at a time, at a place that chance chooses. A fault is
found if a finding of its kind names its row; findings at other rows are invented. Exit status 1
if a fault is missed or one is invented.
"""

import argparse
import copy
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bot.answer import Answer
from bot.followup import Turn
from bot.lint import SURE, lint, mend
from bot.questions import load_questions
from bot.run import Answerer
from bot.verify import verify_answers
from corpus.loaders import load_documents, shipped_documents
from tests.benchmarks.answer_faults import ANSWER_KINDS
from tests.benchmarks.planting import Kind, Material, Row
from tests.benchmarks.set_faults import SET_KINDS

QUESTIONS = shipped_documents().parent / "questions" / "silent-observer.jsonl"
KINDS = (*SET_KINDS, *ANSWER_KINDS)


@dataclass(frozen=True)
class Tally:
    """What came of all faults of a kind; the three are numbers of rows."""

    kind: Kind
    planted: int
    found: int
    invented: int


def main() -> None:
    """Plant, look, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--seeds", type=int, default=10, help="how many of each kind")
    options = parser.parse_args()
    documents = load_documents(shipped_documents())
    texts = {document.id: document.text for document in documents}
    tallies = []
    print("| command | planted | rows | found | invented |\n|---|---|---|---|---|")
    for tally in tallied(QUESTIONS, options.answers, texts, options.seeds):
        tallies.append(tally)
        cells = (tally.kind.command, tally.kind.name, tally.planted, tally.found, tally.invented)
        print("|", " | ".join(map(str, cells)), "|", flush=True)
    sums = [sum(getattr(tally, name) for tally in tallies) for name in ("planted", "found")]
    n_invented = sum(tally.invented for tally in tallies)
    print(f"\n{len(tallies)} kinds: {sums[1]:,} of {sums[0]:,} found, {n_invented:,} invented")
    if sums[0] != sums[1] or n_invented:
        sys.exit(1)


def tallied(questions: Path, answers: Path, texts: dict[str, str], n_seeds: int) -> Iterable[Tally]:
    """Plant every kind of fault so many times, and look for it each time.

    Args:
        questions: A set of JSON Lines, without faults.
        answers: An answers file to it, without faults.
        texts: Of the documents, by id. Beside them there is another, for a quote to be sent to.
        n_seeds: How many faults to plant of each kind.
    """
    rows, records = _read(questions), _read(answers)
    bot = Recorded(questions, records)
    sure = frozenset(
        record["id"] for record in records if record["answer"] and record["confidence"] >= SURE
    )
    texts = {**texts, "other.txt": "Nothing of it is said here.\n" * 400}
    with tempfile.TemporaryDirectory() as scratch:
        for kind in KINDS:
            material = Material(records if kind.command == "verify" else rows, texts, sure)
            counts = [
                _look(kind, material, Random(f"{kind.name} {seed}"), bot, Path(scratch))
                for seed in range(n_seeds)
            ]
            yield Tally(kind, *map(sum, zip(*counts, strict=True)))


def _read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]


def _look(
    kind: Kind, material: Material, random: Random, bot: Answerer, folder: Path
) -> tuple[int, int, int]:
    """Plant a fault; return how many rows it concerns, in how many it is found, and the others."""
    planted = copy.deepcopy(material)
    numbers = kind.plant(random, planted)
    path, where = kind.write(folder, planted.rows)
    expected = {where(number) for number in numbers}
    findings = list(_findings(kind, path, planted, bot))
    places = {line: _place(line, path) for line in findings}
    found = {places[line] for line in findings if re.search(kind.says, line)}
    invented = [line for line in findings if places[line] not in expected]
    for line in [*invented, *(f"{place}: missed" for place in expected - found)]:
        print(f"{kind.name}: {line}", file=sys.stderr)
    return len(expected), len(expected & found), len(invented)


def _findings(kind: Kind, path: Path, planted: Material, bot: Answerer) -> Iterable[str]:
    documents = planted.loaded()
    if kind.command == "verify":
        for check in verify_answers(path, documents):
            yield from check.problems
        return
    result = lint(path, documents, bot if kind.command == "lint --ask" else None)
    if kind.command == "lint --fix":
        mend(path, [finding.mending for finding in result.findings if finding.mending])
        # What was planted is said to be found where it is mended rightly.
        mended = _read(path)
        for finding in result.findings:
            number = int(finding.where.rsplit(":", 1)[1]) - 1
            is_right = mended[number]["evidence"] == planted.rows[number].get("right")
            yield f"{finding}{' (rightly)' if is_right else ''}"
        return
    yield from map(str, result.findings)


def _place(line: str, path: Path) -> str:
    """Return how a finding names its place: "q.jsonl:7", "q.json: data[0]", "q.xlsx: A, row 7"."""
    named = re.match(re.escape(str(path)) + r"(: data\S+\d\]|: \w+, row \d+|:\d+)", line)
    return named[0] if named else line


class Recorded:
    """Answers as an answers file does, each question in its dialogue."""

    def __init__(self, questions: Path, records: Sequence[Row]) -> None:
        self._records = {}
        by_id = {record["id"]: record for record in records}
        dialogues: dict[str, tuple[str, ...]] = {}
        for question in load_questions(questions):
            before = dialogues[question.follows] if question.follows else ()
            dialogues[question.id] = (*before, question.text)
            self._records[dialogues[question.id]] = by_id[question.id]

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        record = self._records[(*(turn.question for turn in history), question)]
        return Answer(question, record["query"], record["answer"], (), (), record["confidence"])


if __name__ == "__main__":
    main()
