"""How well and how fast the reader answers: `make bench-reader`, or

python -m tests.benchmarks.reader [--data DATA] [--held-out FILE] [--output FOLDER]

DATA holds `squad20_dev_16articles.json.gz`, of which the articles that were kept from training are
read. FILE is the official `dev-v2.0.json` of SQuAD 2.0, of which the 19 articles are read that are
not among those 16. Without them, the shipped document and its question sets are measured alone.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.metrics import auroc, f1
from bot.opening import open_bot
from bot.pipeline import Bot
from bot.questions import load_questions
from bot.reader.calibrate import FITTED
from bot.reader.calibration import Outcome, calibration_error, reliability
from bot.reader.extractive import ExtractiveReader
from bot.reader.reading import Reader, Reading
from bot.reader.squad import Paragraph, load_articles
from bot.reader.training_data import development_articles
from bot.settings import Settings
from corpus.documents import Document
from corpus.loaders import shipped_documents
from corpus.passages import Passage
from index.embedding import SentenceEncoder
from index.passage_index import Hit, PassageIndex

TOP = 10
CURVE = (1, 2, 3, 5, 8, 10, 15, 20)
QUESTION_SETS = shipped_documents().parent / "questions"
FIRST_SET = "silent-observer"
SETS = (FIRST_SET, "silent-observer-second", "silent-observer-third")
OPEN_BOOK = "squad20_dev_16articles.json.gz"


@dataclass(frozen=True)
class Asked:
    """A question that was read for.

    Attributes:
        reading: What the reader found.
        answers: The accepted answers; empty where there is none.
        places: Half-open offsets of the paragraph that it was asked of, or of all the evidence.
        seconds: Retrieval and reading.
    """

    reading: Reading
    answers: Sequence[str]
    places: Sequence[tuple[int, int]]
    seconds: float

    @property
    def f1(self) -> float:
        if not self.answers or not self.reading.spans:
            return 0.0
        return f1(self.reading.spans[0].text, self.answers)

    @property
    def is_passage_first(self) -> bool:
        passage = self.reading.hits[0].passage
        return any(passage.start < end and start < passage.end for start, end in self.places)


def outcome_of(asked: Sequence[Asked]) -> Outcome:
    return Outcome(
        np.array([one.reading.confidence for one in asked]),
        np.array([one.f1 for one in asked]),
        np.array([bool(one.answers) for one in asked]),
    )


def area(asked: Sequence[Asked]) -> float:
    positives = [one.reading.confidence for one in asked if one.answers]
    negatives = [one.reading.confidence for one in asked if not one.answers]
    return auroc(positives, negatives) or float("nan")


def read(reader: Reader, index: PassageIndex, question: str, n: int) -> Reading:
    return reader.read(question, index.search(question, n))


def paragraph_given(
    reader: ExtractiveReader, articles: dict[str, list[Paragraph]]
) -> Iterator[Asked]:
    for title, paragraphs in articles.items():
        for paragraph in paragraphs:
            end = len(paragraph.text)
            hit = Hit(Passage(title, 0, end, paragraph.text), 0.0, 1)
            for item in paragraph.items:
                reading = reader.read(item.question, [hit])
                yield Asked(reading, [text for _, text in item.answers], [(0, end)], 0.0)


def whole_way(
    reader: ExtractiveReader,
    indexes: dict[str, PassageIndex],
    articles: dict[str, list[Paragraph]],
    n: int,
) -> Iterator[Asked]:
    """Each article is the document; the best n passages are read."""
    for title, paragraphs in articles.items():
        place = 0
        for paragraph in paragraphs:
            end = place + len(paragraph.text)
            for item in paragraph.items:
                began = time.perf_counter()
                reading = read(reader, indexes[title], item.question, n)
                seconds = time.perf_counter() - began
                yield Asked(reading, [text for _, text in item.answers], [(place, end)], seconds)
            place = end + 2


def article_indexes(
    articles: dict[str, list[Paragraph]], encoder: SentenceEncoder
) -> dict[str, PassageIndex]:
    return {
        title: PassageIndex.build(
            [Document.from_text(title, "\n\n".join(part.text for part in paragraphs))],
            encoder=encoder,
        )
        for title, paragraphs in articles.items()
    }


def squad_rows(
    reader: ExtractiveReader, articles: dict[str, list[Paragraph]], encoder: SentenceEncoder
) -> tuple[list[tuple[str, float]], list[Asked]]:
    indexes = article_indexes(articles, encoder)
    given = list(paragraph_given(reader, articles))
    way = list(whole_way(reader, indexes, articles, TOP))
    paragraph, whole = outcome_of(given), outcome_of(way)
    answerable = [one for one in way if one.answers]
    return [
        ("questions", len(way)),
        ("paragraph given: F1, abstention at the best threshold", paragraph.best_threshold()[1]),
        ("paragraph given: F1 of answerable", float(paragraph.f1s[paragraph.answerable].mean())),
        (f"top {TOP}: F1, abstention at the best threshold", whole.best_threshold()[1]),
        (
            "the passage that answers first",
            float(np.mean([one.is_passage_first for one in answerable])),
        ),
        ("AUROC, whole way", area(way)),
    ], way


def shipped_rows(bot: Bot, question_set: Path) -> tuple[list[tuple[str, float]], list[Asked]]:
    """Every passage is read; questions of dialogues are left to `observer run`."""
    asked = []
    for question in load_questions(question_set):
        if question.answers is None or question.follows is not None:
            continue
        began = time.perf_counter()
        reading = read(bot.reader, bot.index, question.text, len(bot.index.passages))
        seconds = time.perf_counter() - began
        places = [(place.start, place.end) for place in question.evidence]
        asked.append(Asked(reading, question.answers, places, seconds))
    found = outcome_of(asked)
    answered = found.margins >= bot.reader.threshold
    answerable = [one for one in asked if one.answers]
    return [
        ("questions", len(asked)),
        ("F1 of answerable, without abstention", float(found.f1s[found.answerable].mean())),
        (
            "F1 of answerable, with abstention",
            float(np.where(answered, found.f1s, 0)[found.answerable].mean()),
        ),
        ("answerable answered", float(answered[found.answerable].mean())),
        ("unanswerable refused", float((~answered)[~found.answerable].mean())),
        ("the evidence first", float(np.mean([one.is_passage_first for one in answerable]))),
        ("AUROC", area(asked)),
    ], asked


def latency_rows(bot: Bot) -> Iterator[tuple[str, float]]:
    """Median milliseconds of `Bot.ask`, encoder included, warm."""
    questions = load_questions(QUESTION_SETS / f"{FIRST_SET}.jsonl")
    texts = [question.text for question in questions if question.follows is None][:60]
    for name, settings in (
        ("every passage", bot.settings),
        (f"top {TOP}", replace(bot.settings, read_whole=0)),
    ):
        asked = Bot(bot.index, reader=bot.reader, settings=settings)
        asked.ask(texts[0])
        times = [asked.ask(text).seconds for text in texts]
        yield f"{name}: milliseconds a question, median", float(np.median(times)) * 1000


def curve(
    reader: ExtractiveReader, articles: dict[str, list[Paragraph]], encoder: SentenceEncoder
) -> Iterator[tuple[int, float, float, float]]:
    """Yield k, F1 with abstention, F1 of answerable and milliseconds, over every tenth question."""
    indexes = article_indexes(articles, encoder)
    fewer = {
        title: [replace(p, items=p.items[::10]) for p in paragraphs]
        for title, paragraphs in articles.items()
    }
    for k in CURVE:
        way = list(whole_way(reader, indexes, fewer, k))
        found = outcome_of(way)
        yield (
            k,
            found.best_threshold()[1],
            float(found.f1s[found.answerable].mean()),
            float(np.median([one.seconds for one in way])) * 1000,
        )


def plot_reliability(
    found: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]], file: Path
) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="grey", linestyle="dotted")
    for name, (confidence, right) in found.items():
        bins = list(reliability(confidence, right))
        error = calibration_error(confidence, right)
        axes.plot(
            [point[0] for point in bins],
            [point[1] for point in bins],
            marker="o",
            label=f"{name} (ECE {error:.3f})",
        )
    axes.set(
        xlabel="confidence", ylabel="share of answers that are right", xlim=(0, 1), ylim=(0, 1)
    )
    axes.legend()
    figure.savefig(file, dpi=120)


def table(title: str, rows: Sequence[tuple[str, float]]) -> str:
    lines = [f"\n### {title}\n", "| | |", "|---|---|"]
    lines += [
        f"| {name} | {value:,.0f} |"
        if name == "questions" or "milliseconds" in name
        else f"| {name} | {value:.3f} |"
        for name, value in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    if options.held_out and not options.data:
        parser.error("--held-out needs --data, which says what was trained on")
    bot = open_bot(settings=Settings())
    reader, encoder = bot.reader, SentenceEncoder()
    assert isinstance(reader, ExtractiveReader)
    parts: list[str] = []

    def show(part: str) -> None:
        parts.append(part)
        print(part, flush=True)

    judged: dict[str, list[Asked]] = {}
    for name in SETS:
        rows, judged[name] = shipped_rows(bot, QUESTION_SETS / f"{name}.jsonl")
        show(table(f"The shipped document, question set {name}, every passage read", rows))
    show(table("Speed on the shipped document, two cores", list(latency_rows(bot))))
    if options.data:
        articles = development_articles(options.data)
        rows, way = squad_rows(reader, articles, encoder)
        fitted = set(_fitted_rows(articles))
        judged["development articles"] = [
            one for number, one in enumerate(way) if number not in fitted
        ]
        show(table(f"SQuAD 2.0, development articles ({', '.join(articles)})", rows))
        lines = ["\n### How many passages to read, development articles\n"]
        lines += ["| k | F1, abstention | F1 of answerable | milliseconds |", "|---|---|---|---|"]
        lines += [
            f"| {k} | {best:.3f} | {answerable:.3f} | {ms:.0f} |"
            for k, best, answerable, ms in curve(reader, articles, encoder)
        ]
        show("\n".join(lines) + "\n")
    if options.held_out:
        known = load_articles(options.data / OPEN_BOOK)
        found = load_articles(options.held_out)
        articles = {title: found[title] for title in found if title not in known}
        rows, way = squad_rows(reader, articles, encoder)
        judged["held-out articles"] = way
        show(table(f"SQuAD 2.0, {len(articles)} articles held out", rows))
    if options.data:
        judged["together, those that nothing was fitted on"] = [
            one for name, part in judged.items() if name != FIRST_SET for one in part
        ]
    found_in = {name: outcome_of(part) for name, part in judged.items()}
    points = {name: (part.margins, part.right) for name, part in found_in.items()}
    errors = [(name, calibration_error(*found)) for name, found in points.items()]
    show(table("Expected calibration error", errors))
    plot_reliability(points, options.output / "reader-reliability.png")
    text = "# The reader, measured by `make bench-reader`\n" + "".join(parts)
    (options.output / "reader.md").write_text(text, encoding="utf-8")


def _fitted_rows(articles: dict[str, list[Paragraph]]) -> Iterator[int]:
    """Yield the numbers of the questions that the calibration was fitted on."""
    counts = [sum(len(part.items) for part in paragraphs) for paragraphs in articles.values()]
    for first, end in pairwise(np.cumsum([0, *counts]).tolist()):
        yield from range(first, end)[FITTED]


if __name__ == "__main__":
    main()
