import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus import worker as module
from corpus.errors import UnreadableDocumentError
from corpus.text import NoTextError
from corpus.worker import ReadLimits, Worker, _reply
from tests.test_kinds import FILES, damaged


@pytest.fixture
def start():
    """Makes workers, and ends them."""
    made = []

    def make(**limits):
        made.append(Worker(ReadLimits(**limits)))
        return made[-1]

    yield make
    for worker in made:
        worker.close()


def test_a_worker_reads_one_file_after_another_in_one_process(start):
    worker = start()
    assert worker.read("html", FILES["html"]).text.startswith("Ships")
    process = worker._process
    assert "Westerdam" in worker.read("table", FILES["table"]).text
    assert worker._process is process


def test_a_package_of_the_same_name_in_the_working_folder_is_not_run(start, tmp_path, monkeypatch):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "__init__.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    assert start().read("html", FILES["html"]).text.startswith("Ships")


def test_marks_and_title_come_back(start):
    extracted = start().read("pptx", FILES["pptx"])
    assert next((mark.kind, mark.label) for mark in extracted.marks) == ("slide", "1")


def test_a_parser_that_takes_too_long_is_ended_and_the_next_file_is_read(start):
    worker = start(seconds=0.01)
    with pytest.raises(UnreadableDocumentError, match=r"takes longer than 0\.01 s to read"):
        worker.read("html", b"<p>" * 2_000_000)
    worker.limits = ReadLimits()
    assert worker.read("json", FILES["json"]).text


def test_a_parser_that_needs_too_much_memory_is_refused(start):
    worker = start(memory_bytes=96 << 20)
    with pytest.raises(UnreadableDocumentError, match=r"too much memory|ended the program"):
        worker.read("html", b"<p>ship</p>" * 8_000_000)


def test_a_damaged_file_is_refused_in_one_line(start):
    with pytest.raises(UnreadableDocumentError, match="save it anew") as caught:
        start().read("docx", FILES["docx"][:-100])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "needs too much memory to read; split it"),
        (ModuleNotFoundError("no", name="mammoth"), "install it with: pip install mammoth"),
        (RecursionError(), "nests too deeply"),
        (KeyError("x"), r"is damaged, or no docx file \(KeyError\)"),
        (NoTextError("x"), "is not text in a known encoding"),
    ],
)
def test_whatever_a_parser_raises_becomes_a_line(monkeypatch, error, message):
    def fail(_):
        raise error

    monkeypatch.setattr(module, "reader_of", lambda _: fail)
    reply = _reply("docx", b"")
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(reply["error"])


@pytest.mark.parametrize("kind", ["pdf", "docx", "pptx", "xlsx", "epub"])
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_office_file_is_read_or_refused(kind, data):
    reply = _reply(kind, data.draw(damaged(FILES[kind])))
    assert reply.keys() in ({"text", "marks", "title"}, {"error"})
    assert "\n" not in reply.get("error", "")
