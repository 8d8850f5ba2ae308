import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.expectation import Aim
from bot.reader.calibration import (
    Calibration,
    Example,
    calibration_error,
    fit,
    fit_logistic,
    outcome,
)
from corpus.errors import ReaderError

UNFITTED = Calibration("0" * 64)


def example(margins, scores, f1s, answerable=True):
    return Example(np.array(margins), np.array(scores), np.array(f1s), answerable)


def test_the_best_span_has_the_highest_margin_and_weighted_retrieval_score():
    first = example([1.0, 2.0], [0.9, 0.1], [1.0, 0.0])
    assert outcome([first], 0.0).f1s.tolist() == [0.0]
    # 1 + 2 * 0.9 = 2.8 against 2 + 2 * 0.1 = 2.2
    chosen = outcome([first], 2.0)
    assert chosen.f1s.tolist() == [1.0]
    assert chosen.margins.tolist() == [1.0]  # the retrieval score ranks, and no more


def test_abstaining_is_worth_one_where_there_is_no_answer():
    part = outcome([example([1.0], [0.0], [0.8]), example([1.0], [0.0], [0.0], False)], 0.0)
    # Answering both: 0.8 and 0. Answering none: 0 and 1.
    assert part.f1_answering(np.array([True, True])) == pytest.approx(0.4)
    assert part.f1_answering(np.array([False, False])) == pytest.approx(0.5)


def test_the_logistic_curve_is_found_again():
    rng = np.random.default_rng(0)
    margins = rng.normal(size=20_000) * 3
    right = rng.random(20_000) < 1 / (1 + np.exp(-(0.7 * margins - 1.2)))
    slope, intercept = fit_logistic(margins, right)
    assert slope == pytest.approx(0.7, abs=0.05)
    assert intercept == pytest.approx(-1.2, abs=0.1)


def test_calibration_error_is_the_gap_of_confidence_and_accuracy():
    # One bin: confidence 0.75, and one of two is right.
    error = calibration_error(np.array([0.75, 0.75]), np.array([True, False]))
    assert error == pytest.approx(0.25)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_calibration_error_lies_between_0_and_1(pairs):
    probabilities, right = zip(*pairs, strict=True)
    assert 0 <= calibration_error(np.array(probabilities), np.array(right)) <= 1


def test_fitting_finds_the_weight_and_a_threshold_between_right_and_wrong():
    rng = np.random.default_rng(1)
    good = [example([5 + rng.normal(), 6.0], [0.9, 0.1], [1.0, 0.0]) for _ in range(40)]
    silent = [example([rng.normal()], [0.3], [0.0], False) for _ in range(40)]
    fitted, figures = fit(UNFITTED, [good + silent, good + silent], Aim("f1").threshold)
    assert fitted.retrieval_weight > 0
    assert figures["f1 of set 1"] > 0.95
    assert figures["answered of set 2"] >= 0.87
    assert figures["refused of set 2"] > 0.95
    assert 0 < fitted.threshold < 1


def test_the_best_threshold_answers_what_is_right_and_nothing_else():
    part = outcome(
        [
            example([3.0], [0.0], [1.0]),
            example([2.0], [0.0], [0.0], False),
            example([1.0], [0.0], [0.4]),
        ],
        0.0,
    )
    # From 3 on: 1 + 1 + 0 of 3. From 1 on: 1 + 0 + 0.4. Never: 1.
    margin, score = part.best_threshold()
    assert margin == 3.0
    assert score == pytest.approx(2 / 3)


def test_a_calibration_is_read_as_it_was_saved(tmp_path):
    calibration = Calibration("abc", 2.0, 0.5, -1.0, 0.4)
    calibration.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == calibration


def test_a_calibration_of_an_index_names_it_and_one_for_any_does_not(tmp_path):
    file = tmp_path / "calibration.json"
    for calibration, named in ((Calibration("abc", index="def"), True), (UNFITTED, False)):
        calibration.save(file)
        assert Calibration.load(file) == calibration
        assert ('"index"' in file.read_text("utf-8")) is named


def test_a_calibration_of_an_earlier_version_is_refused(tmp_path):
    file = tmp_path / "calibration.json"
    file.write_text('{"fingerprint": "a", "slope": 1.0}', encoding="utf-8")
    with pytest.raises(
        ReaderError, match="fitted by another version of the bot; run observer tune"
    ):
        Calibration.load(file)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 2}',
        '{"format": 2, "fingerprint": "a", "slope": "steep"}',
        '{"format": 2, "unknown": 1}',
        "\x00",
    ],
)
def test_a_file_that_is_no_calibration_is_refused_in_one_line(text, tmp_path):
    file = tmp_path / "calibration.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(
        ReaderError, match=r"calibration\.json: (cannot be read|holds values)"
    ) as caught:
        Calibration.load(file)
    assert "\n" not in str(caught.value)


def test_a_calibration_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "taken").mkdir()
    for file in (tmp_path / "missing" / "calibration.json", tmp_path / "taken"):
        with pytest.raises(ReaderError, match="cannot be written") as caught:
            UNFITTED.save(file)
        assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
