import json

import pytest

from bot.changes import compare_runs, format_changes, load_records
from corpus.errors import QuestionFormatError


def record(name, answer, *, start=0, passage="", question=""):
    """An answer that is quoted from a passage which begins at `start`."""
    citation = {"document": "a.txt", "start": start, "end": start + len(answer), "quote": answer}
    return {
        "id": name,
        "question": question or f"Question {name}?",
        "answer": answer,
        "citations": [citation | {"passage_start": start}] if answer else [],
        "passages": [{"document": "a.txt", "start": start, "text": passage}] if passage else [],
    }


def kinds(old, new):
    return [(change.kind, change.new["id"]) for change in compare_runs(old, new).changes]


def test_answers_that_changed_appeared_or_vanished_are_found_in_the_order_of_the_new_run():
    old = [record("a", "forty"), record("b", ""), record("c", "Kep"), record("d", "Kep")]
    new = [record("d", "Kep"), record("c", ""), record("b", "seven"), record("a", "ninety")]
    assert kinds(old, new) == [("vanished", "c"), ("appeared", "b"), ("changed", "a")]


def test_the_same_words_elsewhere_are_the_same_answer():
    assert kinds([record("a", "Sok Dara")], [record("a", "sok  dara", start=90)]) == []


def test_only_questions_of_both_runs_are_compared():
    old = [record("a", "forty"), record("b", "Kep"), record("c", "Kep", question="Where?")]
    new = [record("a", "forty"), record("c", "", question="When?"), record("d", "Kep")]
    assert compare_runs(old, new).n_compared == 1
    assert kinds(old, new) == []


def test_both_passages_are_shown():
    old = [record("a", "forty", start=7, passage="It carries forty passengers.")]
    new = [record("a", "ninety", start=9, passage="It carries ninety\npassengers.")]
    assert format_changes(compare_runs(old, new)).splitlines() == [
        "1 answer compared: 1 changed, 0 appeared, 0 vanished",
        "",
        "changed  a  Question a?",
        "  before forty",
        "  before a.txt:7-12  It carries forty passengers.",
        "  now    ninety",
        "  now    a.txt:9-15  It carries ninety passengers.",
    ]


def test_an_answer_without_a_reported_passage_shows_its_quote():
    shown = format_changes(compare_runs([record("a", "forty")], [record("a", "")]))
    assert shown.splitlines()[-3:] == [
        "  before forty",
        "  before a.txt:0-5  forty",
        "  now    no answer",
    ]


def test_control_characters_do_not_reach_the_terminal():
    shown = format_changes(compare_runs([record("a", "")], [record("a", "\x1b[31mred")]))
    assert "\x1b" not in shown


def test_the_records_of_a_file_are_read(tmp_path):
    file = tmp_path / "answers.jsonl"
    file.write_text(
        json.dumps(record("a", "forty")) + '\n{"id": "b", "question": "", "answer": ""}\n'
    )
    assert [found["id"] for found in load_records(file)] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "expected one JSON object, got"),
        ('{"id": "a", "answer": ""}', 'expected an answer with "id", "question" and "answer"'),
        (
            '{"id": "a", "question": "", "answer": "", "citations": 3}',
            '"citations" must be a list of objects, got 3',
        ),
    ],
)
def test_a_malformed_line_is_named(tmp_path, line, message):
    file = tmp_path / "answers.jsonl"
    file.write_text(f"\n{line}\n")
    with pytest.raises(QuestionFormatError, match=rf"answers\.jsonl:2: {message}"):
        load_records(file)
