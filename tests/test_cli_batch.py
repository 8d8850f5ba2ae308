import json
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest
from click.testing import CliRunner

from bot.answer import Answer
from bot.cli_batch import evaluate_command, run_command
from bot.settings import Settings
from corpus.errors import ObserverError
from index.contents import Contents
from index.passage_index import IndexSettings


class StubBot:
    """Knows one word."""

    documents = None
    index = SimpleNamespace(
        contents=Contents.of([], []),
        passages=(),
        settings=IndexSettings(),
        encoder=SimpleNamespace(fingerprint="keywords"),
    )
    reader = None
    settings = Settings()

    def ask(self, question, history=()):
        text = "Westerdam" if "ship" in question else ""
        return Answer(question, question, text, (), (), 0.75 if text else 0.25, seconds=0.5)


@pytest.fixture
def opened(monkeypatch):
    """The index folders that `open_bot` was called with."""
    folders = []

    def open_bot(index_folder, *, settings, tuned):
        folders.append(index_folder)
        return StubBot()

    module = ModuleType("bot.opening")
    monkeypatch.setattr(module, "open_bot", open_bot, raising=False)
    monkeypatch.setitem(sys.modules, "bot.opening", module)
    monkeypatch.setattr("index.passage_index.stale_documents", lambda folder, index: None)
    return folders


