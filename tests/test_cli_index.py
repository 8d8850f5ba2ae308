import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import watching
from bot.cli import main
from bot.watching import changes
from index.passage_index import PassageIndex
from tests.conftest import KeywordEncoder

FERRY = "The ferry carries forty passengers over the river every morning but never on Sundays.\n"
BRIDGE = "The bridge was closed in May because the river had risen over both of its banks.\n"
GERMAN = "Der Ausschuss hat am Montag getagt, und die Mitglieder haben den Bericht angenommen.\n"


@pytest.fixture
def docs(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text(FERRY)
    (tmp_path / "docs" / "b.txt").write_text(BRIDGE)
    return tmp_path / "docs"


@pytest.fixture
def index(docs, tmp_path, monkeypatch):
    """Run `observer index docs -o my` with a stand-in for the encoder."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    encoder = KeywordEncoder("ferry", "bridge")
    monkeypatch.setattr("index.embedding.SentenceEncoder", lambda name: encoder)

    def run(*options):
        return CliRunner().invoke(main, ["index", str(docs), "-o", str(tmp_path / "my"), *options])

    return run


def test_the_first_index_says_how_much_it_holds(index, tmp_path):
    assert index().stdout == f"{tmp_path / 'my'}: 2 documents, 2 passages\n"


def test_a_second_one_says_what_is_new_changed_gone_and_embedded(index, docs):
    index()
    (docs / "a.txt").unlink()
    (docs / "b.txt").write_text(BRIDGE.replace("May", "June"))
    (docs / "c.txt").write_text(FERRY)
    assert index().stdout.splitlines()[1:] == [
        "added     1: c.txt",
        "changed   1: b.txt",
        "removed   1: a.txt",
        "unchanged 0",
        "embedded  1 passage",
    ]


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_indexed(index, docs):
    (docs / "c.pdf").write_bytes(b"%PDF-1.4 cut short")
    result = index()
    assert result.exit_code == 0
    [line] = result.stderr.splitlines()
    assert line.startswith(f"{docs / 'c.pdf'}: ")
    assert "2 documents" in result.stdout


def test_strict_fails_instead_and_leaves_no_index(index, docs, tmp_path):
    (docs / "c.pdf").write_bytes(b"%PDF-1.4 cut short")
    result = index("--strict")
    assert result.exit_code == 2
    assert not (tmp_path / "my" / "manifest.json").exists()


def test_a_document_in_another_language_is_named_for_the_default_encoder(index, docs, monkeypatch):
    monkeypatch.setattr(KeywordEncoder, "name", "all-MiniLM-L6-v2")
    (docs / "c.txt").write_text(GERMAN * 5)
    assert index().stderr == "c.txt: mostly not in English, but the default models are\n"


def test_rebuild_embeds_everything_anew(index):
    index()
    assert index().stdout.splitlines()[-1] == "embedded  0 passages"
    assert index("--rebuild").stdout.count("\n") == 1


def test_changes_of_a_watched_file_are_told_and_those_of_the_index_are_not(tmp_path, monkeypatch):
    for name in ("docs", "docs/my"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(watching, "_FIRST_LOOK_MILLISECONDS", 100)
    told = changes([tmp_path / "docs"], tmp_path / "docs" / "my")
    next(told)  # the first look
    (tmp_path / "docs" / "my" / "data.txt").write_text("x")
    (tmp_path / "docs" / "a.txt").write_text(FERRY)
    assert next(told) is None


class TestWatching:
    @pytest.fixture
    def watch(self, index, monkeypatch):
        """Run `observer index --watch`; each step is what happens before the next look."""

        def run(*steps):
            def look(paths, ignored):
                for step in steps:
                    step()
                    yield

            monkeypatch.setattr(watching, "changes", look)
            return index("--watch")

        return run

    def test_what_changed_is_told(self, watch, docs):
        result = watch(lambda: (docs / "c.txt").write_text(FERRY))
        assert "added     1: c.txt" in result.stdout

    def test_where_nothing_changed_nothing_is_told(self, watch):
        result = watch(lambda: None)
        assert result.stdout.splitlines()[-1] == "Watching for changes (Ctrl-C ends)"

    def test_a_file_that_stays_broken_is_told_once(self, watch, docs):
        result = watch(
            lambda: (docs / "c.txt").write_text(" "), lambda: None, (docs / "b.txt").touch
        )
        assert result.stderr == f"{docs / 'c.txt'}: holds no words; leave it out, or write some\n"
        assert result.stdout.count("2 documents, 2 passages") == 2

    def test_a_file_that_is_mended_and_broken_again_is_told_again(self, watch, docs):
        broken = docs / "c.txt"
        result = watch(
            lambda: broken.write_text(" "),
            lambda: broken.write_text(FERRY),
            lambda: broken.write_text(" "),
        )
        assert result.stderr.count("holds no words") == 2

    def test_an_update_that_keeps_failing_is_told_once(self, watch, docs):
        result = watch(lambda: docs.rename(docs.with_name("gone")), lambda: None)
        assert result.stderr.count("the index stays as it was") == 1
        assert "docs: no such file or folder; check the name; the index stays" in result.stderr


KILLED = """
import sys
from pathlib import Path
import platformdirs
platformdirs.user_cache_path = lambda name: Path(sys.argv[1]) / name
from index.update import update_index
from tests.conftest import KeywordEncoder
print("ready", flush=True)
update_index(Path(sys.argv[1]) / "my", [Path(sys.argv[1]) / "docs"],
             encoder=KeywordEncoder("ferry", "bridge"))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_an_update_that_is_killed_leaves_the_old_index_or_the_new_one(index, docs, tmp_path):
    index()
    rng = random.Random(0)
    for number in range(5):
        new = BRIDGE.replace("May", f"the year {number}")
        old = (docs / "b.txt").read_text()
        (docs / "b.txt").write_text(new)
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONPATH": "."},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(rng.uniform(0, 0.03))
        process.kill()
        process.communicate()
        found = PassageIndex.load(tmp_path / "my", encoder=KeywordEncoder("ferry", "bridge"))
        assert found.documents["a.txt"].text == FERRY
        assert found.documents["b.txt"].text in {old, new}
        index()
