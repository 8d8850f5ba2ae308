"""What an update starts from: the files as they are now, and the version that stands."""

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from corpus.errors import IndexFormatError
from corpus.loaders import file_sha256
from index.approximate import store_type
from index.blocks import text_digest
from index.embedding import Encoder
from index.folder import MANIFEST, checked_data, read_manifest, reading
from index.lexical import LexicalIndex
from index.passage_index import IndexSettings, read_settings
from index.rows import DOCUMENTS, PASSAGES, check_document, parse_passage
from index.stores import VectorStore

# A file may change again within the tick of the clock that dates it.
_TICK_NANOSECONDS = 2_000_000_000


class Source(NamedTuple):
    """A file as it was found: the id of its document, its absolute path, its size and time.

    The time is 0 where the file is too young to be known by it, the size -1 where it is gone.
    """

    name: str
    path: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, name: str, file: Path) -> "Source":
        """Look at a file."""
        path = os.path.join(os.getcwd(), file)  # noqa: PTH109, PTH118 (ten times faster)
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError:
            return cls(name, path, -1, 0)
        is_young = time.time_ns() - status.st_mtime_ns < _TICK_NANOSECONDS
        return cls(name, path, status.st_size, 0 if is_young else status.st_mtime_ns)

    def row(self, documents: list[str]) -> list[Any]:
        """Return what the manifest records of the file, given the ids of its documents."""
        return [self.path, self.size, self.mtime_ns, documents]


class Kept(NamedTuple):
    """Where a document stands in the files of the previous version.

    Its line and its passages by the first byte and the number of bytes, its rows by the first one
    and their number.
    """

    line: int
    line_bytes: int
    passages: int
    passages_bytes: int
    row: int
    n_rows: int


class PreviousVersion:
    """The version that stands in the folder."""

    def __init__(self, folder: Path, manifest: dict[str, Any], data: Path) -> None:
        self._folder = folder
        self.manifest = manifest
        self.data = data
        self.documents: dict[str, str] = dict(manifest["documents"])
        # Path, size, time and ids of documents, of each file.
        self.files: dict[str, list[Any]] = dict(manifest.get("files", {}))
        self.kept: dict[str, Kept] = {}
        self.row_of_text: dict[bytes, int] = {}

    @classmethod
    def open(
        cls, folder: Path, encoder: Encoder, settings: IndexSettings
    ) -> "tuple[PreviousVersion | None, str]":
        """Open the version that stands in a folder; None and the reason where it is of no use."""
        try:
            manifest = read_manifest(folder)
            with reading(folder, manifest, MANIFEST):
                built_with = manifest["encoder"]
                if built_with["fingerprint"] != encoder.fingerprint:
                    return None, f"{folder}: was built with encoder {built_with['name']!r}"
                if read_settings(manifest) != settings:
                    return None, f"{folder}: was built with other settings"
                return cls(folder, manifest, checked_data(folder, manifest)), ""
        except IndexFormatError as error:
            return None, str(error).partition("; rebuild it with")[0]

    def holds(self, source: Source) -> bool:
        """Tell whether a file is what was indexed."""
        recorded = self.files.get(source.name)
        if recorded is None or recorded[0] != source.path:
            return False
        documents = recorded[3]
        if source.mtime_ns and recorded == source.row(documents):
            return True
        sha256 = file_sha256(Path(source.path))
        return all(self.documents[name] == sha256 for name in documents)

    def scan(self) -> None:
        """Read documents and passages, one document at a time, as carefully as at load.

        Raises:
            IndexFormatError: They are malformed.
        """
        n_bytes = n_passage_bytes = n_rows = 0
        with (
            reading(self._folder, self.manifest, DOCUMENTS),
            # In ASCII, so that a line has as many characters as bytes.
            (self.data / DOCUMENTS).open(encoding="ascii", newline="\n") as documents,
            (self.data / PASSAGES).open(encoding="ascii", newline="\n") as passages,
        ):
            following = passages.readline()
            for line in documents:
                name, text = check_document(json.loads(line))
                first_byte, first_row = n_passage_bytes, n_rows
                while following and (row := json.loads(following))["document"] == name:
                    passage = parse_passage(row, text)
                    self.row_of_text.setdefault(text_digest(passage.searchable_text), n_rows)
                    n_rows += 1
                    n_passage_bytes += len(following)
                    following = passages.readline()
                self.kept[name] = Kept(
                    line=n_bytes,
                    line_bytes=len(line),
                    passages=first_byte,
                    passages_bytes=n_passage_bytes - first_byte,
                    row=first_row,
                    n_rows=n_rows - first_row,
                )
                n_bytes += len(line)
            if following or n_rows != self.manifest["n_passages"]:
                raise ValueError("other passages than the manifest names")
            if self.kept.keys() != self.documents.keys():
                raise ValueError("other documents than the manifest names")

    def store(self) -> VectorStore:
        """Load the vectors.

        Raises:
            IndexFormatError: They are malformed.
        """
        kind = store_type(self.data)
        with reading(self._folder, self.manifest, kind.FILE):
            return kind.load(self.data)

    def lexical(self) -> LexicalIndex:
        """Load the words.

        Raises:
            IndexFormatError: They are malformed.
        """
        with reading(self._folder, self.manifest, LexicalIndex.FOLDER):
            return LexicalIndex.load(self.data, int(self.manifest["n_passages"]))
