"""The index: passages found by meaning and by words."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from corpus.documents import Document
from corpus.errors import IndexFormatError, UnreadableDocumentError
from corpus.loaders import file_sha256
from corpus.passages import Passage, SplitSettings, split_document
from index.embedding import Encoder, FloatArray
from index.folder import checked_data, read_manifest, refresh_command, write_folder
from index.fusion import convex_fusion
from index.lexical import LexicalIndex
from index.stores import FaissStore, VectorStore


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
    ) -> None:
        self.documents = {document.id: document for document in documents}
        self.passages = tuple(passages)
        self.store = store
        self.lexical = lexical
        self.encoder = encoder
        self.settings = settings

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
            store=FaissStore.build(encoder.encode_passages(texts)),
            lexical=LexicalIndex.build(texts),
            encoder=encoder,
            settings=settings,
        )

    def search(self, query: str, k: int = 10) -> list[Hit]:
        """Find the passages nearest to a query.

        Args:
            query: A question that stands alone.
            k: How many to return; at most `len(passages)` come back.

        Returns:
            Hits, best first; equal scores in the order of the documents.
        """
        depth = max(k, self.settings.depth)
        vector = self.encoder.encode_queries([query])
        _, nearest = self.store.search(vector, depth)
        lexical = self.lexical.scores(query)
        wordiest = np.argsort(-lexical, kind="stable")[:depth]
        rows = np.union1d(nearest[0], wordiest[lexical[wordiest] > 0])
        scores = convex_fusion(
            (self.store.vectors(rows) * vector[0]).sum(axis=1),
            lexical[rows],
            dense_weight=self.settings.dense_weight,
        )
        order = np.lexsort((rows, -scores))[:k]
        return [
            Hit(passage=self.passages[rows[i]], score=float(scores[i]), rank=rank)
            for rank, i in enumerate(order, start=1)
        ]

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
        manifest = {
            "encoder": {
                "name": self.encoder.name,
                "fingerprint": self.encoder.fingerprint,
                "dim": self.encoder.dim,
            },
            "settings": asdict(self.settings),
            "sources": [str(source) for source in sources],
            "documents": {document.id: document.sha256 for document in self.documents.values()},
            "n_passages": len(self.passages),
        }
        write_folder(Path(folder), manifest, self._write_data)

    def _write_data(self, data: Path) -> None:
        _write_rows(
            data / "documents.jsonl",
            (
                {
                    "id": document.id,
                    "title": document.title,
                    "sha256": document.sha256,
                    "path": str(document.path) if document.path else None,
                    "text": document.text,
                }
                for document in self.documents.values()
            ),
        )
        _write_rows(
            data / "passages.jsonl",
            (
                {
                    "document": passage.document_id,
                    "start": passage.start,
                    "end": passage.end,
                    "context": passage.context,
                }
                for passage in self.passages
            ),
        )
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
        manifest = read_manifest(folder)
        built_with = manifest.get("encoder", {})
        if built_with.get("fingerprint") != encoder.fingerprint:
            raise IndexFormatError(
                f"{folder}: was built with encoder {built_with.get('name')!r} but {encoder.name!r} "
                f"is set; set that encoder, or rebuild with: {refresh_command(folder, manifest)}"
            )
        data = checked_data(folder, manifest)
        documents = [_document(row) for row in _read_rows(data / "documents.jsonl")]
        texts = {document.id: document.text for document in documents}
        passages = [_passage(row, texts) for row in _read_rows(data / "passages.jsonl")]
        settings = manifest["settings"]
        return cls(
            documents,
            passages,
            store=FaissStore.load(data),
            lexical=LexicalIndex.load(data, len(passages)),
            encoder=encoder,
            settings=IndexSettings(**{**settings, "split": SplitSettings(**settings["split"])}),
        )


def stale_documents(folder: Path) -> str | None:
    """Say in one line which documents of a saved index changed on disk since it was built.

    Returns:
        The line, with the command that refreshes the index; None where nothing changed, or where
        the documents never were files.
    """
    manifest = read_manifest(folder)
    data = checked_data(folder, manifest)
    changed = [
        document.path.name
        for document in map(_document, _read_rows(data / "documents.jsonl"))
        if document.path and file_sha256(document.path) != document.sha256
    ]
    if not changed:
        return None
    names = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    return (
        f"{folder}: {names} changed on disk since the index was built; refresh it with: "
        f"{refresh_command(folder, manifest)}"
    )


def _document(row: dict[str, Any]) -> Document:
    return Document(
        id=row["id"],
        text=row["text"],
        title=row["title"],
        sha256=row["sha256"],
        path=Path(row["path"]) if row["path"] else None,
    )


def _passage(row: dict[str, Any], texts: dict[str, str]) -> Passage:
    return Passage(
        document_id=row["document"],
        start=row["start"],
        end=row["end"],
        text=texts[row["document"]][row["start"] : row["end"]],
        context=row["context"],
    )


def _write_rows(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            stream.write(json.dumps(row) + "\n")


def _read_rows(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]
