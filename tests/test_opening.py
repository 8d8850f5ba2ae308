import json
from dataclasses import replace

import pytest

from bot import opening
from bot.opening import open_bot, tuned_calibration
from bot.reader.calibration import Calibration
from bot.reader.extractive import packaged_weights
from bot.settings import Settings
from corpus.errors import IndexFormatError, ReaderError, SettingsError
from index.passage_index import PassageIndex


@pytest.fixture
def cache(tmp_path, monkeypatch, keyword_encoder):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    monkeypatch.setattr(
        opening, "SentenceEncoder", lambda name: keyword_encoder("cambodia", "asean")
    )
    return tmp_path / "silent-observer"


def test_the_shipped_document_is_indexed_once_into_the_cache(cache, monkeypatch):
    first = open_bot(settings=Settings())
    monkeypatch.setattr(PassageIndex, "build", None)
    second = open_bot(settings=Settings())
    assert list(second.index.documents) == ["silent-observer.txt"]
    assert list(second.index.passages) == list(first.index.passages)


def test_a_damaged_cache_is_built_again(cache):
    open_bot(settings=Settings())
    [folder] = cache.iterdir()
    (folder / "manifest.json").write_text("[", encoding="utf-8")
    open_bot(settings=Settings())
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["n_passages"] == 36


def test_an_index_of_ones_own_is_opened(cache, build_index, tmp_path):
    build_index("We pay for travel and for leave.", keywords=("cambodia", "asean")).save(
        tmp_path / "my"
    )
    assert list(open_bot(tmp_path / "my", settings=Settings()).index.documents) == ["0.txt"]


def test_an_index_of_another_encoder_is_refused_in_one_line(cache, build_index, tmp_path):
    build_index("We pay.", keywords=("pay",)).save(tmp_path / "my")
    with pytest.raises(IndexFormatError, match="was built with encoder") as caught:
        open_bot(tmp_path / "my", settings=Settings())
    assert "\n" not in str(caught.value)


def test_settings_come_from_the_working_folder(cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "observer.toml").write_text("n_passages = 0", encoding="utf-8")
    with pytest.raises(SettingsError, match="n_passages"):
        open_bot()


class TestACalibration:
    @pytest.fixture
    def index(self, cache, build_index, tmp_path):
        index = build_index("We pay for travel.", keywords=("cambodia", "asean"))
        index.save(tmp_path / "my")
        return index

    @pytest.fixture
    def tuned(self, index, tmp_path):
        """Writes one into the index, from the packaged one."""

        def write(**changes):
            packaged = Calibration.load(packaged_weights() / "calibration.json")
            replace(packaged, threshold=0.77, **changes).save(
                tuned_calibration(tmp_path / "my", index.encoder)
            )

        return write

    def test_is_found_in_the_index(self, index, tuned, tmp_path):
        tuned(index=index.fingerprint)
        assert open_bot(tmp_path / "my", settings=Settings()).reader.threshold == 0.77

    def test_gives_way_to_one_that_is_named_and_to_none_where_none_is_wanted(
        self, index, tuned, tmp_path
    ):
        tuned(index=index.fingerprint)
        packaged = packaged_weights() / "calibration.json"
        settings = Settings(calibration=str(packaged))
        threshold = Calibration.load(packaged).threshold
        assert open_bot(tmp_path / "my", settings=settings).reader.threshold == threshold
        untuned = open_bot(tmp_path / "my", settings=Settings(), tuned=False)
        assert untuned.reader.threshold == threshold

    def test_of_another_index_is_refused(self, tuned, tmp_path):
        tuned(index="0" * 64)
        with pytest.raises(
            ReaderError, match=r"was fitted for an index that searches otherwise than .*my"
        ) as caught:
            open_bot(tmp_path / "my", settings=Settings())
        assert "\n" not in str(caught.value)

    def test_of_another_reader_is_refused(self, tuned, tmp_path):
        tuned(fingerprint="0" * 64)
        with pytest.raises(ReaderError, match="was fitted for another reader"):
            open_bot(tmp_path / "my", settings=Settings())

    def test_stays_where_the_index_is_built_again(self, index, tuned, tmp_path):
        tuned(index=index.fingerprint)
        index.save(tmp_path / "my")
        assert open_bot(tmp_path / "my", settings=Settings()).reader.threshold == 0.77

    def test_of_the_shipped_document_lies_in_the_cache(self, cache, keyword_encoder):
        open_bot(settings=Settings())
        file = tuned_calibration(None, keyword_encoder("cambodia", "asean"))
        assert [file.parent] == list(cache.iterdir())
        packaged = Calibration.load(packaged_weights() / "calibration.json")
        replace(packaged, threshold=0.77).save(file)
        assert open_bot(settings=Settings()).reader.threshold == 0.77
