"""Package a trained reader, with numbers fitted to it: `python -m bot.reader.calibrate`.

How much the retrieval score counts beside the reader's margin, and the logistic curve from their
sum to the probability that the answer is right (Platt 1999), are fitted on held-back development
articles and on the shipped question set, which count alike; the weights have seen neither. The
threshold is the one at which the bot answers 87 % of the shipped set's answerable questions.
"""

import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from bot.metrics import f1
from bot.opening import shipped_documents
from bot.questions import load_questions
from bot.reader.extractive import ExtractiveReader, ReaderSettings
from bot.reader.training_data import development_articles
from corpus.documents import Document
from corpus.loaders import file_sha256, load_documents
from index.embedding import Encoder, SentenceEncoder, packaged_model
from index.passage_index import Hit, PassageIndex

logger = logging.getLogger(__name__)

_RETRIEVAL_WEIGHTS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_RIGHT_FROM_F1 = 0.5
_QUESTIONS_AN_ARTICLE = 100
_ANSWERED = 0.87
_N_PASSAGES = 10
_UNFITTED = ReaderSettings(
    model_sha256="",
    max_tokens=256,
    max_question_tokens=48,
    overlap=64,
    max_answer_tokens=60,
    retrieval_weight=0.0,
    kind_penalty=6.0,
    slope=1.0,
    intercept=0.0,
    threshold=0.5,
)


@dataclass(frozen=True, slots=True)
class Example:
    """A question and what the reader found, before any weight or threshold.

    Attributes:
        margins: Best span of each passage, less its null score, shape (n,).
        scores: Retrieval scores of the same passages, shape (n,).
        f1s: F1 of the same spans, 0 for a question without an answer, shape (n,).
        answerable: Whether the documents answer.
    """

    margins: NDArray[np.float64]
    scores: NDArray[np.float64]
    f1s: NDArray[np.float64]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best span of each question under one retrieval weight, in arrays of shape (n,)."""

    margins: NDArray[np.float64]
    f1s: NDArray[np.float64]
    answerable: NDArray[np.bool_]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether giving the span is right: it shares at least half its words with an answer."""
        return self.f1s >= _RIGHT_FROM_F1

    def f1_answering(self, answered: NDArray[np.bool_]) -> float:
        """Mean F1 as in SQuAD 2.0: an abstention is worth 1 where there is no answer."""
        return float(np.where(answered, self.f1s, ~self.answerable).mean())


def outcome(examples: Sequence[Example], retrieval_weight: float) -> Outcome:
    """Choose the best span of each example."""
    best = [
        int((example.margins + retrieval_weight * example.scores).argmax()) for example in examples
    ]
    chosen = list(zip(examples, best, strict=True))
    return Outcome(
        np.array([e.margins[i] + retrieval_weight * e.scores[i] for e, i in chosen]),
        np.array([e.f1s[i] for e, i in chosen]),
        np.array([e.answerable for e in examples]),
    )


