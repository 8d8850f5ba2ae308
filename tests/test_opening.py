import json

import pytest

from bot import opening
from bot.opening import open_bot
from bot.settings import Settings
from corpus.errors import IndexFormatError, SettingsError
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
    assert second.index.passages == first.index.passages


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
