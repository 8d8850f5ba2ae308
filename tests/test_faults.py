import json

import pytest

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
def tallies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    for name, make in (("q.jsonl", question), ("a.jsonl", record)):
        rows = [json.dumps(make(*row)) + "\n" for row in QUESTIONS]
        (folder / name).write_text("".join(rows), encoding="utf-8")
    found = tallied(folder / "q.jsonl", folder / "a.jsonl", {"ferry.txt": TEXT}, 2)
    return {(tally.kind.command, tally.kind.name): tally for tally in found}


@pytest.mark.parametrize(("command", "name"), [(kind.command, kind.name) for kind in KINDS])
def test_a_fault_of_each_kind_is_found_and_none_is_invented(tallies, command, name):
    tally = tallies[command, name]
    assert tally.planted >= 2
    assert (tally.found, tally.invented) == (tally.planted, 0)
