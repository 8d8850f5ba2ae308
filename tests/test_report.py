import json
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli_batch import evaluate_command
from bot.evaluate import load_predictions
from bot.groups import grouping_columns
from bot.questions import Evidence, load_questions
from bot.report.contents import gather, load_passages
from bot.report.page import render
from corpus.errors import ObserverError

TEXT = "The <b>ferry</b> leaves at seven & returns at noon."
PASSAGE = {"document": "a.txt", "start": 100, "end": 100 + len(TEXT), "text": TEXT}
QUESTIONS: list[dict[str, Any]] = [
    {"id": "r", "question": "When does it leave?", "answers": ["seven"], "type": "time"},
    {"id": "w", "question": "When does it return?", "answers": ["at noon"], "type": "time"},
    {"id": "u", "question": "Who <i>steers</i>?", "answers": [], "type": "person"},
    {"id": "m", "question": "What leaves?", "answers": ["ferry"], "type": "thing"},
    {"id": "x", "question": "Why?"},
]
ANSWERS = {
    "r": ("seven", 0.9),
    "w": ("seven", 0.8),
    "u": ("ferry", 0.6),
    "m": ("", 0.2),
    "x": ("", 0),
}


def evidence(words):
    start = 100 + TEXT.index(words)
    return {"document": "a.txt", "start": start, "end": start + len(words)}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [
        row | ({"evidence": [evidence(row["answers"][0])]} if row.get("answers") else {})
        for row in QUESTIONS
    ]
    records = [
        {
            "id": name,
            "answer": text,
            "confidence": confidence,
            "seconds": 0.5,
            "citations": [evidence(text)] if text else [],
            "passages": [PASSAGE],
        }
        for name, (text, confidence) in ANSWERS.items()
    ]
    for file, lines in (("q.jsonl", rows), ("a.jsonl", records)):
        (tmp_path / file).write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return tmp_path


@pytest.fixture
def contents(files):
    questions = load_questions("q.jsonl")
    passages = load_passages(files / "a.jsonl", questions)
    return gather(questions, load_predictions("a.jsonl"), passages, ["type"])


def test_every_question_is_there_and_the_surest_error_comes_first(contents):
    assert [(entry.question.id, entry.verdict) for entry in contents.entries] == [
        ("w", "wrong"),
        ("u", "unfounded"),
        ("m", "missed"),
        ("r", "right"),
        ("x", "unscored"),
    ]


def test_the_words_of_a_passage_are_marked_where_they_are_quoted_and_where_evidence_is(contents):
    [wrong] = [entry for entry in contents.entries if entry.question.id == "w"]
    assert wrong.passage.place == Evidence("a.txt", 100, 100 + len(TEXT))
    assert "".join(part.text for part in wrong.passage.segments) == TEXT
    assert [part.text for part in wrong.passage.segments if part.quoted] == ["seven"]
    assert [part.text for part in wrong.passage.segments if part.evidence] == ["at noon"]


def test_what_was_answered_is_judged_and_what_was_not_is_counted(contents):
    assert contents.confidences.tolist() == [0.9, 0.8, 0.6]
    assert contents.right.tolist() == [True, False, False]
    assert contents.n_scored == 4
    assert contents.recalls == [1.0]


def test_figures_come_with_intervals_and_by_group(contents):
    named = {figure.name: figure for figure in contents.figures}
    assert named["f1"].value == 0.25
    low, high = named["f1"].interval
    assert 0 < low < 0.25 < high < 1
    assert named["auroc"].interval
    assert named["n"].interval is None
    groups = contents.groups["type"]
    assert list(groups) == ["time", "person", "thing", "-"]
    assert {figure.name: figure.value for figure in groups["time"]}["f1"] == 0.5


def test_a_column_that_parts_the_set_into_few_groups_is_found(files):
    rows = [json.loads(line) for line in (files / "q.jsonl").read_text("utf-8").splitlines()]
    more = [
        row | {"id": f"{row['id']}{n}", "note": f"{row['id']} {n}"} for row in rows for n in "12"
    ]
    (files / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in more), "utf-8")
    # Each row has a note of its own, and there is one document.
    assert grouping_columns(load_questions("q.jsonl")) == ["type", "document"]


def test_nothing_of_documents_and_questions_is_markup(contents):
    page = render("<script>", contents, [])
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<b>ferry" not in page
    assert "The &lt;b&gt;" in page
    assert "Who &lt;i&gt;steers" in page


def evaluated(*args):
    result = CliRunner().invoke(evaluate_command, ["q.jsonl", "a.jsonl", *args])
    if isinstance(result.exception, ObserverError):
        raise result.exception
    return result


def test_a_report_is_a_page_and_its_plots(files):
    result = evaluated("--report", "out/report")
    assert result.exit_code == 0
    assert result.stderr == "out/report/index.html: written\n"
    assert sorted(path.name for path in (files / "out" / "report").iterdir()) == [
        "index.html",
        "recall.png",
        "reliability.png",
        "risk-coverage.png",
        "seconds.png",
    ]
    page = (files / "out" / "report" / "index.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 8
    # Nothing is loaded from anywhere.
    assert "http" not in page.replace("http-equiv", "")


def test_a_report_of_bare_answers_has_what_can_be_said(files):
    lines = [json.dumps({"id": name, "answer": text}) for name, (text, _) in ANSWERS.items()]
    (files / "a.jsonl").write_text("\n".join(lines), "utf-8")
    evaluated("--report", "bare")
    assert [path.name for path in (files / "bare").iterdir()] == ["index.html"]
    assert "blockquote>" not in (files / "bare" / "index.html").read_text("utf-8")


def test_a_folder_that_cannot_be_written_is_named_in_one_line(files):
    (files / "taken").write_text("", "utf-8")
    with pytest.raises(ObserverError, match=r"taken/report: cannot be written: .*; name another"):
        evaluated("--report", "taken/report")


def test_without_matplotlib_the_line_to_install_it_is_named(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ObserverError, match=r"pip install 'silent-observer\[report\]'"):
        evaluated("--report", "report")
    assert not (files / "report").exists()


def test_groups_are_printed(files):
    lines = evaluated("--by", "type").stdout.splitlines()
    assert lines[-5].split() == [
        "type",
        "n",
        "f1",
        "exact_match",
        "answered",
        "refused",
        "recall@1",
    ]
    assert lines[-4].split() == ["time", "2", "0.5000", "0.5000", "1.0000", "-", "1.0000"]
    by = json.loads(evaluated("--by", "type", "--json").stdout)["by"]["type"]
    assert by["person"]["refused"] == 0.0


def test_an_unknown_column_is_answered_with_the_known_ones(files):
    with pytest.raises(
        ObserverError, match=r"q\.jsonl: no row has the column 'kind'; the set has type, document"
    ):
        evaluated("--by", "kind")
