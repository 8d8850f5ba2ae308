"""The index: passages found by meaning and by words."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from corpus.documents import Document
from corpus.errors import IndexFormatError, UnreadableDocumentError
from corpus.loaders import file_sha256
from corpus.passages import Passage, SplitSettings, split_document
from index.approximate import build_store, store_type
from index.blocks import encode_in_blocks
from index.contents import Contents
from index.embedding import Encoder, FloatArray
from index.folder import (
    MANIFEST,
    checked_data,
    named_data,
    read_manifest,
    reading,
    refresh_command,
    write_folder,
)
from index.fusion import convex_fusion
from index.lexical import LexicalIndex
from index.stores import RowArray, VectorStore, cosines


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage.

    Attributes:
        passage: The passage.
        score: Larger is better; comparable within one search only.
        rank: From 1.
    """

    passage: Passage
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How an index is built and searched.

    Attributes:
        split: How documents are cut into passages.
        dense_weight: In [0, 1]; the share of the cosine in the fused score, the rest is BM25's.
        depth: How many passages each of the two rankings hands to the fusion.
    """

    split: SplitSettings = field(default_factory=SplitSettings)
    dense_weight: float = 0.7
    depth: int = 100

    def __post_init__(self) -> None:
        if not 0 <= self.dense_weight <= 1:
            raise ValueError(f"dense_weight must be between 0 and 1, got {self.dense_weight}")
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1, got {self.depth}")


_NO_ROWS: RowArray = np.empty(0, dtype=np.int64)


class PassageIndex:
    """Passages of documents, searched by vectors and by BM25, the two rankings fused."""

    def __init__(
        self,
        contents: Contents,
        *,
        store: VectorStore,
        lexical: LexicalIndex,
        encoder: Encoder,
        settings: IndexSettings,
        sources: Sequence[Path] = (),
    ) -> None:
        self.contents = contents
        self.documents = contents.documents
        self.passages = contents.passages
        self.store = store
        self.lexical = lexical
        self.encoder = encoder
        self.settings = settings
        # The files and folders that a saved index was built from.
        self.sources = tuple(sources)

    @classmethod
    def build(
        cls,
        documents: Iterable[Document],
        *,
        encoder: Encoder,
        settings: IndexSettings | None = None,
    ) -> Self:
        """Cut documents into passages and embed them.

        Raises:
            UnreadableDocumentError: There is no word in all of the documents.
            ValueError: Two documents have the same id.
        """
        settings = settings or IndexSettings()
        documents = list(documents)
        passages = [
            passage
            for document in documents
            for passage in split_document(
                document,
                settings.split,
                count_tokens=encoder.count_tokens,
                max_tokens=encoder.max_tokens,
            )
        ]
        if not passages:
            raise UnreadableDocumentError(
                "the documents hold no words, so there is nothing to index"
            )
        contents = Contents.of(documents, passages)
        texts = [passage.searchable_text for passage in passages]
        return cls(
            contents,
            store=build_store(encode_in_blocks(texts, encoder)),
            lexical=LexicalIndex.build(texts),
            encoder=encoder,
            settings=settings,
        )

    def search(
        self, query: str, k: int = 10, *, documents: Collection[str] | None = None
    ) -> list[Hit]:
        """Find the passages nearest to a query.

        Args:
            query: A question that stands alone.
            k: How many to return; at most as many come back as there are passages.
            documents: The ids of those to search; None searches all.

        Returns:
            Hits, best first; equal scores in the order of the documents.

        Raises:
            ValueError: k is negative.
        """
        if k < 0:
            raise ValueError(f"k must be at least 0, got {k}")
        depth = max(k, self.settings.depth)
        vector = self.encoder.encode_queries([query])
        if documents is None or self.documents.keys() <= set(documents):
            (nearness,), (rows,) = self.store.search(vector, depth)
            _, wordiest = self.lexical.best(query, depth)
            others = np.setdiff1d(wordiest, rows)
        else:
            nearness, rows = np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64)
            others = self.rows_of(documents)
        rows = np.concatenate([rows, others])
        scores = convex_fusion(
            np.concatenate([nearness, cosines(vector[0], self.store.vectors(others))]),
            self.lexical.scores(query, rows),
            dense_weight=self.settings.dense_weight,
        )
        order = np.lexsort((rows, -scores))[:k]
        return [
            Hit(passage=self.passages[rows[i]], score=float(scores[i]), rank=rank)
            for rank, i in enumerate(order, start=1)
        ]

    @property
    def fingerprint(self) -> str:
        """Tells how this index searches, by encoder and settings, whatever its documents are."""
        key = json.dumps([self.encoder.fingerprint, asdict(self.settings)])
        return hashlib.sha256(key.encode()).hexdigest()

    def rows_of(self, documents: Collection[str] | None = None) -> RowArray:
        """Return the rows of the passages of these documents, or of all, ascending."""
        if documents is None:
            return np.arange(len(self.passages))
        found = [rows for name, rows in self.contents.rows.items() if name in documents]
        return np.concatenate([np.arange(rows.start, rows.stop) for rows in found] or [_NO_ROWS])

    def passage_vectors(self) -> FloatArray:
        """Return the vectors of all passages, shape (n_passages, dim)."""
        return self.store.vectors(np.arange(len(self.passages)))

    def save(self, folder: Path, *, sources: Sequence[Path] = ()) -> None:
        """Write the index into a folder, in place of the index that it may hold.

        Args:
            folder: Made where it is missing; what it holds stays valid until the new one is whole.
            sources: The files and folders that the documents were loaded from, recorded for the
                command that refreshes the index.

        Raises:
            IndexFormatError: The folder holds something else, or cannot be written.
        """
        manifest = index_manifest(
            self.encoder,
            self.encoder.dim,
            self.settings,
            sources=sources,
            documents=dict(self.contents.sha256s),
            n_passages=len(self.passages),
        )
        write_folder(Path(folder), manifest, self._write_data)

    def _write_data(self, data: Path) -> None:
        self.contents.save(data)
        self.store.save(data)
        self.lexical.save(data)

    @classmethod
    def load(cls, folder: Path, *, encoder: Encoder) -> Self:
        """Read a saved index; it searches as the saved one did.

        Raises:
            IndexFormatError: The folder is no index of this version, was altered, or was built
                with another encoder.
        """
        folder = Path(folder)
        while True:
            manifest = read_manifest(folder)
            try:
                return cls._load(folder, manifest, encoder)
            except IndexFormatError:
                # A version that was replaced while it was read is no longer whole.
                if named_data(folder) == manifest.get("data"):
                    raise

    @classmethod
    def _load(cls, folder: Path, manifest: dict[str, Any], encoder: Encoder) -> Self:
        with reading(folder, manifest, MANIFEST):
            built_with = manifest["encoder"]
            name, fingerprint, dim = (built_with[key] for key in ("name", "fingerprint", "dim"))
            settings = read_settings(manifest)
            sources = [Path(source) for source in manifest["sources"]]
        if fingerprint != encoder.fingerprint:
            command = refresh_command(folder, manifest, encoder=encoder.name)
            raise IndexFormatError(
                f"{folder}: was built with encoder {name!r} but {encoder.name!r} is set; "
                f"set that encoder, or rebuild with: {command}"
            )
        data = checked_data(folder, manifest)
        contents = Contents.load(folder, manifest, data)
        n_passages = len(contents.passages)
        kind = store_type(data)
        with reading(folder, manifest, kind.FILE):
            store = kind.load(data)
            _expect(n_passages, len(store), "vectors")
            _expect(dim, store.vectors(np.arange(1)).shape[1], "vectors")
        with reading(folder, manifest, LexicalIndex.FOLDER):
            lexical = LexicalIndex.load(data, n_passages)
        return cls(
            contents,
            store=store,
            lexical=lexical,
            encoder=encoder,
            settings=settings,
            sources=sources,
        )


def index_manifest(
    encoder: Encoder,
    dim: int,
    settings: IndexSettings,
    *,
    sources: Sequence[Path],
    documents: dict[str, str],
    n_passages: int,
) -> dict[str, Any]:
    """Describe an index for its manifest.

    Args:
        encoder: What embedded the passages.
        dim: Length of a vector.
        settings: How the index was built.
        sources: The files and folders that the documents were loaded from.
        documents: The SHA-256 of each, by id.
        n_passages: How many passages they have.
    """
    return {
        "encoder": {"name": encoder.name, "fingerprint": encoder.fingerprint, "dim": dim},
        "settings": asdict(settings),
        "sources": [str(Path(source).absolute()) for source in sources],
        "documents": documents,
        "n_passages": n_passages,
    }


def read_settings(manifest: dict[str, Any]) -> IndexSettings:
    """Read the settings of a manifest; what it lacks raises as malformed JSON does."""
    split = SplitSettings(**manifest["settings"]["split"])
    return IndexSettings(**{**manifest["settings"], "split": split})


def stale_documents(folder: Path, index: PassageIndex) -> str | None:
    """Say in one line which documents of a saved index changed on disk since it was built.

    Args:
        folder: The index.
        index: What was loaded from it.

    Returns:
        The line, with the command that refreshes the index; None where nothing changed, or where
        the documents never were files.

    Raises:
        IndexFormatError: The folder is no index of this version.
    """
    manifest = read_manifest(folder)
    sha256s = index.contents.sha256s
    changed = []
    with reading(folder, manifest, MANIFEST):
        for path, size, mtime_ns, names in _recorded_files(manifest, index):
            if _is_as_recorded(path, size, mtime_ns):
                continue
            found = file_sha256(path)
            changed += [
                Path(name).name + ("" if found else " (missing)")
                for name in names
                if found != sha256s.get(name, found)
            ]
    if not changed:
        return None
    names = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    return (
        f"{folder}: {names} changed on disk since the index was built; refresh it with: "
        f"{refresh_command(folder, manifest)}"
    )


def _recorded_files(
    manifest: dict[str, Any], index: PassageIndex
) -> Iterator[tuple[Path, int, int, Sequence[str]]]:
    """Yield path, size, time and documents of each indexed file; size -1 where it is not known."""
    if "files" in manifest:
        for path, size, mtime_ns, names in manifest["files"].values():
            yield Path(path), size, mtime_ns, names
    else:
        for document in index.documents.values():
            if document.path:
                yield document.path, -1, 0, [document.id]


def _is_as_recorded(path: Path, size: int, mtime_ns: int) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (size, mtime_ns)


def _expect(expected: object, found: object, what: str) -> None:
    if expected != found:
        raise ValueError(f"other {what} than the manifest names")
