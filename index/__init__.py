"""Passages become ranked hits: embeddings, vector stores, BM25, and the index over them."""

from index.embedding import Encoder, SentenceEncoder
from index.passage_index import Hit, IndexSettings, PassageIndex
from index.stores import ExactStore, FaissStore, VectorStore

__all__ = [
    "Encoder",
    "ExactStore",
    "FaissStore",
    "Hit",
    "IndexSettings",
    "PassageIndex",
    "SentenceEncoder",
    "VectorStore",
]
