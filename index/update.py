"""A saved index is brought up to date: what is new or changed is embedded, the rest is taken over.

Documents stream through: one is held at a time, and the vectors of one block. A passage whose text
was indexed before, in whatever document, keeps its vector.
"""

import json
import os
import shutil
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, TextIO

import numpy as np

from corpus.documents import Document
from corpus.errors import UnreadableDocumentError
from corpus.languages import is_mostly_english
from corpus.loaders import find_files, load_file
from corpus.passages import split_document
from index.approximate import build_store
from index.blocks import BlockCache, text_digest
from index.contents import write_places
from index.embedding import DEFAULT_ENCODER, Encoder, FloatArray
from index.folder import (
    MANIFEST,
    check_writable,
    remove_leftovers,
    replace_manifest,
    write_folder,
)
from index.lexical import LexicalBuilder
from index.passage_index import IndexSettings, index_manifest
from index.previous import PreviousVersion, Source
from index.rows import DOCUMENTS, PASSAGES, document_row, passage_row, row_line

_NOTHING_TO_INDEX = "the documents hold no words, so there is nothing to index"
_COPIED_ROWS = 8192
_NEW_TEXTS = "new.jsonl"
_NEW_VECTORS = "new.f32"
_VECTORS = "all.f32"


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update found and did.

    Attributes:
        added: Ids of the documents that were not in the index.
        changed: Ids of those that are other files now.
        removed: Ids of those that are gone.
        n_unchanged: How many documents are as they were.
        unreadable: A line for each file that could not be read. What the index held of it stays.
        not_english: Ids of documents, among those that were read, that the default encoder was not
            made for.
        n_documents: How many documents the index holds.
        n_passages: How many passages they have.
        n_embedded: How many passages were embedded; the vectors of the others were at hand.
        is_first: Whether there was no index to take anything from.
        discarded: Why the index that stood there could not be used; "" where it could.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    n_unchanged: int = 0
    unreadable: tuple[str, ...] = ()
    not_english: tuple[str, ...] = ()
    n_documents: int = 0
    n_passages: int = 0
    n_embedded: int = 0
    is_first: bool = False
    discarded: str = ""

    @property
    def is_news(self) -> bool:
        """Whether the index is another than before the update."""
        return bool(self.added or self.changed or self.removed)


def update_index(
    folder: Path,
    paths: Sequence[Path],
    *,
    encoder: Encoder,
    settings: IndexSettings | None = None,
    rebuild: bool = False,
    strict: bool = False,
) -> UpdateReport:
    """Make a saved index one of these files, whatever it held before.

    A file of the recorded size and time is not read; one of another time but the recorded SHA-256
    is not parsed. Where nothing changed, nothing is written but those times.

    Args:
        folder: The index; made where it is missing. What it holds stays valid until the new
            version is whole.
        paths: Files and folders, as for `load_documents`. Files inside `folder` are passed over.
        encoder: What embeds the passages.
        settings: How the index is built.
        rebuild: Take nothing over from the index that stands there.
        strict: Raise for a file that cannot be read, instead of reporting it.

    Raises:
        UnreadableDocumentError: A path is missing, no document can be read, or there is no word in
            all of them; with `strict`, a file cannot be read.
        IndexFormatError: The folder holds something else than an index, or cannot be written.
    """
    check_writable(folder)
    remove_leftovers(folder)
    settings = settings or IndexSettings()
    home = f"{folder.resolve()}{os.sep}"
    unreadable: list[str] = []

    def note(error: UnreadableDocumentError) -> None:
        if strict:
            raise error
        unreadable.append(str(error))

    found = [Source.of(name, path) for name, path in find_files(paths, on_error=note)]
    found = [source for source in found if not source.path.startswith(home)]
    previous, discarded = None, ""
    if not rebuild and (folder / MANIFEST).exists():
        previous, discarded = PreviousVersion.open(folder, encoder, settings)
    unchanged = {source.name for source in found if previous and previous.holds(source)}
    if previous and len(unchanged) == len(found) == len(previous.files):
        files = {source.name: source.row(previous.files[source.name][3]) for source in found}
        if files != previous.files:
            replace_manifest(folder, {**previous.manifest, "files": files})
        return UpdateReport(
            unreadable=tuple(unreadable),
            n_unchanged=len(previous.documents),
            n_documents=len(previous.documents),
            n_passages=int(previous.manifest["n_passages"]),
        )
    update = _Update(found, unchanged, previous, encoder, settings, unreadable, strict=strict)
    manifest: dict[str, Any] = {}

    def write_data(data: Path) -> None:
        n_passages, dim = update.write(data)
        described = index_manifest(
            encoder,
            dim,
            settings,
            sources=paths,
            documents=update.documents,
            n_passages=n_passages,
        )
        manifest.update(described, files=update.files)

    with suppress(_NothingNewError):
        write_folder(folder, manifest, write_data)
    update.cache.clear()
    return update.report(discarded)


