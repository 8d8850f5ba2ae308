import dataclasses
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import Document
from corpus.documents import unify_newlines


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\rb"])
def test_every_line_break_becomes_a_newline(text):
    assert unify_newlines(text) == "a\nb"


def test_a_carriage_return_before_windows_line_breaks_is_a_line_break_of_its_own():
    assert unify_newlines("a\r\r\nb\n\rc") == "a\n\nb\n\nc"


@given(st.text(alphabet="a\r\n"))
def test_unified_text_holds_no_carriage_return_and_stays_as_it_is(text):
    unified = unify_newlines(text)
    assert "\r" not in unified
    assert unify_newlines(unified) == unified
    assert unified.replace("\n", "") == text.replace("\r", "").replace("\n", "")


def test_a_document_made_from_a_text_has_unified_line_breaks_and_no_path():
    document = Document.from_text("a.txt", "Pay\r\nLeave", title="Rules")
    assert (document.id, document.text, document.title) == ("a.txt", "Pay\nLeave", "Rules")
    assert document.path is None


def test_the_checksum_is_that_of_the_text_as_it_was_given():
    expected = hashlib.sha256("Pay\r\nថ្ងៃ".encode()).hexdigest()
    assert Document.from_text("a.txt", "Pay\r\nថ្ងៃ").sha256 == expected


def test_a_text_with_half_a_surrogate_pair_has_a_checksum_too():
    assert len(Document.from_text("a.txt", "pay \ud83d").sha256) == 64


def test_a_document_cannot_be_changed():
    document = Document.from_text("a.txt", "Pay")
    with pytest.raises(dataclasses.FrozenInstanceError, match="text"):
        document.text = "Leave"  # type: ignore[misc]