@pytest.fixture
def call(tmp_path, monkeypatch, opened):
    """Call a command in a folder of its own; an error a user can mend comes out as it is raised."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.jsonl").write_text(
        '{"question": "Which ship?", "answers": ["Westerdam"]}\n'
        '{"question": "Who?", "answers": ["Hun Sen"]}\n'
        '{"question": "Why?", "answers": []}\n'
    )

    def invoke(command, *args):
        result = CliRunner().invoke(command, args)
        if isinstance(result.exception, ObserverError | KeyboardInterrupt):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def answered(call):
    call(run_command, "q.jsonl", "-o", "a.jsonl")
    return call


def test_run_writes_an_answers_file_and_nothing_else(call, tmp_path, opened):
    result = call(run_command, "q.jsonl", "--output", "a.jsonl")
    assert (result.exit_code, result.output) == (0, "")
    records = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [(record["id"], record["answer"]) for record in records] == [
        ("1", "Westerdam"),
        ("2", ""),
        ("3", ""),
    ]
    assert opened == [None]


def test_run_writes_to_standard_output_for_a_dash(call, tmp_path):
    result = call(run_command, "q.jsonl", "-o", "-")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["1", "2", "3"]
    assert [path.name for path in tmp_path.iterdir()] == ["q.jsonl"]


def test_run_opens_the_index_it_is_given(call, opened, tmp_path):
    call(run_command, "q.jsonl", "-o", "a.jsonl", "--index", "handbook.index")
    assert [str(folder) for folder in opened] == ["handbook.index"]


def test_run_refuses_to_clobber_before_it_loads_a_model(answered, opened):
    opened.clear()
    with pytest.raises(
        ObserverError, match=r"a\.jsonl: already exists; .* --resume, .* --overwrite"
    ):
        answered(run_command, "q.jsonl", "-o", "a.jsonl")
    assert opened == []
    assert answered(run_command, "q.jsonl", "-o", "a.jsonl", "--overwrite").exit_code == 0


def test_a_finished_run_is_checked_against_its_bot_and_not_asked_again(answered, tmp_path):
    before = (tmp_path / "a.jsonl").read_bytes()
    assert answered(run_command, "q.jsonl", "-o", "a.jsonl", "--resume").exit_code == 0
    assert (tmp_path / "a.jsonl").read_bytes() == before


def test_run_loads_no_model_for_a_finished_file_of_an_earlier_version(answered, opened, tmp_path):
    (tmp_path / "a.jsonl.run.json").unlink()
    opened.clear()
    assert answered(run_command, "q.jsonl", "-o", "a.jsonl", "--resume").exit_code == 0
    assert opened == []


@pytest.mark.parametrize(
    ("change", "other"),
    [
        ({"settings": Settings(threshold=0.3)}, r"other settings \(threshold None, now 0\.3\);"),
        ({"index": SimpleNamespace(**vars(StubBot.index) | {"passages": (1,)})}, "other index; go"),
        (
            {"reader": SimpleNamespace()},
            "other reader; go back to those, start again with --overwrite",
        ),
    ],
)
def test_a_run_is_not_gone_on_with_by_another_bot(answered, tmp_path, monkeypatch, change, other):
    for name, value in change.items():
        monkeypatch.setattr(StubBot, name, value)
    before = (tmp_path / "a.jsonl").read_bytes()
    with pytest.raises(ObserverError, match=rf"a\.jsonl: was begun with {other}"):
        answered(run_command, "q.jsonl", "-o", "a.jsonl", "--resume")
    assert (tmp_path / "a.jsonl").read_bytes() == before


def test_a_run_is_not_gone_on_with_for_more_questions(answered, tmp_path, opened):
    with (tmp_path / "q.jsonl").open("a") as stream:
        stream.write('{"question": "And where?"}\n')
    opened.clear()
    with pytest.raises(ObserverError, match=r"a\.jsonl: was begun with other questions; go back"):
        answered(run_command, "q.jsonl", "-o", "a.jsonl", "--resume")
    assert opened == []


def test_a_corrected_answer_in_the_set_does_not_keep_a_run_from_going_on(answered, tmp_path):
    text = (tmp_path / "q.jsonl").read_text()
    (tmp_path / "q.jsonl").write_text(text.replace("Hun Sen", "Samdech Hun Sen"))
    assert answered(run_command, "q.jsonl", "-o", "a.jsonl", "--resume").exit_code == 0


def test_a_malformed_row_is_named_and_the_rest_is_asked(call, tmp_path):
    (tmp_path / "q.jsonl").write_text(
        '{"question": "Which ship?"}\n{"id": 7, "question": "Who?"}\nnonsense\n'
        '{"question": "And when?", "follows": "3"}\n{"question": "Why?"}\n'
    )
    result = call(run_command, "q.jsonl", "-o", "a.jsonl")
    assert result.exit_code == 1
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [
        "q.jsonl:2",
        "q.jsonl:3",
        "q.jsonl:4",
        "q.jsonl",
    ]
    assert result.stderr.endswith("q.jsonl: 3 rows were left out\n")
    records = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [record["id"] for record in records] == ["1", "5"]
    assert call(run_command, "q.jsonl", "-o", "a.jsonl", "--resume").exit_code == 1


def test_strict_stops_at_a_malformed_row_before_anything_is_asked(call, tmp_path, opened):
    (tmp_path / "q.jsonl").write_text('{"question": "Which ship?"}\nnonsense\n')
    with pytest.raises(ObserverError, match=r"q\.jsonl:2: expected one JSON object"):
        call(run_command, "q.jsonl", "-o", "a.jsonl", "--strict")
    assert opened == []
    assert not (tmp_path / "a.jsonl").exists()


def test_workers_change_nothing_in_the_answers_file(answered, tmp_path):
    answered(run_command, "q.jsonl", "-o", "b.jsonl", "--workers", "3")
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()


def test_run_resumes_what_is_left(answered, tmp_path):
    path = tmp_path / "a.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert answered(run_command, "q.jsonl", "-o", "a.jsonl", "--resume").exit_code == 0
    assert path.read_bytes() == whole


def test_run_never_writes_over_its_questions(call, tmp_path):
    before = (tmp_path / "q.jsonl").read_bytes()
    with pytest.raises(ObserverError, match=r"q\.jsonl: is the question set itself; name another"):
        call(run_command, "q.jsonl", "-o", "./q.jsonl", "--overwrite")
    assert (tmp_path / "q.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "a.jsonl", "--resume", "--overwrite"], "name one of them"),
        (["-o", "-", "--resume"], "need a file as OUTPUT"),
        (["-o", "-", "--overwrite"], "need a file as OUTPUT"),
        ([], "Missing option '-o' / '--output'"),
    ],
)
def test_options_that_contradict_each_other_are_usage_errors(call, options, message):
    result = call(run_command, "q.jsonl", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_interrupted_run_says_how_to_go_on(call, monkeypatch, tmp_path):
    def stop(self, question, history=()):
        raise KeyboardInterrupt

    monkeypatch.setattr(StubBot, "ask", stop)
    result = CliRunner().invoke(run_command, ["q.jsonl", "-o", "a.jsonl"])
    assert result.exit_code != 0
    assert "a.jsonl: interrupted; go on with --resume\n" in result.stderr
    assert (tmp_path / "a.jsonl").read_bytes() == b""


def test_evaluate_prints_a_table(answered):
    result = answered(evaluate_command, "q.jsonl", "a.jsonl")
    assert result.exit_code == 0
    # Right: the ship and the refusal, of three.
    assert "exact_match             0.6667  0.1594 to 0.9547\n" in result.stdout
    assert "recall@1                     -\n" in result.stdout


def test_evaluate_prints_an_object_with_null_for_what_is_missing(answered):
    report = json.loads(answered(evaluate_command, "q.jsonl", "a.jsonl", "--json").stdout)
    assert report["n"] == 3
    assert report["exact_match"] == pytest.approx(2 / 3)
    # 0.75 and 0.25 against 0.25: one win and one tie of two pairs.
    assert report["auroc"] == 0.75
    assert report["recall@5"] is None
    assert report["seconds_median"] == 0.5
    assert report["intervals"]["exact_match"] == pytest.approx([0.1594, 0.9547], abs=1e-4)
    assert report["intervals"]["auroc"][0] < 0.75 < report["intervals"]["auroc"][1]


def test_bounds_that_are_met_change_nothing(answered):
    bounds = ("--fail-under", "refused=1", "--fail-under", "f1=0.6666666667")
    result = answered(evaluate_command, "q.jsonl", "a.jsonl", *bounds)
    assert (result.exit_code, result.stderr) == (0, "")


def test_every_bound_that_is_not_met_is_named(answered):
    bounds = [f"--fail-under={bound}" for bound in ("f1=0.8", "f1=0.1", "mrr=0", "refused=0.5")]
    result = answered(evaluate_command, "q.jsonl", "a.jsonl", "--json", *bounds)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "f1 is 0.6667, expected at least 0.8",
        "mrr cannot be computed from these files, expected at least 0",
    ]
    assert json.loads(result.stdout)["n"] == 3


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ("accuracy=1", "'accuracy' is no metric"),
        ("f1", "expected a number as in f1=0.8, got 'f1'"),
        ("f1=high", "expected a number as in f1=0.8, got 'f1=high'"),
        ("f1=nan", "expected a number"),
        ("seconds_median=1", "'seconds_median' is no metric"),
    ],
)
def test_a_malformed_bound_is_a_usage_error(answered, bound, message):
    result = answered(evaluate_command, "q.jsonl", "a.jsonl", "--fail-under", bound)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_unknown_metric_is_answered_with_the_known_ones(answered):
    result = answered(evaluate_command, "q.jsonl", "a.jsonl", "--fail-under", "em=1")
    assert "exact_match, f1, " in result.stderr
    assert "recall@5, mrr" in result.stderr


def test_evaluate_names_the_file_that_lacks_an_answer(answered, tmp_path):
    lines = (tmp_path / "a.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "a.jsonl").write_text("".join(lines[:2]))
    with pytest.raises(
        ObserverError, match=r"a\.jsonl: no answer to question '3'; ask the rest with"
    ):
        answered(evaluate_command, "q.jsonl", "a.jsonl")


def test_importing_the_commands_loads_nothing_heavy():
    heavy = ["numpy", "torch", "faiss", "gradio", "sentence_transformers", "bm25s"]
    code = f"import sys, bot.cli_batch; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="."
    )
    assert result.stdout == "[]\n"
