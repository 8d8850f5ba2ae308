"""What an index holds: documents and their passages, in memory or on disk.

Of a saved index, a document or a passage is read when it is asked for, so that opening a large one
takes no longer than opening a small one. Its data folder holds

documents.jsonl  id, title, text, sha256, path and marks of each document
passages.jsonl   document, start, end and context of each passage, document after document; the
                 text is sliced back, so it cannot drift
documents.npy    for each document, and behind the last: its first byte, its first passage's row
passages.npy     for each passage, and behind the last: its first byte
"""

import json
import mmap
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Self, cast, overload

import numpy as np
from numpy.typing import NDArray

from corpus.documents import Document
from corpus.passages import Passage
from index.folder import MANIFEST, reading
from index.mapped import mapped, release_file
from index.rows import (
    DOCUMENTS,
    PASSAGES,
    document_row,
    parse_document,
    parse_passage,
    passage_row,
    row_line,
    write_rows,
)

_PLACES_OF_DOCUMENTS = "documents.npy"
_PLACES_OF_PASSAGES = "passages.npy"
_KEPT_DOCUMENTS = 64  # of a saved index, those read last
# With each line that is read, Linux maps 64 KiB of its file.
_KEPT_LINES = 256

Reading = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Contents:
    """Documents and their passages.

    Attributes:
        documents: By id.
        passages: Those of each document in reading order, document after document.
        rows: Where the passages of each document stand among all, by its id.
        sha256s: The SHA-256 of the file of each document, by its id.
    """

    documents: Mapping[str, Document]
    passages: Sequence[Passage]
    rows: Mapping[str, range]
    sha256s: Mapping[str, str]

    @classmethod
    def of(cls, documents: Iterable[Document], passages: Iterable[Passage]) -> Self:
        """Put together what is in memory.

        Args:
            documents: The documents.
            passages: Their passages, in the same order.

        Raises:
            ValueError: Two documents have the same id, or the passages another order.
        """
        documents = tuple(documents)
        passages = tuple(passages)
        by_id = {document.id: document for document in documents}
        if len(by_id) < len(documents):
            raise ValueError("two documents have the same id")
        ends = dict.fromkeys(by_id, 0)
        for passage in passages:
            ends[passage.document_id] += 1
        rows = _ranges(by_id, accumulate(ends.values(), initial=0))
        if not all(passages[row].document_id == name for name in rows for row in rows[name]):
            raise ValueError("passages in another order than their documents")
        return cls(by_id, passages, rows, {name: by_id[name].sha256 for name in by_id})

    @classmethod
    def joined(cls, parts: Sequence["Contents"]) -> Self:
        """Put contents one after the other; none is copied.

        Raises:
            ValueError: Two documents have the same id.
        """
        firsts = list(accumulate((len(part.passages) for part in parts), initial=0))
        rows = {
            name: range(first + own.start, first + own.stop)
            for first, part in zip(firsts, parts, strict=False)
            for name, own in part.rows.items()
        }
        if len(rows) < sum(len(part.rows) for part in parts):
            raise ValueError("two documents have the same id")
        # A ChainMap begins with its last map, and is only read here.
        maps = [cast(dict[str, Document], part.documents) for part in reversed(parts)]
        sha256s = {name: sha256 for part in parts for name, sha256 in part.sha256s.items()}
        return cls(ChainMap(*maps), _JoinedPassages(parts, firsts), rows, sha256s)

    @classmethod
    def load(cls, folder: Path, manifest: dict[str, Any], data: Path) -> Self:
        """Open what `save` wrote.

        What is malformed inside a row is found when that row is read.

        Args:
            folder: The index.
            manifest: Its manifest.
            data: Its data folder.

        Raises:
            IndexFormatError: The files do not belong together or to the manifest.
        """
        with reading(folder, manifest, MANIFEST):
            sha256s = dict(manifest["documents"])
        with reading(folder, manifest, DOCUMENTS):
            places = mapped(data / _PLACES_OF_DOCUMENTS)
            if places.shape != (len(sha256s) + 1, 2) or places.dtype != np.int64:
                raise ValueError("other documents than the manifest names")
            lines = _Lines(data / DOCUMENTS, places[:, 0])
            documents = _StoredDocuments(
                sha256s, lines, partial(reading, folder, manifest, DOCUMENTS)
            )
        with reading(folder, manifest, PASSAGES):
            starts = mapped(data / _PLACES_OF_PASSAGES)
            if starts.shape != (manifest["n_passages"] + 1,) or starts.dtype != np.int64:
                raise ValueError("other passages than the manifest names")
            if places[-1, 1] != manifest["n_passages"]:
                raise ValueError("other passages than the documents have")
            lines = _Lines(data / PASSAGES, starts)
            passages = _StoredPassages(
                documents, lines, partial(reading, folder, manifest, PASSAGES)
            )
        return cls(documents, passages, _ranges(sha256s, places[:, 1].tolist()), sha256s)

    def save(self, data: Path) -> None:
        """Write documents and passages into an existing folder."""
        write_rows(data / DOCUMENTS, map(document_row, self.documents.values()))
        write_rows(data / PASSAGES, map(passage_row, self.passages))
        write_places(data, self.documents)


