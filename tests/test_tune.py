import pytest

from bot.pipeline import Bot
from bot.questions import Question
from bot.reader.calibration import Calibration
from bot.reader.extractive import ExtractiveReader
from bot.reader.windows import WindowLogits
from bot.settings import Settings
from bot.tune import tune
from corpus.errors import QuestionFormatError

TEXT = "The ferry leaves at seven and carries forty passengers over to the other side at noon."


class WordModel:
    """Sure of its answer where the question holds a word of the text."""

    fingerprint = "words"

    def warm_up(self):
        pass

    def logits(self, question, texts):
        for number, text in enumerate(texts):
            places = [(i, i + len(w)) for w in text.split() if (i := text.find(w)) >= 0]
            asked = question.lower().split()
            sure = [5.0 if text[a:b] in asked else -5.0 for a, b in places]
            yield WindowLogits(number, places, _array(sure), _array(sure), 0.0)


def _array(values):
    import numpy as np

    return np.array(values, dtype=np.float32)


@pytest.fixture
def reader():
    return ExtractiveReader(WordModel(), Calibration("words"))


@pytest.fixture
def bot(build_index, reader):
    return Bot(build_index(TEXT), reader=reader, settings=Settings())


def questions(n_answerable, n_unanswerable):
    return [
        *(Question(f"a{i}", "what of forty", ("forty",)) for i in range(n_answerable)),
        *(Question(f"u{i}", "what of eleven", ()) for i in range(n_unanswerable)),
    ]


def test_the_threshold_parts_what_is_answered_from_what_is_not(bot, reader):
    calibration, figures = tune(bot, reader, questions(12, 10))
    assert calibration.fingerprint == "words"
    assert (figures["answered"], figures["refused"]) == (1.0, 1.0)
    tuned = Bot(
        bot.index, reader=ExtractiveReader(reader.model, calibration), settings=bot.settings
    )
    assert not tuned.ask("what of forty").abstained
    assert tuned.ask("what of eleven").abstained


@pytest.mark.parametrize(("n_answerable", "n_unanswerable"), [(9, 20), (20, 9), (0, 0)])
def test_too_few_questions_are_refused(bot, reader, n_answerable, n_unanswerable):
    with pytest.raises(QuestionFormatError, match="at least 10 of each"):
        tune(bot, reader, questions(n_answerable, n_unanswerable))
