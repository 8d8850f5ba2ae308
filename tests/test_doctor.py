from dataclasses import replace

import pytest
from click.testing import CliRunner

from bot import doctor
from bot.cli import main
from bot.doctor import examine
from bot.reader.calibration import Calibration
from bot.reader.extractive import packaged_weights
from bot.settings import Settings
from corpus.loaders import load_documents, shipped_documents
from index.embedding import SentenceEncoder
from index.folder import CALIBRATION
from index.passage_index import PassageIndex


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "silent-observer"


def found(**settings):
    return {finding.part: finding for finding in examine(Settings(**settings))}


def reader_finding(index_folder):
    return next(one for one in examine(Settings(), index_folder) if one.part == "reader")


@pytest.mark.model
class TestExamine:
    def test_what_comes_with_the_bot_is_whole(self, cache):
        findings = found()
        assert all(finding.is_well for finding in findings.values())
        assert "weights whole" in findings["encoder"].state
        assert "weights whole" in findings["reader"].state
        assert findings["index"].state.endswith("silent-observer.txt")

    def test_nothing_is_written(self, cache):
        assert found()["questions"].state.startswith("not asked yet")
        assert not cache.exists()

    def test_an_encoder_that_cannot_be_exported_is_named_with_the_reason(self, cache, monkeypatch):
        monkeypatch.setattr(doctor, "export_failure", lambda folder: "RuntimeError: no operator")
        assert "cannot be exported (RuntimeError: no operator)" in found()["questions"].state

    def test_a_reader_that_is_missing_is_a_problem(self, cache, tmp_path):
        reader = found(reader=str(tmp_path / "nowhere"))["reader"]
        assert not reader.is_well
        assert "nowhere" in reader.state

    def test_a_calibration_that_was_tuned_for_the_index_is_named(self, cache, tmp_path):
        fitted = tmp_path / CALIBRATION
        fitted.write_bytes((packaged_weights() / "calibration.json").read_bytes())
        findings = {finding.part: finding for finding in examine(Settings(), tmp_path)}
        assert findings["reader"].state.endswith(f"as fitted in {fitted}")

    def test_a_calibration_for_another_index_is_a_problem(self, cache, tmp_path):
        folder = tmp_path / "my.index"
        index = PassageIndex.build(load_documents(shipped_documents()), encoder=SentenceEncoder())
        index.save(folder)
        packaged = Calibration.load(packaged_weights() / "calibration.json")
        fitted = replace(packaged, index=index.fingerprint)
        fitted.save(folder / CALIBRATION)
        assert reader_finding(folder).is_well
        replace(fitted, index="0" * 64).save(folder / CALIBRATION)
        assert not reader_finding(folder).is_well
        assert "was fitted for an index that searches otherwise" in reader_finding(folder).state

    def test_altered_encoder_weights_are_a_problem(self, cache, monkeypatch):
        monkeypatch.setattr("index.embedding._PACKAGE_SHA256", "0" * 64)
        encoder = found()["encoder"]
        assert not encoder.is_well
        assert "missing or altered" in encoder.state

    def test_a_model_of_the_hub_is_not_fetched(self, cache):
        assert found(encoder="BAAI/bge-small-en-v1.5")["encoder"].state.endswith("hub")

    def test_a_cache_that_cannot_be_written_is_a_problem(self, cache, monkeypatch):
        monkeypatch.setattr("os.access", lambda path, mode: False)
        assert "cannot be written" in found()["cache"].state


def test_an_index_that_is_none_ends_with_status_1(tmp_path, cache):
    result = CliRunner().invoke(main, ["doctor", "--index", str(tmp_path / "none.index")])
    assert result.exit_code == 1
    assert "! index" in result.stdout


def test_an_index_is_counted_and_its_changed_documents_named(
    tmp_path, cache, monkeypatch, keyword_encoder
):
    encoder = keyword_encoder("pay")
    monkeypatch.setattr(doctor, "SentenceEncoder", lambda name: encoder)
    monkeypatch.setattr(encoder, "query_model_folder", tmp_path, raising=False)
    source = tmp_path / "a.txt"
    source.write_text("Leave is paid.")
    PassageIndex.build(load_documents([source]), encoder=encoder).save(
        tmp_path / "a.index", sources=[source]
    )
    runner = CliRunner()
    call = ["doctor", "--index", str(tmp_path / "a.index")]
    assert "1 documents, 1 passages, up to date" in runner.invoke(main, call).stdout
    source.write_text("Leave is unpaid.")
    assert "a.txt changed on disk" in runner.invoke(main, call).stdout
