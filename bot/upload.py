"""A document that a visitor adds, what it is called, and what visitors may add."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

import platformdirs

from corpus import Document, Passage
from corpus.formats.pdf_page import n_pages
from index.embedding import FloatArray

MEGABYTE = 1 << 20
_MAX_NAME_LENGTH = 100
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """What visitors may add, and for how long it is kept.

    Attributes:
        max_bytes: The largest document.
        max_documents: How many a session may hold.
        max_passages: How many passages they may have together.
        max_total_bytes: How much all sessions may hold together.
        minutes: After so many without a question or a new document, a session's are deleted.
        folder: Where the sessions' folders are made.
    """

    max_bytes: int = 25 * MEGABYTE
    max_documents: int = 10
    max_passages: int = 20_000
    max_total_bytes: int = 2048 * MEGABYTE
    minutes: float = 60
    folder: Path = field(
        default_factory=lambda: platformdirs.user_cache_path("silent-observer") / "uploads"
    )


@dataclass(slots=True)
class Upload:
    """A document on its way into a session's index.

    Attributes:
        id: Its name, unlike any other that the session can ask; also the document's id.
        file: Where it is stored, under a name of the server's own.
        size: In bytes.
        state: "reading", then "indexing", then "ready" or "failed".
        progress: In [0, 1]; the share of passages that are embedded.
        problem: Why it failed, in one line.
        is_pdf: Whether its content, whatever its name, is a PDF.
        document: Set with `passages` when it is ready.
        passages: Set with `vectors`, of shape (n_passages, dim), when it is ready.
    """

    id: str
    file: Path
    size: int
    state: str = "reading"
    progress: float = 0.0
    problem: str = ""
    is_pdf: bool = False
    document: Document | None = None
    passages: tuple[Passage, ...] = ()
    vectors: FloatArray | None = None

    @property
    def has_images(self) -> bool:
        """Whether its pages can be shown as they look."""
        return self.document is not None and self.is_pdf and n_pages(self.document) > 0

    def rename(self, new_id: str) -> None:
        """Call the document otherwise."""
        self.id = new_id
        if self.document:
            self.document = replace(self.document, id=new_id)
        self.passages = tuple(replace(passage, document_id=new_id) for passage in self.passages)

    def as_json(self) -> dict[str, Any]:
        """Return what the page lists."""
        return {
            "id": self.id,
            "title": (self.document.title if self.document else "") or self.id,
            "size": self.size,
            "state": self.state,
            "progress": round(self.progress, 3),
            "problem": self.problem,
            "n_passages": len(self.passages),
            "n_pages": n_pages(self.document) if self.document else 0,
            "has_images": self.has_images,
        }


def safe_name(name: str) -> str:
    """Make a file name out of what a browser calls a file: one line, no path, not too long."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", last)
        if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    shown = " ".join(shown.split()).lstrip(".").strip()
    suffix = suffix_of(shown)
    stem = shown.removesuffix(suffix)
    return (stem[: _MAX_NAME_LENGTH - len(suffix)].strip() or "document") + suffix


def suffix_of(name: str) -> str:
    """Return the suffix of a name; "" where it has none, or none that a file should have."""
    suffix = PurePath(name).suffix
    return suffix if _SUFFIX.fullmatch(suffix) else ""


def unlike(name: str, taken: Collection[str]) -> str:
    """Number a name that is taken: "report (2).txt"."""
    suffix = PurePath(name).suffix
    stem = name.removesuffix(suffix)
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{stem} ({number}){suffix}"
    return free
