import json
import os
import subprocess
import sys

import pytest

from index import query_model as module
from index.embedding import SentenceEncoder
from index.query_model import ExportError, QueryModel, export_failure, export_query_model

TEXTS = ["How many passengers?", "", "word " * 600, "🙂 ភ្នំពេញ", "a"]


@pytest.fixture(scope="module")
def model():
    return SentenceEncoder()._model


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache") / "encoder"
    export_query_model(model, folder)
    return folder


@pytest.fixture
def copied(exported, tmp_path):
    """A copy of the export, to be damaged; the weights are linked, not copied."""
    folder = tmp_path / "encoder"
    folder.mkdir()
    for file in exported.iterdir():
        os.link(file, folder / file.name)
    return folder


@pytest.mark.model
class TestExport:
    def test_it_embeds_as_sentence_transformers_does(self, model, exported):
        loaded = QueryModel.load(exported)
        assert loaded
        expected = model.encode_query(TEXTS, normalize_embeddings=True, show_progress_bar=False)
        assert loaded.encode(TEXTS) == pytest.approx(expected, abs=1e-5)

    def test_it_puts_the_prompt_for_queries_before_a_question(self, model, tmp_path, monkeypatch):
        monkeypatch.setattr(model, "prompts", {"query": "query: ", "document": ""})
        loaded = export_query_model(model, tmp_path / "prompted")
        assert loaded.encode(["Who?"]) == pytest.approx(
            model.encode_query(["Who?"], normalize_embeddings=True), abs=1e-5
        )
        assert loaded.encode(["Who?"]) != pytest.approx(
            model.encode(["Who?"], normalize_embeddings=True), abs=1e-3
        )

    def test_it_puts_the_prompt_for_passages_before_a_passage(self, model, tmp_path, monkeypatch):
        monkeypatch.setattr(model, "prompts", {"query": "query: ", "passage": "passage: "})
        loaded = export_query_model(model, tmp_path / "prompted")
        assert loaded.embeds_passages
        assert loaded.encode_passages(["Who?"]) == pytest.approx(
            model.encode_document(["Who?"], normalize_embeddings=True), abs=1e-5
        )

    def test_it_does_not_embed_passages_that_the_model_embeds_otherwise(
        self, model, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(model, "encode_document", lambda texts, **_: -model.encode_query(texts))
        loaded = export_query_model(model, tmp_path / "routed")
        assert not loaded.embeds_passages
        assert loaded.encode(["Who?"]) == pytest.approx(
            model.encode_query(["Who?"], normalize_embeddings=True), abs=1e-5
        )

    def test_it_holds_no_operator_that_is_slow_on_a_processor(self, exported):
        graph = (exported / "model.onnx").read_bytes()
        assert b"LayerNormalization" in graph
        assert b"SkipLayerNormalization" not in graph

    def test_nothing_half_written_is_left_beside_it(self, exported):
        assert [path.name for path in exported.parent.iterdir()] == [exported.name]
        assert sorted(path.name for path in exported.iterdir()) == [
            "model.onnx",
            "settings.json",
            "tokenizer.json",
            "weights.bin",
        ]

    def test_an_export_that_embeds_otherwise_is_not_trusted(self, model, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "_MIN_COSINE", 1.5)
        with pytest.raises(ExportError, match=r"vectors differ from the model's, cosine 1\.0"):
            export_query_model(model, tmp_path / "encoder")
        assert QueryModel.load(tmp_path / "encoder") is None
        assert (export_failure(tmp_path / "encoder") or "").startswith("ExportError: its vectors")

    def test_a_failed_export_is_not_tried_again_and_sentence_transformers_serves(
        self, model, tmp_path, monkeypatch
    ):
        tries = []

        def refuse(*_args):
            tries.append(1)
            raise RuntimeError("no such operator\nand more")

        monkeypatch.setattr(module, "_write", refuse)
        monkeypatch.setattr(SentenceEncoder, "query_model_folder", tmp_path / "encoder")
        for _ in range(2):
            encoder = SentenceEncoder()
            vars(encoder)["_model"] = model
            assert encoder.encode_queries(["Who?"]).shape == (1, 384)
        assert tries == [1]
        assert export_failure(tmp_path / "encoder") == "RuntimeError: no such operator"

    def test_a_cache_that_cannot_be_written_is_no_obstacle(self, model, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("no folder")
        folder = tmp_path / "file" / "encoder"
        with pytest.raises(ExportError, match="file: "):
            export_query_model(model, folder)
        monkeypatch.setattr(SentenceEncoder, "query_model_folder", folder)
        encoder = SentenceEncoder()
        vars(encoder)["_model"] = model
        assert encoder.encode_queries(["Who?"]).shape == (1, 384)


@pytest.mark.model
class TestLoading:
    def test_a_folder_that_is_missing_holds_no_export(self, tmp_path):
        assert QueryModel.load(tmp_path / "nowhere") is None
        assert export_failure(tmp_path / "nowhere") is None

    @pytest.mark.parametrize("name", ["model.onnx", "weights.bin", "tokenizer.json"])
    @pytest.mark.parametrize("damage", ["missing", "cut short"])
    def test_an_export_that_is_not_whole_is_none(self, copied, name, damage):
        data = (copied / name).read_bytes()
        (copied / name).unlink()
        if damage == "cut short":
            (copied / name).write_bytes(data[:-1])
        assert QueryModel.load(copied) is None

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "null"])
    def test_malformed_settings_are_no_export(self, copied, text):
        (copied / "settings.json").unlink()
        (copied / "settings.json").write_text(text)
        assert QueryModel.load(copied) is None

    def test_an_export_of_another_format_is_none(self, copied):
        settings = json.loads((copied / "settings.json").read_text())
        (copied / "settings.json").unlink()
        (copied / "settings.json").write_text(json.dumps(settings | {"format": 0}))
        assert QueryModel.load(copied) is None


