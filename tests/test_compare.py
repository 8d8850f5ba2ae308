import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli_suite import compare_command
from bot.compare import Difference, PairedTest, compare, explain_fall, format_comparison
from bot.evaluate import Prediction
from bot.metrics import auroc
from bot.questions import Evidence, Question
from corpus.errors import ObserverError


def numbered(n, *, dialogue=1):
    """Questions whose answer is "yes", in dialogues of so many turns."""
    return [
        Question(str(i), f"Is it {i}?", ("yes",), follows=str(i - 1) if i % dialogue else None)
        for i in range(n)
    ]


def answers(text):
    """Predictions from a letter each: y is right, n is wrong and - abstains."""
    words = {"y": "yes", "n": "no", "-": ""}
    return {str(i): Prediction(words[letter]) for i, letter in enumerate(text)}


def f1_difference(questions, base, new):
    return compare(questions, answers(base), answers(new)).differences["f1"]


def judged(row):
    assert row.test is not None
    return row.test


def test_a_file_compared_with_itself_shows_no_difference_of_any_metric():
    questions = [
        Question("1", "Which ship?", ("Westerdam",), (Evidence("a.txt", 0, 5),)),
        Question("2", "When?", ("29 April 2020",), (Evidence("a.txt", 9, 12),)),
        Question("3", "Why?", ()),
    ]
    place = (Evidence("a.txt", 0, 5),)
    predictions = {
        "1": Prediction("Westerdam", None, 0.9, place, 1.0),
        "2": Prediction("April", None, 0.3, place, 2.0),
        "3": Prediction("", None, 0.3, place, 3.0),
    }
    comparison = compare(questions, predictions, predictions)
    assert list(comparison.changes) == []
    rows = {
        name: row for name, row in comparison.differences.items() if not name.startswith("seconds")
    }
    assert len(rows) == 11
    for row in rows.values():
        assert row.difference == 0
        assert row.test == PairedTest((0, 0), 1, 0)
        assert row.verdict == "no difference shown"


def test_a_loss_beyond_noise_is_worse_and_the_same_gain_is_better():
    questions = numbered(40)
    right, half = "y" * 40, "n" * 20 + "y" * 20
    loss, gain = f1_difference(questions, right, half), f1_difference(questions, half, right)
    assert (loss.base, loss.new, loss.difference) == (1, 0.5, -0.5)
    assert (loss.verdict, gain.verdict) == ("worse", "better")
    low, high = loss.test.interval
    # A mean of 40 that are 0 or 1, half of each, has a standard error of 0.079.
    assert low == pytest.approx(-0.5 - 1.96 * 0.079, abs=0.03)
    assert high == pytest.approx(-0.5 + 1.96 * 0.079, abs=0.03)
    assert gain.test.interval == pytest.approx((-high, -low))
    assert loss.test.p == gain.test.p < 0.001


def test_as_many_lost_as_won_is_no_difference():
    row = f1_difference(numbered(20), "y" * 5 + "n" * 15, "n" * 5 + "y" * 5 + "n" * 10)
    assert (row.difference, row.test.p, row.test.n_differing) == (0, 1, 10)
    assert row.verdict == "no difference shown"


def test_p_counts_the_combinations_that_differ_as_much():
    # Five losses and a gain, net 4. Of 2**6 combinations 7 reach 4: all six, or all but one of
    # them; as many reach -4.
    row = f1_difference(numbered(9), "yyyyynyyy", "nnnnnyyyy")
    assert row.test.p == 14 / 64


def test_many_combinations_are_drawn_and_come_near_the_exact_p():
    # 12 differ, 10 of them losses. Of 2**12 combinations 1 + 12 + 66 have 10 or more of one sign.
    row = f1_difference(numbered(20), "y" * 10 + "nn" + "y" * 8, "n" * 10 + "yy" + "y" * 8)
    assert row.test.p == pytest.approx(2 * 79 / 4096, abs=0.015)


def test_three_questions_are_too_few_to_show_a_difference_and_four_are_not():
    three = f1_difference(numbered(3), "yyy", "nnn")
    assert (three.test.interval, three.verdict) == ((-1, -1), "no difference shown")
    assert f1_difference(numbered(4), "yyyy", "nnnn").verdict == "worse"


