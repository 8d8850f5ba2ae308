"""The workflow file of the README, step by step, up to where a hosted runner would take over."""

import csv
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from bot.questions import load_questions

ROOT = Path(__file__).parents[1]
WORKFLOW = yaml.safe_load((ROOT / "tests" / "data" / "observer-workflow.yml").read_text("utf-8"))
STEPS = {
    step["name"]: step["run"] for step in WORKFLOW["jobs"]["questions"]["steps"] if "run" in step
}


@pytest.fixture
def repository(tmp_path):
    """A folder with documents and twenty questions in a spreadsheet, and how to run a line in it.

    `observer` is the one of this tree.
    """
    command = tmp_path / "bin" / "observer"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bot "$@"\n')
    command.chmod(0o755)
    folder = tmp_path / "repository"
    shutil.copytree(ROOT / "corpus" / "documents", folder / "docs")
    # Ten passages are enough for a test.
    (folder / "observer.toml").write_text("read_whole = 0\n")
    questions = [
        question
        for question in load_questions(ROOT / "corpus" / "questions" / "silent-observer.jsonl")
        if question.follows is None
    ]
    chosen = [question for question in questions if question.answerable][:15]
    chosen += [question for question in questions if question.unanswerable][::9]
    with (folder / "questions.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["question", "answer"])
        writer.writerows([question.text, "|".join(question.answers or ())] for question in chosen)
    environment = os.environ | {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }

    def run(line):
        # As GitHub runs a step.
        return subprocess.run(
            ["bash", "-e", "-c", line],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return folder, run


def failing_step(run):
    """Run the steps in order, but for the installation; return the first that fails, or None."""
    for name, line in STEPS.items():
        if name == "Install":
            continue
        result = run(line)
        if result.returncode:
            return name, result.stdout + result.stderr
    return None


def test_the_steps_that_need_a_hosted_runner_come_first_or_last():
    steps = WORKFLOW["jobs"]["questions"]["steps"]
    assert [step["uses"].split("@")[0] for step in steps if "uses" in step] == [
        "actions/checkout",
        "actions/setup-python",
        "actions/upload-artifact",
    ]
    assert [step.get("if") for step in steps if "if" in step] == ["always()"]
    assert STEPS["Install"] == "pip install silent-observer"


@pytest.mark.model
def test_from_a_spreadsheet_to_a_green_job_and_a_red_one(repository):
    folder, run = repository
    # What the page does by hand.
    for line in (
        "observer import questions.csv -o questions.jsonl --documents docs",
        "observer index docs -o docs.index",
        "observer run questions.jsonl --index docs.index -o baseline.jsonl --workers 2",
    ):
        result = run(line)
        assert result.returncode == 0, result.stderr
    assert len((folder / "baseline.jsonl").read_text("utf-8").splitlines()) == 20
    shutil.rmtree(folder / "docs.index")

    assert failing_step(run) is None
    suite = ET.parse(folder / "questions.xml").getroot()
    assert suite.get("tests") == "20"

    # A question whose answer is cut out of the document turns the job red, by its line.
    [document] = (folder / "docs").glob("*.txt")
    (answer, *_) = load_questions(folder / "questions.jsonl")[0].answers or ()
    text = document.read_text("utf-8")
    document.write_text(text.replace(answer, "[...]"), "utf-8")
    step, told = failing_step(run)
    assert step == "Check the questions"
    assert "questions.jsonl:1: " in told