ASK = ["ask", "How many passengers did the Westerdam carry?"]


@pytest.mark.model
@pytest.mark.parametrize(
    ("command", "typed"),
    [(ASK, ""), (["chat"], "Who wrote this?\n"), (["run", "{questions}", "-o", "{answers}"], "")],
)
def test_asking_imports_neither_torch_nor_gradio(command, typed, tmp_path):
    SentenceEncoder().warm_up()  # what the first call ever does
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"id": "1", "question": "Who wrote this?", "answers": ["Ek Tha"]}\n')
    places = {"questions": questions, "answers": tmp_path / "answers.jsonl"}
    ended = _observed([arg.format(**places) for arg in command], typed)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.splitlines()[-1] == "[]"


@pytest.mark.model
def test_evaluating_imports_no_model_library(tmp_path):
    questions, answers = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    questions.write_text('{"id": "1", "question": "Who wrote this?", "answers": ["Ek Tha"]}\n')
    assert _observed(["run", str(questions), "-o", str(answers)]).returncode == 0
    ended = _observed(["evaluate", str(questions), str(answers)])
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.splitlines()[-1] == "[]"


def _observed(args, typed=""):
    """Run a command; the last line on stderr names the heavy modules that it imported."""
    code = (
        "import sys\nfrom bot.cli import main\n"
        "try:\n    main(sys.argv[1:], prog_name='observer')\nfinally:\n"
        "    heavy = {'torch', 'transformers', 'sentence_transformers', 'gradio', 'pandas',"
        " 'scipy', 'bm25s'}\n"
        "    print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *args], input=typed, capture_output=True, text=True
    )


def test_batches_hold_texts_of_like_length_and_every_text_once(monkeypatch):
    monkeypatch.setattr(module, "_BATCH_TOKENS", 12)
    assert module._batches([2, 6, 20, 5, 4, 2]) == [[2], [1, 3], [4, 0, 5]]