def test_a_dialogue_counts_once_however_many_turns_are_lost():
    base, new = "y" * 40, "n" * 8 + "y" * 32
    alone = f1_difference(numbered(40), base, new)
    turns = f1_difference(numbered(40, dialogue=8), base, new)
    assert alone.difference == turns.difference
    assert (alone.test.n_differing, turns.test.n_differing) == (8, 1)
    assert (alone.verdict, turns.verdict) == ("worse", "no difference shown")
    # One of five dialogues is lost; all or none may be drawn.
    assert turns.test.p == 1
    assert turns.test.interval[1] == 0
    assert compare(numbered(40, dialogue=8), answers(base), answers(new)).n_dialogues == 5


def test_the_same_files_give_the_same_figures_again():
    files = numbered(30), "y" * 30, "n" * 12 + "y" * 18
    assert f1_difference(*files) == f1_difference(*files)


def sure(*confidences):
    return {str(i): Prediction("yes", None, value) for i, value in enumerate(confidences)}


def test_the_auroc_is_compared_by_ranks_so_that_the_scale_does_not_matter():
    questions = [*numbered(4), *(Question(str(i), "?", ()) for i in range(4, 8))]
    base = sure(0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1)
    percent = sure(90, 80, 70, 60, 40, 30, 20, 10)
    same = compare(questions, base, percent).differences["auroc"]
    assert (same.difference, same.test) == (0, PairedTest((0, 0), 1, 0))
    reverse = compare(questions, base, sure(1, 2, 3, 4, 6, 7, 8, 9)).differences["auroc"]
    assert (reverse.base, reverse.new, reverse.verdict) == (1, 0, "worse")


def test_the_p_of_the_auroc_is_that_of_swapping_ranks_by_hand():
    questions = [*numbered(3), *(Question(str(i), "?", ()) for i in (3, 4))]
    # Ranks from 1 to 5, the same as confidences; one tie.
    base, new = (5, 4, 2.5, 2.5, 1), (1, 4, 5, 3, 2)
    row = compare(questions, sure(*base), sure(*new)).differences["auroc"]

    def gain(swaps):
        before = [new[i] if swap else base[i] for i, swap in enumerate(swaps)]
        after = [base[i] if swap else new[i] for i, swap in enumerate(swaps)]
        return (auroc(after[:3], after[3:]) or 0) - (auroc(before[:3], before[3:]) or 0)

    gains = [gain(swaps) for swaps in product([False, True], repeat=5)]
    assert row.difference == pytest.approx(gains[0])
    n_larger = sum(abs(value) >= abs(gains[0]) - 1e-9 for value in gains)
    assert 2 < n_larger < 32
    assert judged(row).p == n_larger / 32


def test_the_interval_of_the_auroc_holds_its_difference():
    questions = [*numbered(20), *(Question(str(i), "?", ()) for i in range(20, 40))]
    base = sure(*range(40, 0, -1))
    new = sure(*(40 - i if i % 4 else i for i in range(40)))
    row = compare(questions, base, new).differences["auroc"]
    low, high = judged(row).interval
    assert -1 <= low < row.difference < high < 0
    assert row.verdict == "worse"


def test_a_metric_that_one_file_lacks_the_key_for_is_left_out():
    comparison = compare(numbered(3), sure(1, 2, 3), answers("yyn"))
    assert list(comparison.differences) == [
        *("exact_match", "f1", "answerable_exact_match", "answerable_f1", "answered")
    ]


def test_times_are_shown_without_verdict():
    slow = {"0": Prediction("yes", seconds=9.0)}
    fast = {"0": Prediction("yes", seconds=1.0)}
    row = compare(numbered(1), slow, fast).differences["seconds_median"]
    assert row == Difference("seconds_median", 9, 1)
    assert row.verdict is None


def test_questions_are_listed_from_the_worst_loss_to_the_least_gain():
    questions = [
        Question(name, "?", ("a1 b1",)) for name in ("half lost", "won", "lost", "half won", "kept")
    ]
    texts = {
        "half lost": ("a1 b1", "a1"),
        "won": ("", "a1 b1"),
        "lost": ("a1 b1", ""),
        "half won": ("a1", "a1 b1"),
        "kept": ("a1", "b1"),
    }
    base, new = ({name: Prediction(text[side]) for name, text in texts.items()} for side in (0, 1))
    comparison = compare(questions, base, new)
    listed = [(change.question.id, change.lost) for change in comparison.changes]
    # Of two words one is found: F1 2/3.
    assert listed == [
        ("lost", True),
        ("half lost", True),
        ("won", False),
        ("half won", False),
    ]
    assert comparison.n_lost == 2


