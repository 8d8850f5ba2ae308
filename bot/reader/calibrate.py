"""Package a trained reader: `python -m bot.reader.calibrate`.

Weights, tokenizer and settings are put into a folder, and the calibration is fitted on held-back
development articles and on the shipped question set; the weights have seen neither. The threshold
is the one that gives the best F1 on the shipped set.
"""

import json
import logging
import shutil
from dataclasses import asdict
from pathlib import Path

import click

from bot.expectation import Aim
from bot.questions import load_questions
from bot.reader.calibration import Calibration, Example, fit
from bot.reader.extractive import ExtractiveReader
from bot.reader.onnx_model import OnnxModelSettings, OnnxSpanModel
from bot.reader.training_data import development_articles
from bot.tune import read_examples
from corpus.documents import Document
from corpus.loaders import file_sha256, load_documents, shipped_documents
from index.embedding import Encoder, SentenceEncoder, packaged_model
from index.passage_index import PassageIndex

logger = logging.getLogger(__name__)

# Of an article every second question; on the others the calibration is judged.
FITTED = slice(0, None, 2)
_N_PASSAGES = 10


def development_sets(
    reader: ExtractiveReader, encoder: Encoder, data: Path
) -> tuple[list[Example], list[Example]]:
    """Read the development articles, each as a document, and the shipped question set."""
    articles: list[Example] = []
    for title, paragraphs in development_articles(data).items():
        document = Document.from_text(title, "\n\n".join(part.text for part in paragraphs))
        questions = [
            (item.question, [text for _, text in item.answers])
            for part in paragraphs
            for item in part.items
        ]
        index = PassageIndex.build([document], encoder=encoder)
        articles += read_examples(reader, index, questions[FITTED], _N_PASSAGES)
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
    """Package MODEL, an ONNX file, with tokenizer, settings and calibration in the folder OUTPUT.

    The calibration is fitted on the development articles in DATA and on the shipped question set.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, output / "reader.onnx")
    shutil.copyfile(packaged_model() / "tokenizer.json", output / "tokenizer.json")
    settings = OnnxModelSettings(str(file_sha256(output / "reader.onnx")))
    (output / "model.json").write_text(json.dumps(asdict(settings), indent=2) + "\n", "utf-8")
    reader = ExtractiveReader(OnnxSpanModel.load(output), Calibration(settings.sha256))
    sets = development_sets(reader, SentenceEncoder(), data)
    fitted, figures = fit(reader.calibration, sets, Aim("f1").threshold)
    fitted.save(output / "calibration.json")
    for name, value in [*asdict(fitted).items(), *figures.items()]:
        click.echo(f"{name:32} {value:.3f}" if isinstance(value, float) else f"{name:32} {value}")


if __name__ == "__main__":
    main()
