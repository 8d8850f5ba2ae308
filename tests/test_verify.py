import json
import re

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.verify import verify_answers
from corpus import Document
from corpus.errors import QuestionFormatError

TEXT = "The ferry carries forty passengers. Captain Sok Dara steers it."
DOCUMENTS = {"ferry.txt": Document.from_text("ferry.txt", TEXT)}


def citation(**changes):
    place = {"document": "ferry.txt", "start": 18, "end": 34, "quote": "forty passengers"}
    return {**place, "passage_start": 0, "passage_end": 35, "confidence": 0.9, **changes}


def record(**changes):
    passage = {"document": "ferry.txt", "start": 0, "end": 35, "text": TEXT[:35], "score": 1.0}
    return {
        "id": "q1",
        "question": "How many?",
        "answer": "forty passengers",
        "citations": [citation()],
        "alternatives": [],
        "passages": [passage],
        **changes,
    }


@pytest.fixture
def problems(tmp_path):
    """Verify these records; what is found, without the place in the file."""

    def verify(*records):
        file = tmp_path / "a.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in records), encoding="utf-8")
        found = [line for check in verify_answers(file, DOCUMENTS) for line in check.problems]
        assert all(line.startswith(f"{file}:") for line in found)
        return [line.removeprefix(f"{file}:") for line in found]

    return verify


def test_an_answer_as_the_document_has_it_is_without_problem(problems):
    assert problems(record(), record(answer="", citations=[])) == []


def test_a_summary_is_made_of_all_its_quotes(problems):
    other = citation(start=36, end=52, quote="Captain Sok Dara", passage_start=36, passage_end=63)
    whole = record(answer="forty passengers Captain Sok Dara", citations=[citation(), other])
    assert problems(whole) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"citations": [citation(quote="forty pessengers")], "answer": "forty pessengers"},
            "1: q1: citation 1: ferry.txt:18-34 reads 'forty passengers', not 'forty pessengers'",
        ),
        (
            {"citations": [citation(start=17, end=33)]},
            "1: q1: citation 1: ferry.txt:17-33 reads ' forty passenger', not 'forty passengers'; "
            "that stands at ferry.txt:18-34",
        ),
        (
            {"citations": [citation(document="other.txt")]},
            "1: q1: citation 1: there is no document 'other.txt'",
        ),
        (
            {"citations": [citation(end=400)]},
            "1: q1: citation 1: ferry.txt:18-400 is no place in it, of 63 characters",
        ),
        (
            {"citations": [citation(start="18")]},
            "1: q1: citation 1: ferry.txt:18-34 is no place in it, of 63 characters",
        ),
        (
            {"citations": [citation(passage_end=30)]},
            "1: q1: citation 1: its passage ferry.txt:0-30 does not hold it",
        ),
        (
            {"alternatives": [citation(quote="nine passengers")]},
            "1: q1: alternative 1: ferry.txt:18-34 reads 'forty passengers', not 'nine passengers'",
        ),
        (
            {"passages": [{"document": "ferry.txt", "start": 0, "end": 35, "text": "The fairy"}]},
            f"1: q1: passage 1: ferry.txt:0-35 reads {TEXT[:35]!r}, not 'The fairy'",
        ),
        (
            {"citations": [citation(passage_end=34)]},
            "1: q1: citation 1: its passage ferry.txt:0-34 is listed as ferry.txt:0-35",
        ),
        (
            {"citations": [citation(location="page 4")]},
            "1: q1: citation 1: stands at '', not at 'page 4'",
        ),
        ({"answer": "fifty"}, "1: q1: answers 'fifty', which is not what it quotes"),
        ({"citations": []}, "1: q1: answers 'forty passengers' without a quote"),
        ({"answer": ""}, "1: q1: abstains, but quotes"),
    ],
)
def test_a_planted_fault_is_found_and_nothing_else(problems, changes, problem):
    assert problems(record(**changes)) == [problem]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hello", r"a\.jsonl:1: expected one JSON object"),
        ('{"id": 1}', r'a\.jsonl:1: expected an answer with "id" and "answer"'),
        ('{"id": "1", "answer": "", "citations": 7}', r'a\.jsonl:1: "citations" must be a list of'),
    ],
)
def test_a_line_that_is_no_answer_is_named_and_the_next_is_read(tmp_path, line, message):
    (tmp_path / "a.jsonl").write_text(f"{line}\n{json.dumps(record(answer='fifty'))}")
    first, second = (check.problems[0] for check in verify_answers(tmp_path / "a.jsonl", DOCUMENTS))
    assert re.search(message, first)
    assert second.endswith("a.jsonl:2: q1: answers 'fifty', which is not what it quotes")


def test_a_quote_that_names_no_passage_is_held_against_none(problems):
    start = citation(start=0, end=9, quote="The ferry")
    bare = {key: start[key] for key in ("document", "start", "end", "quote")}
    assert problems(record(answer="The ferry", citations=[bare])) == []


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    with pytest.raises(QuestionFormatError, match=r"none\.jsonl: cannot be read: No such file"):
        list(verify_answers(tmp_path / "none.jsonl", DOCUMENTS))
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(QuestionFormatError, match=r"a\.jsonl: is not UTF-8"):
        list(verify_answers(tmp_path / "a.jsonl", DOCUMENTS))


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (TEXT, 0, "2 quotes and passages of 1 answers read again: all as in the documents"),
        (TEXT.replace("forty", "fifty"), 1, "of 1 answers read again: 2 problems"),
    ],
)
def test_the_command_reads_the_documents_that_are_named(tmp_path, text, status, said):
    (tmp_path / "ferry.txt").write_text(text)
    (tmp_path / "a.jsonl").write_text(json.dumps(record()))
    result = CliRunner().invoke(
        main, ["verify", str(tmp_path / "a.jsonl"), "--documents", str(tmp_path / "ferry.txt")]
    )
    assert (result.exit_code, said in result.stdout) == (status, True)