def test_questions_that_are_not_scored_are_never_won_or_lost():
    comparison = compare([Question("0", "Hello?")], answers("y"), answers("-"))
    assert list(comparison.changes) == []
    assert dict(comparison.differences) == {}


def test_the_text_gives_both_answers_with_the_passages_that_they_are_cited_from():
    base = {"0": Prediction("yes", cited=Evidence("a.txt", 10, 90))}
    text = format_comparison(compare(numbered(1), base, answers("-")), limit=0)
    assert text.endswith(
        "By F1: 1 lost, 0 won\n"
        "\n"
        "lost 0  F1 1.00 to 0.00  'Is it 0?'\n"
        "     expected  'yes'\n"
        "     base      'yes' from 'a.txt:10-90'\n"
        "     new       abstained"
    )


def test_the_table_lines_up_and_names_each_verdict():
    comparison = compare(numbered(8), answers("yyyyyyyy"), answers("nnnnnnnn"))
    assert (
        "f1                       1.0000   0.0000  -1.0000  -1.0000 to -1.0000   0.008  worse"
        in format_comparison(comparison, limit=0).splitlines()
    )


def test_where_the_interval_and_p_part_that_is_said_and_why():
    text = format_comparison(compare(numbered(4), answers("yyyy"), answers("nnnn")), limit=0)
    [line] = [line for line in text.splitlines() if line.startswith("f1 ")]
    assert line.endswith("  0.125  worse, p above 0.05")
    assert "which cannot fall below 0.125 where only 4 dialogues differ." in text
    row = Difference("f1", 0.8, 0.7, PairedTest((-0.2, 0.0), 0.04, 7))
    assert row.verdict == "no difference shown"
    assert judged(row).is_split


def test_where_they_agree_nothing_is_explained():
    text = format_comparison(compare(numbered(8), answers("y" * 8), answers("n" * 8)), limit=0)
    assert "another test" not in text
    assert "p above" not in text


def test_an_unanswerable_question_expects_no_answer():
    text = format_comparison(compare([Question("0", "?", ())], answers("-"), answers("y")), 0)
    assert "     expected  no answer\n     base      abstained\n     new       'yes'" in text


@pytest.mark.parametrize(("limit", "n_listed", "rest"), [(2, 2, 1), (3, 3, 0), (0, 3, 0)])
def test_the_limit_counts_what_it_leaves_out(limit, n_listed, rest):
    text = format_comparison(compare(numbered(3), answers("yyy"), answers("nnn")), limit)
    assert text.count("\nlost ") == n_listed
    assert ("and 1 more; --limit 0 lists all" in text) == bool(rest)


