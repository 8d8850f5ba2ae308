"""Fit a reader's calibration on a question set: when to answer, and how sure to be."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.pipeline import Bot
from bot.questions import Question
from bot.reader.calibration import Calibration, Example, best_f1, example_of, fit
from bot.reader.extractive import ExtractiveReader
from bot.reader.reading import Span
from corpus.errors import QuestionFormatError
from index.passage_index import PassageIndex

_LEAST_OF_EACH = 10


def tune(
    bot: Bot, reader: ExtractiveReader, questions: Sequence[Question]
) -> tuple[Calibration, dict[str, float]]:
    """Fit a calibration on the questions that stand alone.

    Args:
        bot: Says what is searched and how much is read.
        reader: What to fit.
        questions: Some that the documents answer and some that they do not.

    Returns:
        The calibration with the best mean F1, and the figures it reaches on the same questions.

    Raises:
        QuestionFormatError: There are too few questions of one sort.
    """
    asked = [
        (question.text, question.answers)
        for question in questions
        if question.answers is not None and question.follows is None
    ]
    n_answerable = sum(bool(answers) for _, answers in asked)
    if min(n_answerable, len(asked) - n_answerable) < _LEAST_OF_EACH:
        raise QuestionFormatError(
            f"has {n_answerable} answerable and {len(asked) - n_answerable} unanswerable questions "
            f"that stand alone; at least {_LEAST_OF_EACH} of each are needed to fit a threshold"
        )
    n_passages = len(bot.index.passages)
    if n_passages > bot.settings.read_whole:
        n_passages = bot.settings.n_passages
    examples = list(read_examples(reader, bot.index, asked, n_passages))
    fitted, figures = fit(reader.calibration, [examples], best_f1)
    return fitted, {name.removesuffix(" of set 1"): value for name, value in figures.items()}


def read_examples(
    reader: ExtractiveReader,
    index: PassageIndex,
    questions: Sequence[tuple[str, Sequence[str]]],
    n_passages: int,
) -> Iterator[Example]:
    """Read for each question, given with its answers, without regard to retrieval scores."""
    unweighed = ExtractiveReader(reader.model, replace(reader.calibration, retrieval_weight=0.0))
    for text, answers in questions:
        best: dict[tuple[str, int], Span] = {}
        for span in unweighed.read(text, index.search(text, n_passages)).spans:
            best.setdefault((span.hit.passage.document_id, span.hit.passage.start), span)
        if best:
            found = [(span.score, span.hit.score, span.text) for span in best.values()]
            yield example_of(found, answers)
