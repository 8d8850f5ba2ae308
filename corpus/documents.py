"""A document: a name, a text whose offsets never change, and the file it came from."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Document:
    """A text to answer from.

    Offsets everywhere in the project count code points in `text`, after decoding, without a byte
    order mark and with every line break as a single newline.

    Attributes:
        id: Path relative to the folder it was loaded from, with forward slashes.
        text: The whole text.
        title: Its first heading or headline; "" where there is none.
        sha256: SHA-256 of the file's bytes, in hexadecimal.
        path: The file it was loaded from, or None for a text that never was a file.
    """

    id: str
    text: str
    title: str
    sha256: str
    path: Path | None = None

    @classmethod
    def from_text(cls, document_id: str, text: str, *, title: str = "") -> Self:
        """Make a document from a text in memory; its line breaks are unified as at load."""
        return cls(
            id=document_id,
            text=unify_newlines(text),
            title=title,
            sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        )


def unify_newlines(text: str) -> str:
    r"""Turn every `\r\n` and `\r` into `\n`."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