@pytest.mark.parametrize(
    ("difference", "line"),
    [
        (
            Difference("f1", 0.8, 0.769, PairedTest((-0.05, -0.012), 0.01, 9)),
            "f1 fell by 0.031 (95 % interval 0.012 to 0.050)",
        ),
        (
            Difference("f1", 0.8, 0.769, PairedTest((-0.05, -0.012), 0.0625, 5)),
            "f1 fell by 0.031 (95 % interval 0.012 to 0.050, p 0.062)",
        ),
        (
            Difference("f1", 0.8, 0.796, PairedTest((-0.02, 0.01), 0.6, 9)),
            "f1 fell by 0.004, within noise",
        ),
        (Difference("f1", 0.8, 0.8, PairedTest((0, 0), 1, 0)), None),
        (Difference("f1", 0.8, 0.9, PairedTest((0.05, 0.15), 0.01, 9)), None),
        (None, "f1 cannot be computed from both files, so a loss cannot be ruled out"),
    ],
)
def test_a_fall_is_told_from_noise_in_a_line(difference, line):
    assert explain_fall("f1", difference) == line


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Call the command on 12 questions and a base that is right on all."""
    monkeypatch.chdir(tmp_path)
    rows = [{"question": f"Is it {i}?", "answers": ["yes"]} for i in range(12)]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    write("base.jsonl", ["yes"] * 12)
    write("noise.jsonl", ["no", *["yes"] * 11])
    write("loss.jsonl", [*["no"] * 9, *["yes"] * 3])

    def invoke(*args):
        result = CliRunner().invoke(compare_command, ["q.jsonl", *args])
        if isinstance(result.exception, ObserverError):
            raise result.exception
        return result

    return invoke


def write(name, texts):
    citation = {"document": "a.txt", "start": 3, "end": 6, "passage_start": 0, "passage_end": 9}
    records = [
        {"id": str(number), "answer": text, "citations": [citation]}
        for number, text in enumerate(texts, start=1)
    ]
    Path(name).write_text("\n".join(map(json.dumps, records)))


def test_the_command_fails_for_a_loss_and_says_so_in_one_line(call):
    result = call("base.jsonl", "loss.jsonl", "--fail-if-worse", "f1")
    assert result.exit_code == 1
    # Nine of twelve, 0.75 with a standard error of 0.125.
    assert result.stderr == "f1 fell by 0.750 (95 % interval 0.500 to 1.000)\n"


def test_the_command_lets_noise_pass_and_names_it(call):
    result = call("base.jsonl", "noise.jsonl", "--fail-if-worse", "f1")
    assert (result.exit_code, result.stderr) == (0, "f1 fell by 0.083, within noise\n")


def test_the_command_judges_each_metric_that_is_named_once(call):
    names = ("answered", "f1", "exact_match", "f1")
    result = call(
        "base.jsonl", "noise.jsonl", *(part for name in names for part in ("--fail-if-worse", name))
    )
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stderr.splitlines()] == ["f1", "exact_match"]


def test_without_a_metric_to_judge_a_loss_is_only_printed(call):
    result = call("base.jsonl", "loss.jsonl", "--limit", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "base      'yes' from 'a.txt:0-9'" in result.stdout
    assert result.stdout.endswith("and 8 more; --limit 0 lists all\n")


def test_a_metric_that_cannot_be_computed_fails(call):
    result = call("base.jsonl", "base.jsonl", "--fail-if-worse", "mrr")
    assert result.exit_code == 1
    assert result.stderr.startswith("mrr cannot be computed from both files")


@pytest.mark.parametrize("name", ["em", "n", "n_asked", "seconds_median", ""])
def test_an_unknown_metric_is_refused_with_the_known_ones(call, name):
    result = call("base.jsonl", "base.jsonl", "--fail-if-worse", name)
    assert result.exit_code == 2
    assert f"{name!r} is no metric that is judged; expected one of exact_match, f1, " in (
        " ".join(result.stderr.split())
    )


def test_a_negative_limit_is_refused(call):
    assert call("base.jsonl", "base.jsonl", "--limit", "-1").exit_code == 2


def test_the_object_holds_everything_whatever_the_limit(call):
    result = call("base.jsonl", "loss.jsonl", "--json", "--limit", "1")
    record = json.loads(result.stdout)
    assert {key: record[key] for key in ("n_questions", "n_dialogues", "n_lost", "n_won")} == {
        "n_questions": 12,
        "n_dialogues": 12,
        "n_lost": 9,
        "n_won": 0,
    }
    f1 = record["metrics"]["f1"]
    assert (f1["base"], f1["new"], f1["difference"]) == (1, 0.25, -0.75)
    # Nine differ: all one way or all the other.
    assert (f1["p"], f1["n_differing"], f1["verdict"]) == (2 / 2**9, 9, "worse")
    assert f1["interval"] == [-1, -0.5]
    assert len(record["questions"]) == 9
    passage = {"document": "a.txt", "start": 0, "end": 9}
    assert record["questions"][0] == {
        "id": "1",
        "question": "Is it 0?",
        "answers": ["yes"],
        "base": {"answer": "yes", "abstained": False, "f1": 1, "passage": passage},
        "new": {"answer": "no", "abstained": False, "f1": 0, "passage": passage},
    }


@pytest.mark.parametrize("files", [("short.jsonl", "base.jsonl"), ("base.jsonl", "short.jsonl")])
def test_the_file_that_lacks_an_answer_is_named(call, files):
    write("short.jsonl", ["yes"] * 11)
    with pytest.raises(ObserverError, match=r"^short\.jsonl: no answer to question '12'; ask"):
        call(*files)


@pytest.mark.parametrize(
    ("citations", "place"),
    [
        ('[{"document": "a.txt", "start": 3, "end": 6}]', " from 'a.txt:3-6'"),
        ('["page 7"]', ""),
        ('"page 7"', ""),
        ("[]", ""),
    ],
)
def test_citations_of_other_bots_are_shown_as_far_as_they_name_a_place(call, citations, place):
    lines = [f'{{"id": "{n}", "answer": "no", "citations": {citations}}}' for n in range(1, 13)]
    Path("other.jsonl").write_text("\n".join(lines))
    assert f"new       'no'{place}\n" in call("base.jsonl", "other.jsonl").stdout


def test_the_command_loads_numpy_only_when_it_is_called():
    code = "import sys, bot.cli_suite; print('numpy' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"
