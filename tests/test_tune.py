from dataclasses import replace

import numpy as np
import pytest

from bot.expectation import Aim, Expectation
from bot.pipeline import Bot
from bot.questions import Evidence, Question
from bot.reader.calibration import Calibration, Outcome
from bot.reader.extractive import ExtractiveReader
from bot.reader.windows import WindowLogits
from bot.settings import Settings
from bot.tune import Tuning, describe, tune
from corpus.errors import QuestionFormatError, ReaderError

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
            yield WindowLogits(number, np.array(places), _array(sure), _array(sure), 0.0)


def _array(values):
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
    tuning = tune(bot, reader, questions(12, 10))
    assert tuning.calibration.fingerprint == "words"
    figures = tuning.expectation.figures()
    assert (figures["answered"], figures["refused"], figures["wrong"]) == (1.0, 1.0, 0.0)
    tuned = Bot(
        bot.index, reader=ExtractiveReader(reader.model, tuning.calibration), settings=bot.settings
    )
    assert not tuned.ask("what of forty").abstained
    assert tuned.ask("what of eleven").abstained


def test_what_was_fitted_names_the_index(bot, reader):
    assert tune(bot, reader, questions(10, 10)).calibration.index == bot.index.fingerprint


@pytest.mark.parametrize(("n_answerable", "n_unanswerable"), [(9, 20), (20, 9), (0, 0)])
def test_too_few_questions_are_refused(bot, reader, n_answerable, n_unanswerable):
    with pytest.raises(QuestionFormatError, match="at least 10 of each"):
        tune(bot, reader, questions(n_answerable, n_unanswerable))


def test_a_dialogue_counts_once(bot, reader):
    start, *rest = questions(10, 10)
    rest[0] = replace(rest[0], follows=start.id)
    with pytest.raises(QuestionFormatError, match="answerable questions in 9 dialogues"):
        tune(bot, reader, [start, *rest])


def test_an_aim_that_no_threshold_reaches_is_refused(bot, reader):
    rows = [replace(row, answers=("seven",)) if row.answers else row for row in questions(12, 10)]
    with pytest.raises(ReaderError, match="no threshold reaches the aim"):
        tune(bot, reader, rows, Aim("wrong", 0.1))


def test_a_follow_up_is_read_as_its_dialogue_ought_to_go(bot, reader):
    read = []
    logits = reader.model.logits

    def listening(question, texts):
        read.append(question)
        return logits(question, texts)

    reader.model.logits = listening
    follow_up = Question("f", "What about noon?", ("noon",), follows="a0")
    tune(bot, reader, [*questions(12, 10), follow_up])
    assert read[-1] == "what of noon?"


def documents_set(n_documents):
    """Two questions that are answered and one that is not of each document."""
    for n in range(n_documents):
        extra = {"document": f"{n}.txt"}
        yield Question(f"{n}a", "what of forty", ("forty",), (Evidence(f"{n}.txt", 0, 1),))
        yield Question(f"{n}b", "what of seven", ("seven",), extra=extra)
        yield Question(f"{n}u", "what of eleven", (), extra=extra)


@pytest.mark.parametrize(("n_documents", "unit"), [(10, "documents"), (9, "dialogues")])
def test_whole_documents_are_held_out_where_there_are_enough(bot, reader, n_documents, unit):
    rows = [*documents_set(n_documents), *questions(0, 1)]
    tuned = tune(bot, reader, rows)
    assert (tuned.unit, tuned.expectation.n_groups) == (
        unit,
        n_documents + 1 if unit == "documents" else len(rows),
    )


def tuning(aim, n, n_given, n_wrong, interval):
    right = np.arange(n) >= n_wrong
    outcome = Outcome(np.zeros(n), right.astype(float), np.ones(n, dtype=bool))
    given = np.arange(n) < n_given
    return Tuning(
        Calibration("words"),
        Aim.parse(aim),
        Expectation(np.ones(n), outcome, given, n, interval),
        "dialogues",
    )


def test_a_sentence_says_what_to_expect():
    first, second = describe(tuning("f1", 200, 182, 7, (0.02, 0.07)))
    # 182 of 200, and 7 of 182.
    assert first == (
        "At this threshold 91 % of questions get an answer and 3.8 % of the answers are wrong "
        "(95 % interval 2 to 7 %)."
    )
    assert "200 questions" in second
    assert "whole dialogues, 200 of them" in second


@pytest.mark.parametrize(
    ("aim", "n_wrong", "interval", "message"),
    [
        # The end is 5 points off and may be 2: 2.5 ** 2 * 100 questions.
        ("wrong<=0.1", 8, (0.04, 0.13), "Too few questions to show that at most 10 % of the "),
        ("wrong<=0.1", 8, (0.04, 0.13), "about 630 of the kind would do"),
        ("wrong<=0.1", 12, (0.07, 0.2), "It does not show that at most 10 %"),
        # The end is 10 points off and may be 5: 2 ** 2 * 100 questions.
        ("f1", 10, (0.05, 0.2), "about 400 of the kind would do"),
    ],
)
def test_too_few_questions_for_a_claim_are_told_how_many_would_do(aim, n_wrong, interval, message):
    assert message in describe(tuning(aim, 100, 100, n_wrong, interval))[-1]


def test_enough_questions_for_a_claim_are_told_nothing_more():
    assert len(describe(tuning("wrong<=0.1", 100, 100, 5, (0.02, 0.09)))) == 2
