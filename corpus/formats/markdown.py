"""Markdown: the text stays as it is, its headings become marks."""

import re
from collections.abc import Iterator

from corpus.documents import Mark, unify_newlines
from corpus.formats.structure import Extracted, label_of
from corpus.text import decode_text

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_NO_PARAGRAPH = re.compile(r"\s*(?:[-*+>#|]|\d+[.)]\s|$)|(?: {4}|\t)")
_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")


def read_markdown(data: bytes) -> Extracted:
    """Decode Markdown and find its headings, but not in code.

    Raises:
        NoTextError: The bytes are no text in any known encoding.
    """
    text = unify_newlines(decode_text(data))
    return Extracted(text, tuple(find_headings(text)))


def find_headings(text: str) -> Iterator[Mark]:
    """Yield the headings, those with `#` and those that are underlined."""
    fence = ""
    start, before = 0, ""
    before_start = 0
    for line in text.split("\n"):
        if found := _FENCE.match(line):
            if not fence:
                fence = found[1]
            elif found[1].startswith(fence) and not line.strip(" `~"):
                fence = ""
        elif not fence:
            if heading := _ATX.match(line):
                yield from _mark(start, heading[2] or "", len(heading[1]))
            elif (under := _UNDERLINE.match(line)) and not _NO_PARAGRAPH.match(before):
                yield from _mark(before_start, before, 1 if under[1][0] == "=" else 2)
        before, before_start = line, start
        start += len(line) + 1


def _mark(start: int, words: str, level: int) -> Iterator[Mark]:
    if label := label_of(_EMPHASIS.sub("", _LINK.sub(r"\1", words))):
        yield Mark(start, "heading", label, level)
