"""Files become documents, documents become passages. Plain Python: no numpy, no torch."""

from corpus.documents import Document
from corpus.errors import ObserverError
from corpus.loaders import load_document, load_documents
from corpus.passages import Passage, SplitSettings, split_document
from corpus.sentences import split_sentences

__all__ = [
    "Document",
    "ObserverError",
    "Passage",
    "SplitSettings",
    "load_document",
    "load_documents",
    "split_document",
    "split_sentences",
]