def fit_logistic(
    margins: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Fit slope and intercept of a logistic curve by Newton's method, lightly damped."""
    design = np.stack([margins, np.ones_like(margins)], axis=1)
    beta = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (weights * (right - p)) - 1e-3 * beta
        hessian = (design.T * (weights * p * (1 - p))) @ design + 1e-3 * np.eye(2)
        beta += np.linalg.solve(hessian, gradient)
    return float(beta[0]), float(beta[1])


def calibration_error(
    probabilities: NDArray[np.float64], right: NDArray[np.bool_], n_bins: int = 10
) -> float:
    """Expected calibration error: the mean gap of confidence and accuracy over equal-width bins."""
    bins = np.minimum((probabilities * n_bins).astype(int), n_bins - 1)
    gaps = [
        abs(probabilities[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
        for b in range(n_bins)
        if (bins == b).any()
    ]
    return float(sum(gaps))


def fit(
    settings: ReaderSettings, sets: Sequence[Sequence[Example]]
) -> tuple[ReaderSettings, dict[str, float]]:
    """Fit weight, curve and threshold on sets of examples that count alike.

    Returns:
        The settings with the fitted numbers, and the figures they reach.
    """

    def f1_of_answerable(retrieval_weight: float) -> float:
        found = [outcome(examples, retrieval_weight) for examples in sets]
        return float(np.mean([part.f1s[part.answerable].mean() for part in found]))

    weight = max(_RETRIEVAL_WEIGHTS, key=lambda weight: (f1_of_answerable(weight), -weight))
    parts = [outcome(examples, weight) for examples in sets]
    margins = np.concatenate([part.margins for part in parts])
    right = np.concatenate([part.right for part in parts])
    importance = np.concatenate(
        [
            np.full(len(part.margins), len(margins) / len(parts) / len(part.margins))
            for part in parts
        ]
    )
    slope, intercept = fit_logistic(margins, right, importance)

    def probability(part: Outcome) -> NDArray[np.float64]:
        return np.asarray(1 / (1 + np.exp(-(slope * part.margins + intercept))))

    sure = np.sort(probability(parts[-1])[parts[-1].answerable])
    threshold = float(np.floor(sure[int((1 - _ANSWERED) * len(sure))] * 1000) / 1000)
    figures = {
        f"{name} of set {number}": value
        for number, part in enumerate(parts, start=1)
        for name, value in {
            "f1 of answerable": float(part.f1s[part.answerable].mean()),
            "f1": part.f1_answering(probability(part) >= threshold),
            "answered": float((probability(part) >= threshold)[part.answerable].mean()),
            "refused": float((probability(part) < threshold)[~part.answerable].mean()),
            "calibration error": calibration_error(probability(part), part.right),
        }.items()
    }
    fitted = replace(
        settings,
        retrieval_weight=weight,
        slope=round(slope, 4),
        intercept=round(intercept, 4),
        threshold=threshold,
    )
    return fitted, figures


def read_examples(
    reader: ExtractiveReader,
    index: PassageIndex,
    questions: Sequence[tuple[str, Sequence[str]]],
    n_passages: int,
) -> Iterator[Example]:
    """Read for each question, given with its answers, without regard to retrieval scores."""
    for text, answers in questions:
        hits = index.search(text, n_passages)
        best: dict[Hit, tuple[float, str]] = {}
        for span in reader.read(text, hits).spans:
            best.setdefault(span.hit, (span.score, span.text))
        if best:
            yield Example(
                np.array([margin for margin, _ in best.values()]),
                np.array([hit.score for hit in best]),
                np.array([f1(words, answers) if answers else 0.0 for _, words in best.values()]),
                bool(answers),
            )


def development_sets(
    reader: ExtractiveReader, encoder: Encoder, data: Path
) -> tuple[list[Example], list[Example]]:
    """Read the development articles, each as a document, and the shipped question set."""
    rng = np.random.default_rng(0)
    articles: list[Example] = []
    for title, paragraphs in development_articles(data).items():
        document = Document.from_text(title, "\n\n".join(part.text for part in paragraphs))
        questions = [
            (item.question, [text for _, text in item.answers])
            for part in paragraphs
            for item in part.items
        ]
        chosen = rng.permutation(len(questions))[:_QUESTIONS_AN_ARTICLE]
        index = PassageIndex.build([document], encoder=encoder)
        articles += read_examples(reader, index, [questions[i] for i in chosen], _N_PASSAGES)
        logger.info("%s read", title)
    index = PassageIndex.build(load_documents(shipped_documents()), encoder=encoder)
    file = shipped_documents().parent / "questions" / "silent-observer.jsonl"
    shipped = [
        (question.text, question.answers or ())
        for question in load_questions(file)
        if question.follows is None
    ]
    return articles, list(read_examples(reader, index, shipped, len(index.passages)))


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def main(model: Path, data: Path, output: Path) -> None:
    """Package MODEL, an ONNX file, with tokenizer and fitted settings in the folder OUTPUT.

    The settings are fitted on the development articles in DATA and on the shipped question set.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, output / "reader.onnx")
    shutil.copyfile(packaged_model() / "tokenizer.json", output / "tokenizer.json")
    checksum = file_sha256(output / "reader.onnx")
    _write(output, replace(_UNFITTED, model_sha256=str(checksum)))
    reader = ExtractiveReader.load(output)
    fitted, figures = fit(reader.settings, development_sets(reader, SentenceEncoder(), data))
    _write(output, fitted)
    for name, value in [*asdict(fitted).items(), *figures.items()]:
        click.echo(f"{name:32} {value:.3f}" if isinstance(value, float) else f"{name:32} {value}")


def _write(folder: Path, settings: ReaderSettings) -> None:
    text = json.dumps(asdict(settings), indent=2) + "\n"
    (folder / "reader.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
