import numpy as np
import pytest

from index import blocks
from index.blocks import encode_in_blocks

TEXTS = ["leave", "pay", "travel", "leave and pay", "pay for travel"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 2)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "silent-observer" / "blocks"


@pytest.fixture
def encoder(keyword_encoder, monkeypatch):
    """An encoder that remembers what it embedded."""
    made = keyword_encoder("leave", "pay", "travel")
    made.embedded = []
    encode = made.encode_passages

    def remember(texts):
        made.embedded.append(list(texts))
        return encode(texts)

    made.encode_passages = remember
    return made


def interrupted(encoder, after):
    """Make the encoder fail once it has embedded so many blocks."""
    encode = encoder.encode_passages

    def failing(texts):
        if len(encoder.embedded) == after:
            raise KeyboardInterrupt
        return encode(texts)

    encoder.encode_passages = failing


def test_blocks_together_are_what_one_call_gives(encoder, keyword_encoder):
    expected = keyword_encoder("leave", "pay", "travel").encode_passages(TEXTS)
    assert np.array_equal(encode_in_blocks(TEXTS, encoder), expected)
    assert encoder.embedded == [TEXTS[:2], TEXTS[2:4], TEXTS[4:]]


def test_an_interrupted_build_goes_on_from_its_last_block(encoder, keyword_encoder, cache):
    interrupted(encoder, after=2)
    with pytest.raises(KeyboardInterrupt):
        encode_in_blocks(TEXTS, encoder)
    again = keyword_encoder("leave", "pay", "travel")
    again.encode_passages, expected = encoder.encode_passages, again.encode_passages(TEXTS)
    encoder.embedded.clear()
    assert np.array_equal(encode_in_blocks(TEXTS, again), expected)
    assert encoder.embedded == [TEXTS[4:]]


def test_nothing_is_left_of_a_build_that_ended(encoder, cache):
    encode_in_blocks(TEXTS, encoder)
    assert list(cache.iterdir()) == []


def test_a_changed_text_is_embedded_anew(encoder, cache):
    interrupted(encoder, after=2)
    with pytest.raises(KeyboardInterrupt):
        encode_in_blocks(TEXTS, encoder)
    encoder.embedded.clear()
    with pytest.raises(KeyboardInterrupt):
        encode_in_blocks(["leave", "other", *TEXTS[2:], "more", "and more"], encoder)
    assert encoder.embedded[0] == ["leave", "other"]
    assert TEXTS[2:4] not in encoder.embedded


def test_blocks_of_another_encoder_are_not_taken(encoder, keyword_encoder):
    interrupted(encoder, after=2)
    with pytest.raises(KeyboardInterrupt):
        encode_in_blocks(TEXTS, encoder)
    other = keyword_encoder("nets")
    assert np.array_equal(encode_in_blocks(TEXTS, other), other.encode_passages(TEXTS))


@pytest.mark.parametrize("damage", [b"", b"not an array", "cut", "objects", "shape", "nan"])
def test_a_damaged_block_is_embedded_again(encoder, keyword_encoder, cache, damage):
    interrupted(encoder, after=2)
    with pytest.raises(KeyboardInterrupt):
        encode_in_blocks(TEXTS, encoder)
    for file in cache.iterdir():
        if isinstance(damage, bytes):
            file.write_bytes(damage)
        elif damage == "cut":
            file.write_bytes(file.read_bytes()[:-1])
        elif damage == "objects":
            np.save(file, np.array([{}], dtype=object), allow_pickle=True)
        elif damage == "shape":
            np.save(file, np.zeros((1, 1), dtype=np.float32))
        else:
            np.save(file, np.full((2, 4), np.nan, dtype=np.float32))
    whole = keyword_encoder("leave", "pay", "travel")
    assert np.array_equal(encode_in_blocks(TEXTS, whole), whole.encode_passages(TEXTS))


def test_a_cache_that_cannot_be_written_is_no_obstacle(encoder, keyword_encoder, cache):
    cache.parent.parent.joinpath("silent-observer").write_text("no folder")
    whole = keyword_encoder("leave", "pay", "travel")
    assert np.array_equal(encode_in_blocks(TEXTS, encoder), whole.encode_passages(TEXTS))


def test_few_passages_leave_no_trace(encoder, cache):
    encode_in_blocks(TEXTS[:2], encoder)
    assert encoder.embedded == [TEXTS[:2]]
    assert not cache.exists()