class _NothingNewError(Exception):
    """The new version would be the old one."""


class _Update:
    """One new version, written document by document."""

    def __init__(
        self,
        found: Sequence[Source],
        unchanged: set[str],
        previous: PreviousVersion | None,
        encoder: Encoder,
        settings: IndexSettings,
        unreadable: list[str],
        *,
        strict: bool,
    ) -> None:
        self.documents: dict[str, str] = {}
        self.files: dict[str, list[Any]] = {}
        self.cache = BlockCache(encoder)
        self._found = found
        self._unchanged = unchanged
        self._previous = previous
        self._encoder = encoder
        self._settings = settings
        self._strict = strict
        self._unreadable = unreadable
        self._not_english: list[str] = []
        self._n_loaded = 0
        if previous:
            previous.scan()
        self._lexical = LexicalBuilder(previous.lexical() if previous else None)
        # Where the vector of each row comes from: the row of the previous version, or, below 0,
        # ~n for the n-th text that is embedded.
        self._origin = array("q")
        self._number_of_text: dict[bytes, int] = {}

    def write(self, data: Path) -> tuple[int, int]:
        """Write all files of the version.

        Returns:
            How many passages it has, and the length of a vector.
        """
        scratch = data / "scratch"
        scratch.mkdir()
        self._write_rows(data, scratch / _NEW_TEXTS)
        if not self._origin:
            raise UnreadableDocumentError(
                self._unreadable[0] if self._unreadable else _NOTHING_TO_INDEX
            )
        if self._previous and not self._n_loaded and self.documents == self._previous.documents:
            raise _NothingNewError
        write_places(data, self.documents)
        vectors = self._vectors(scratch)
        build_store(vectors).save(data)
        dim = vectors.shape[1]
        self._lexical.build().save(data)
        shutil.rmtree(scratch)
        return len(self._origin), dim

    def report(self, discarded: str) -> UpdateReport:
        """Say what the update did, once it is written."""
        known = self._previous.documents if self._previous else {}
        added = [name for name in self.documents if name not in known]
        changed = [
            name for name, sha256 in self.documents.items() if known.get(name, sha256) != sha256
        ]
        return UpdateReport(
            added=tuple(added),
            changed=tuple(changed),
            removed=tuple(name for name in known if name not in self.documents),
            n_unchanged=len(self.documents) - len(added) - len(changed),
            unreadable=tuple(self._unreadable),
            not_english=tuple(self._not_english),
            n_documents=len(self.documents),
            n_passages=len(self._origin),
            n_embedded=len(self._number_of_text),
            is_first=self._previous is None,
            discarded=discarded,
        )

    def _write_rows(self, data: Path, new_texts: Path) -> None:
        """Write documents and passages; the texts that are to be embedded apart."""
        with ExitStack() as stack:
            rows = _Rows.open(stack, data, "xb")
            kept = _Rows.open(stack, self._previous.data, "rb") if self._previous else None
            texts = stack.enter_context(new_texts.open("x", encoding="utf-8"))
            for source in self._found:
                loaded = [] if source.name in self._unchanged else self._load(source, rows, texts)
                if loaded:
                    self.files[source.name] = source.row(loaded)
                elif kept and self._previous and source.name in self._previous.files:
                    self._keep(source, kept, rows)

    def _load(self, source: Source, rows: "_Rows", texts: TextIO) -> list[str]:
        """Add the documents of a file; return their ids, none where it cannot be read."""
        names = []
        for loaded in load_file(Path(source.path), source.name):
            if isinstance(loaded, Document):
                self._add(loaded, rows, texts)
                names.append(loaded.id)
            elif self._strict:
                raise loaded
            else:
                self._unreadable.append(str(loaded))
        return names

    def _add(self, document: Document, rows: "_Rows", texts: TextIO) -> None:
        self._n_loaded += 1
        self.documents[document.id] = document.sha256
        if self._encoder.name == DEFAULT_ENCODER and not is_mostly_english(document.text):
            self._not_english.append(document.id)
        rows.documents.write(row_line(document_row(document)))
        passages = split_document(
            document,
            self._settings.split,
            count_tokens=self._encoder.count_tokens,
            max_tokens=self._encoder.max_tokens,
        )
        for passage in passages:
            rows.passages.write(row_line(passage_row(passage)))
            text = passage.searchable_text
            self._lexical.add(text)
            digest = text_digest(text)
            row = self._previous.row_of_text.get(digest) if self._previous else None
            if row is None:
                if digest not in self._number_of_text:
                    self._number_of_text[digest] = len(self._number_of_text)
                    texts.write(json.dumps(text) + "\n")
                row = ~self._number_of_text[digest]
            self._origin.append(row)

    def _keep(self, source: Source, kept: "_Rows", rows: "_Rows") -> None:
        """Copy the documents of a file from the previous version."""
        assert self._previous
        recorded = self._previous.files[source.name]
        is_known = source.name in self._unchanged
        self.files[source.name] = source.row(recorded[3]) if is_known else recorded
        for name in recorded[3]:
            self.documents[name] = self._previous.documents[name]
            place = self._previous.kept[name]
            kept.documents.seek(place.line)
            rows.documents.write(kept.documents.read(place.line_bytes))
            kept.passages.seek(place.passages)
            rows.passages.write(kept.passages.read(place.passages_bytes))
            self._origin.extend(range(place.row, place.row + place.n_rows))
            self._lexical.keep(place.row, place.n_rows)

    def _vectors(self, scratch: Path) -> FloatArray:
        """Bring old and new vectors together in a file mapped into memory, shape (n_rows, dim)."""
        n_new = len(self._number_of_text)
        dim = 0
        with (scratch / _NEW_VECTORS).open("xb") as stream:
            for block in self.cache.encode(_lines(scratch / _NEW_TEXTS), n_new):
                stream.write(np.ascontiguousarray(block, dtype=np.float32).data)
                dim = block.shape[1]
        store = self._previous.store() if self._previous else None
        if store:
            dim = store.vectors(np.zeros(1, dtype=np.int64)).shape[1]
        new: FloatArray = (
            np.memmap(scratch / _NEW_VECTORS, np.float32, "r", shape=(n_new, dim))
            if n_new
            else np.empty((0, dim), dtype=np.float32)
        )
        origin = np.frombuffer(self._origin, dtype=np.int64)
        vectors = np.memmap(scratch / _VECTORS, np.float32, "w+", shape=(len(origin), dim))
        for first in range(0, len(origin), _COPIED_ROWS):
            rows = origin[first : first + _COPIED_ROWS]
            part = vectors[first : first + _COPIED_ROWS]
            is_new = rows < 0
            part[is_new] = new[~rows[is_new]]
            if store:
                part[~is_new] = store.vectors(rows[~is_new])
        return vectors


class _Rows(NamedTuple):
    """The files of documents and passages of one version."""

    documents: IO[bytes]
    passages: IO[bytes]

    @classmethod
    def open(cls, stack: ExitStack, data: Path, mode: str) -> "_Rows":
        return cls(
            *(stack.enter_context((data / file).open(mode)) for file in (DOCUMENTS, PASSAGES))
        )


def _lines(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)
