import json
import os

import pytest

from bot.following import IndexFollower
from bot.pipeline import Bot
from index.folder import MANIFEST, read_manifest
from index.passage_index import PassageIndex
from tests.test_pipeline import WordReader

KEYWORDS = ("ferry", "pay")
OLD = "The ferry leaves Kampot at seven in the morning with forty passengers on its deck."
NEW = "The ferry leaves Kampot at eight in the morning with ninety passengers on its deck."


@pytest.fixture
def folder(build_index, tmp_path):
    build_index(OLD, keywords=KEYWORDS).save(tmp_path / "i")
    return tmp_path / "i"


@pytest.fixture
def replace(build_index, folder):
    return lambda text: build_index(text, keywords=KEYWORDS).save(folder)


@pytest.fixture
def follower(folder, keyword_encoder):
    return IndexFollower(folder, keyword_encoder(*KEYWORDS))


def test_an_index_that_stays_is_not_loaded_again(follower, monkeypatch):
    monkeypatch.setattr(PassageIndex, "load", None)
    assert follower.newer() is None


def test_a_new_version_is_loaded_once(follower, replace):
    replace(NEW)
    index = follower.newer()
    assert [passage.text for passage in index.passages] == [NEW]
    assert follower.newer() is None


def test_new_dates_in_the_manifest_are_no_new_version(follower, folder, monkeypatch):
    manifest = {**read_manifest(folder), "files": {}}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    monkeypatch.setattr(PassageIndex, "load", None)
    assert follower.newer() is None


@pytest.mark.parametrize("damage", ["manifest", "data", "gone"])
def test_a_broken_version_is_told_once_and_the_next_whole_one_is_taken(
    follower, folder, replace, caplog, damage
):
    replace(NEW)
    if damage == "manifest":
        (folder / MANIFEST).write_text("{")
    elif damage == "data":
        (folder / read_manifest(folder)["data"] / "passages.jsonl").write_text("")
    else:
        (folder / MANIFEST).unlink()
    assert follower.newer() is None
    assert follower.newer() is None
    [record] = [record for record in caplog.records if record.name == "bot.following"]
    assert record.getMessage().endswith("; the version read before goes on answering")
    replace(NEW)
    assert [passage.text for passage in follower.newer().passages] == [NEW]


def test_a_bot_goes_over_between_two_questions(follower, folder, replace, keyword_encoder):
    index = PassageIndex.load(folder, encoder=keyword_encoder(*KEYWORDS))
    bot = Bot(index, reader=WordReader("ninety passengers"), newer_index=follower.newer)
    assert not bot.refresh()
    assert bot.ask("How many passengers?").abstained
    replace(NEW)
    assert bot.ask("How many passengers?").abstained
    assert bot.refresh()
    assert bot.ask("How many passengers?").text == "ninety passengers"


def test_a_bot_whose_index_breaks_goes_on_answering(follower, folder, keyword_encoder):
    index = PassageIndex.load(folder, encoder=keyword_encoder(*KEYWORDS))
    bot = Bot(index, reader=WordReader("forty passengers"), newer_index=follower.newer)
    (folder / MANIFEST).write_text("{")
    os.utime(folder / MANIFEST)
    assert not bot.refresh()
    assert bot.ask("How many passengers?").text == "forty passengers"


def test_a_bot_that_follows_nothing_stays(build_index):
    assert not Bot(build_index(OLD), reader=WordReader("forty")).refresh()
