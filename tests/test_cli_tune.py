import json

import pytest
from click.testing import CliRunner

from bot.cli_tune import tune_command
from bot.reader.calibration import Calibration
from bot.reader.extractive import ExtractiveReader
from corpus.errors import ObserverError


def questions_file(folder):
    rows = [
        *({"question": f"Who wrote this {n}?", "answers": ["Ek Tha"]} for n in range(10)),
        *({"question": f"Who won the football match {n}?", "answers": []} for n in range(10)),
    ]
    file = folder / "mine.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.mark.model
def test_tune_writes_a_calibration_that_the_commands_take(tmp_path):
    file, output = questions_file(tmp_path), tmp_path / "calibration.json"
    told = CliRunner().invoke(tune_command, [str(file), "-o", str(output)])
    assert told.exit_code == 0, told.output
    assert "At this threshold 50 % of questions get an answer and 0 % of the answers" in told.output
    calibration = Calibration.load(output)
    assert 0 < calibration.threshold < 1
    assert ExtractiveReader.load(calibration=output).calibration == calibration


@pytest.mark.model
def test_tune_refuses_a_set_without_unanswerable_questions(tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text('{"question": "Who?", "answers": ["Ek Tha"]}\n', encoding="utf-8")
    told = CliRunner().invoke(tune_command, [str(file), "-o", str(tmp_path / "c.json")])
    assert isinstance(told.exception, ObserverError)
    assert "mine.jsonl: has answerable questions in 1 dialogues" in str(told.exception)
    assert not (tmp_path / "c.json").exists()


def test_another_aim_is_a_usage_error(tmp_path):
    file = questions_file(tmp_path)
    told = CliRunner().invoke(tune_command, [str(file), "--aim", "em"])
    assert told.exit_code == 2
    assert "expected f1," in told.output
