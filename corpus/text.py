"""Bytes become text: which encoding, and what no text holds."""

import codecs
import re
from contextlib import suppress

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


# charset-normalizer tells scripts apart well but the code pages of Latin script badly: most guesses
# among them are wrong for Windows-1252, which is by far the commonest.
_LATIN_ALPHABETS = ("Basic Latin", "Latin", "Control character", "General Punctuation", "Currency")
# What no text holds, zero bytes apart: control characters but white space, end-of-file and escape.
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x19\x1c-\x1f]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_CP1250_LANGUAGES = {"Polish", "Czech", "Slovak", "Slovene", "Croatian", "Hungarian", "Romanian"}


class NoTextError(ValueError):
    """Bytes that are no text in any known encoding."""


def decode_text(data: bytes) -> str:
    """Decode the bytes of a text file, whatever its encoding.

    A byte order mark decides; without one UTF-8 is tried, then UTF-16, then Windows-1252 for text
    that charset-normalizer takes to be in Latin script, and else its best guess.

    Raises:
        NoTextError: The bytes are no text in any known encoding.
    """
    try:
        return _decode(data)
    except ValueError as error:
        raise NoTextError(str(error)) from error


def _decode(data: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = _decode_legacy(data)
    n_zeros = text.count("\0")
    if n_zeros and 4 * n_zeros < len(text) and not _CONTROLS.search(text):
        raise ValueError("stray zero bytes: not a text file")
    return _decode_utf16(data) if n_zeros else text


def cleaned(text: str) -> str:
    """Replace what no text holds but parsers give back: control characters, half a surrogate pair.

    Its length stays the same, so that offsets hold.
    """
    return _UNPRINTABLE.sub(_replacement, text)


def _replacement(match: re.Match[str]) -> str:
    return "\N{REPLACEMENT CHARACTER}" if match.group() >= "\ud800" else " "


def _decode_utf16(data: bytes) -> str:
    """Decode UTF-16 without a mark: one byte of every space and Latin letter is zero."""
    big_endian = data[0::2].count(0) > data[1::2].count(0)
    text = data.decode("utf-16-be" if big_endian else "utf-16-le")
    if "\0" in text or _CONTROLS.search(text):
        raise ValueError("zero bytes: not a text file")
    return text


def _decode_legacy(data: bytes) -> str:
    from charset_normalizer import from_bytes

    if b"\0" in data:
        return _decode_utf16(data)
    guess = from_bytes(data).best()
    if guess is None:
        raise ValueError("no known encoding")
    is_latin = all(alphabet.startswith(_LATIN_ALPHABETS) for alphabet in guess.alphabets)
    text = str(guess)
    if is_latin and guess.language not in _CP1250_LANGUAGES:
        with suppress(UnicodeDecodeError):
            text = data.decode("cp1252")
    if _CONTROLS.search(text):
        raise ValueError("control characters: not a text file")
    return text