def write_places(data: Path, names: Iterable[str]) -> None:
    """Write where documents and passages begin in the files that hold them.

    Args:
        data: The folder of these files.
        names: The ids of the documents, in their order.

    Raises:
        ValueError: The passages have another order.
    """
    starts = array("q", [0])
    places = array("q", [0, 0])
    with (data / DOCUMENTS).open("rb") as documents, (data / PASSAGES).open("rb") as passages:
        passage = passages.readline()
        for name, line in zip(names, documents, strict=True):
            beginning = row_line({"document": name})[:-2] + b","
            while passage.startswith(beginning):
                starts.append(starts[-1] + len(passage))
                passage = passages.readline()
            places.extend([places[-2] + len(line), len(starts) - 1])
    if passage:
        raise ValueError("passages in another order than their documents")
    np.save(data / _PLACES_OF_PASSAGES, np.asarray(starts), allow_pickle=False)
    np.save(data / _PLACES_OF_DOCUMENTS, np.asarray(places).reshape(-1, 2), allow_pickle=False)


class _Lines:
    """The rows of a file of JSON Lines, mapped into memory."""

    def __init__(self, file: Path, starts: NDArray[np.int64]) -> None:
        with file.open("rb") as stream:
            self._bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        if starts[-1] != len(self._bytes):
            raise ValueError("cut short, or longer than it was")
        self._starts = starts
        self._n_read = 0

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, number: int) -> Any:
        self._n_read += 1
        if self._n_read % _KEPT_LINES == 0:
            release_file(self._bytes)
        return json.loads(self._bytes[self._starts[number] : self._starts[number + 1]])


class _StoredDocuments(Mapping[str, Document]):
    """The documents of a saved index."""

    def __init__(self, sha256s: Mapping[str, str], lines: _Lines, reader: Reading) -> None:
        self._numbers = {name: number for number, name in enumerate(sha256s)}
        self._sha256s = sha256s
        self._lines = lines
        self._reading = reader
        self._read_last = lru_cache(_KEPT_DOCUMENTS)(self._read)

    def __getitem__(self, name: str) -> Document:
        return self._read_last(name)

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def _read(self, name: str) -> Document:
        number = self._numbers[name]
        with self._reading():
            document = parse_document(self._lines[number])
            if (document.id, document.sha256) != (name, self._sha256s[name]):
                raise ValueError("other documents than the manifest names")
        return document


class _LazyPassages(Sequence[Passage], ABC):
    """Passages that are made when they are asked for."""

    @abstractmethod
    def _at(self, row: int) -> Passage: ...

    @overload
    def __getitem__(self, row: int) -> Passage: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Passage]: ...
    def __getitem__(self, row: int | slice) -> Passage | Sequence[Passage]:
        if isinstance(row, slice):
            return [self._at(one) for one in range(len(self))[row]]
        return self._at(range(len(self))[row])


class _StoredPassages(_LazyPassages):
    """The passages of a saved index."""

    def __init__(self, documents: Mapping[str, Document], lines: _Lines, reader: Reading) -> None:
        self._documents = documents
        self._lines = lines
        self._reading = reader

    def __len__(self) -> int:
        return len(self._lines)

    def _at(self, row: int) -> Passage:
        with self._reading():
            found = self._lines[row]
            return parse_passage(found, self._documents[found["document"]].text)


class _JoinedPassages(_LazyPassages):
    """The passages of several indexes, one after the other."""

    def __init__(self, parts: Sequence[Contents], firsts: Sequence[int]) -> None:
        self._parts = parts
        self._firsts = firsts

    def __len__(self) -> int:
        return self._firsts[-1]

    def _at(self, row: int) -> Passage:
        part = bisect_right(self._firsts, row) - 1
        return self._parts[part].passages[row - self._firsts[part]]


def _ranges(names: Iterable[str], bounds: Iterable[int]) -> dict[str, range]:
    return {
        name: range(first, end) for name, (first, end) in zip(names, pairwise(bounds), strict=True)
    }
