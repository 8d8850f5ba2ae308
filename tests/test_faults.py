import json
from dataclasses import replace

import pytest

from corpus import Document
from tests.benchmarks import faults
from tests.benchmarks.faults import KINDS, tallied

TEXT = (
    "The ferry carries forty passengers and two cars across the wide brown river every day.\n\n"
    "Captain Sok Dara has steered it since the spring of the year in which the bridge fell."
)
QUESTIONS = [
    ("q1", "How many passengers does the ferry carry across the river every day?", "forty", None),
    ("q2", "Who steers the ferry?", "Captain Sok Dara", None),
    ("q3", "Since when has he done so?", "the spring of the year", "q2"),
    ("q4", "Who paid for the ferry?", None, None),
]


def place(words):
    return {
        "document": "ferry.txt",
        "start": TEXT.index(words),
        "end": TEXT.index(words) + len(words),
    }


def question(name, text, answer, follows):
    row = {"id": name, "question": text, "answers": [answer] if answer else []}
    row["evidence"] = [place(answer)] if answer else []
    return row | ({"follows": follows} if follows else {})


def record(name, text, answer, _follows):
    first, second = TEXT.split("\n\n")
    around = place(first if answer == "forty" else second)
    ends = {"passage_start": around["start"], "passage_end": around["end"]}
    return {
        "id": name,
        "question": text,
        "query": text,
        "answer": answer or "",
        "confidence": 0.9,
        "citations": [place(answer) | {"quote": answer} | ends] if answer else [],
        "alternatives": [place("bridge") | {"quote": "bridge"}] if answer else [],
        "passages": [place(first) | {"text": first}, place(second) | {"text": second}],
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    for name, make in (("q.jsonl", question), ("a.jsonl", record)):
        rows = [json.dumps(make(*row)) + "\n" for row in QUESTIONS]
        (folder / name).write_text("".join(rows), encoding="utf-8")
    return folder / "q.jsonl", folder / "a.jsonl", {"ferry.txt": TEXT}


@pytest.fixture(scope="module")
def tallies(files):
    questions, answers, texts = files
    found = tallied(questions, answers, texts, 2)
    return {(tally.kind.command, tally.kind.name): tally for tally in found}


@pytest.mark.parametrize(("command", "name"), [(kind.command, kind.name) for kind in KINDS])
def test_a_fault_of_each_kind_is_found_and_none_is_invented(tallies, command, name):
    tally = tallies[command, name]
    assert tally.planted >= 2
    assert (tally.found, tally.invented) == (tally.planted, 0)


def test_what_is_missed_or_invented_is_counted(files, monkeypatch):
    [kind] = [kind for kind in KINDS if kind.name == "a row that follows itself"]
    missed = replace(kind, says="something else")
    at_another_row = replace(kind, plant=lambda *given: [9 - n for n in kind.plant(*given)])
    monkeypatch.setattr(faults, "KINDS", (missed, at_another_row))
    questions, answers, texts = files
    tallies = tallied(questions, answers, texts, 1)
    found = [(tally.planted, tally.found, tally.invented) for tally in tallies]
    assert found == [(1, 0, 0), (1, 0, 1)]


def test_the_command_prints_a_table_and_fails_for_a_miss(files, monkeypatch, capsys):
    [kind] = [kind for kind in KINDS if kind.name == "no question"]
    questions, answers, texts = files
    monkeypatch.setattr(faults, "QUESTIONS", questions)
    monkeypatch.setattr(
        faults, "load_documents", lambda _: [Document.from_text(*next(iter(texts.items())))]
    )
    monkeypatch.setattr("sys.argv", ["faults", str(answers), "--seeds", "2"])
    monkeypatch.setattr(faults, "KINDS", (kind,))
    faults.main()
    assert "| lint | no question | 2 | 2 | 0 |" in capsys.readouterr().out
    monkeypatch.setattr(faults, "KINDS", (replace(kind, says="something else"),))
    with pytest.raises(SystemExit, match="1"):
        faults.main()
    assert "1 kinds: 0 of 2 found, 0 invented" in capsys.readouterr().out
