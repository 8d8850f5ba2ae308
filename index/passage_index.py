"""The index: passages found by meaning and by words."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
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
from index.rows import (
    DOCUMENTS,
    PASSAGES,
    document_row,
    parse_document,
    parse_passage,
    passage_row,
    read_rows,
    write_rows,
)
from index.stores import RowArray, VectorStore


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


class PassageIndex:
    """Passages of documents, searched by vectors and by BM25, the two rankings fused."""

    def __init__(
        self,
        documents: Iterable[Document],
        passages: Sequence[Passage],
        *,
        store: VectorStore,
        lexical: LexicalIndex,
        encoder: Encoder,
        settings: IndexSettings,
        sources: Sequence[Path] = (),
    ) -> None:
        self.documents = {document.id: document for document in documents}
        self.passages = tuple(passages)
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
        if len({document.id for document in documents}) < len(documents):
            raise ValueError("two documents have the same id")
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
        texts = [passage.searchable_text for passage in passages]
        return cls(
            documents,
            passages,
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
            _, nearest = self.store.search(vector, depth)
            _, wordiest = self.lexical.best(query, depth)
            rows = np.union1d(nearest[0], wordiest)
        else:
            rows = self.rows_of(documents)
        scores = convex_fusion(
            (self.store.vectors(rows) * vector[0]).sum(axis=1),
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
        return np.flatnonzero([passage.document_id in documents for passage in self.passages])

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
            documents={document.id: document.sha256 for document in self.documents.values()},
            n_passages=len(self.passages),
        )
        write_folder(Path(folder), manifest, self._write_data)

    def _write_data(self, data: Path) -> None:
        write_rows(data / DOCUMENTS, map(document_row, self.documents.values()))
        write_rows(data / PASSAGES, map(passage_row, self.passages))
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
        documents = _read_documents(folder, manifest, data)
        with reading(folder, manifest, PASSAGES):
            texts = {document.id: document.text for document in documents}
            passages = [parse_passage(row, texts) for row in read_rows(data / PASSAGES)]
            _expect(manifest["n_passages"], len(passages), "passages")
        kind = store_type(data)
        with reading(folder, manifest, kind.FILE):
            store = kind.load(data)
            _expect(len(passages), len(store), "vectors")
            _expect(dim, store.vectors(np.arange(1)).shape[1], "vectors")
        with reading(folder, manifest, LexicalIndex.FOLDER):
            lexical = LexicalIndex.load(data, len(passages))
        return cls(
            documents,
            passages,
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


def stale_documents(folder: Path, documents: Iterable[Document]) -> str | None:
    """Say in one line which documents of a saved index changed on disk since it was built.

    Args:
        folder: The index.
        documents: Those that were loaded from it.

    Returns:
        The line, with the command that refreshes the index; None where nothing changed, or where
        the documents never were files.

    Raises:
        IndexFormatError: The folder is no index of this version.
    """
    changed = []
    for document in documents:
        found = file_sha256(document.path) if document.path else document.sha256
        if found != document.sha256:
            changed.append(Path(document.id).name + ("" if found else " (missing)"))
    if not changed:
        return None
    names = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    return (
        f"{folder}: {names} changed on disk since the index was built; refresh it with: "
        f"{refresh_command(folder, read_manifest(folder))}"
    )


def _read_documents(folder: Path, manifest: dict[str, Any], data: Path) -> list[Document]:
    with reading(folder, manifest, DOCUMENTS):
        documents = [parse_document(row) for row in read_rows(data / DOCUMENTS)]
        found = {document.id: document.sha256 for document in documents}
        _expect(manifest["documents"], found, "documents")
        _expect(len(found), len(documents), "documents")
    return documents


def _expect(expected: object, found: object, what: str) -> None:
    if expected != found:
        raise ValueError(f"other {what} than the manifest names")
