import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from bot import opening
from bot.cli import _named, main
from bot.pipeline import Bot
from corpus.documents import Document
from index.passage_index import PassageIndex
from tests.test_pipeline import LETTER, WordReader


@pytest.fixture
def observer(build_index, monkeypatch):
    """Run a command of `observer` on a bot of three passages."""
    bot = Bot(build_index(LETTER), reader=WordReader("forty passengers"))
    monkeypatch.setattr(opening, "open_bot", lambda folder=None, settings=None, tuned=True: bot)

    def run(*args, **kwargs):
        return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="observer", **kwargs)

    return run


def test_ask_prints_the_answer_and_its_evidence(observer):
    result = observer("ask", "How many passengers does it carry?")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "forty passengers"
    assert "«forty passengers»" in result.stdout


def test_ask_json_prints_one_object_of_the_contract(observer):
    record = json.loads(observer("ask", "--json", "How many passengers?").stdout)
    assert list(record) == [
        "id",
        "question",
        "query",
        "answer",
        "abstained",
        "confidence",
        "citations",
        "alternatives",
        "passages",
        "seconds",
    ]


def test_ask_reads_a_question_from_standard_input(observer):
    assert observer("ask", "-", input="How many passengers?\n").stdout.startswith(
        "forty passengers"
    )


def test_ask_searches_the_named_document_only(observer):
    result = observer("ask", "How many passengers does it carry?", "--document", "0.txt")
    assert result.stdout.splitlines()[0] == "forty passengers"
    result = observer("ask", "How many?", "--document", "1.txt")
    assert result.exit_code == 2
    assert result.stderr == "1.txt: no such document; did you mean '0.txt'?\n"


def test_chat_keeps_the_dialogue_until_it_is_told_to_start_over(observer):
    lines = "Who is Sok Dara?\nWhere does he live?\n/new\nWhere does he live?\n/quit\nnever asked\n"
    shown = observer("chat", input=lines).stdout
    assert shown.count("searched: Where does Sok Dara live?") == 1
    assert "never asked" not in shown


def test_show_prints_every_passage_with_its_number(observer):
    shown = observer("show").stdout
    assert [
        f"[{n}] {start}" in shown for n, start in ((1, "The ferry"), (2, "Captain"), (3, "On busy"))
    ]
    assert "[4]" not in shown


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["ask"], "observer ask: Missing argument 'QUESTION'."),
        (["ask", "x", "--threshold", "2"], "observer ask: Invalid value for '--threshold'"),
        (["nonsense"], "observer: No such command 'nonsense'."),
        (["index", "/no/such/file", "-o", "x.index"], "/no/such/file: no such file or folder"),
        (["run", "none.jsonl", "-o", "a.jsonl"], "none.jsonl"),
        (["evaluate", "none.jsonl", "a.jsonl"], "none.jsonl"),
    ],
)
def test_a_wrong_call_ends_with_one_line_and_status_2(
    observer, tmp_path, monkeypatch, args, message
):
    monkeypatch.chdir(tmp_path)
    result = observer(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_index_builds_a_folder_and_says_what_is_in_it(tmp_path, monkeypatch, keyword_encoder):
    (tmp_path / "a.txt").write_text(LETTER, encoding="utf-8")
    monkeypatch.setattr("index.embedding.SentenceEncoder", lambda name: keyword_encoder("ferry"))
    result = CliRunner().invoke(
        main, ["index", str(tmp_path / "a.txt"), "-o", str(tmp_path / "a.index")]
    )
    assert result.stdout == f"{tmp_path / 'a.index'}: 1 document, 3 passages\n"
    assert (tmp_path / "a.index" / "manifest.json").is_file()


def test_an_index_whose_document_changed_says_so_on_stderr(
    observer, tmp_path, monkeypatch, keyword_encoder
):
    encoder = keyword_encoder("ferry")
    monkeypatch.setattr("index.embedding.SentenceEncoder", lambda name: encoder)
    monkeypatch.setattr(
        opening,
        "open_bot",
        lambda folder, settings, tuned: Bot(
            PassageIndex.load(folder, encoder=encoder), reader=WordReader("ferry")
        ),
    )
    (tmp_path / "a.txt").write_text(LETTER, encoding="utf-8")
    observer("index", tmp_path / "a.txt", "-o", tmp_path / "a.index")
    assert observer("ask", "Which?", "--index", tmp_path / "a.index").stderr == ""
    (tmp_path / "a.txt").write_text("Another text.", encoding="utf-8")
    result = observer("ask", "Which?", "--index", tmp_path / "a.index")
    assert "a.txt changed on disk since the index was built; refresh it with: " in result.stderr
    assert result.exit_code == 0


def test_the_version_is_shown(observer):
    assert observer("--version").stdout.startswith("observer ")


def test_of_many_documents_the_first_five_are_named():
    documents = {f"{n}.txt": Document.from_text(f"{n}.txt", "", title="T" * n) for n in range(3)}
    assert _named(documents) == "0.txt, T, TT"
    documents |= dict.fromkeys("abcd", documents["0.txt"])
    assert _named(documents) == "0.txt, T, TT, a, b and 2 more"


def test_help_imports_no_model_library():
    code = (
        "import sys\nfrom bot.cli import main\n"
        "try:\n    main(['--help'], prog_name='observer')\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'faiss', 'gradio', 'numpy', 'transformers', 'sentence_transformers',"
        " 'onnxruntime', 'bm25s'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_the_module_runs_as_the_command():
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "--help"], capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("Usage: observer")
