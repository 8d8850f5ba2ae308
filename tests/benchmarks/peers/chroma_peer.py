"""Chroma: a persistent collection with SentenceTransformerEmbeddingFunction."""

import common


def load_model():
    from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

    return SentenceTransformerEmbeddingFunction(common.model_folder())


def index(model, passages, folder):
    collection = _client(folder).create_collection("bench", embedding_function=model)
    collection.add(ids=[str(number) for number in range(len(passages))], documents=passages)


def open_index(model, folder):
    collection = _client(folder).get_collection("bench", embedding_function=model)
    return lambda question: collection.query(query_texts=[question], n_results=10)["documents"][0][
        0
    ]


def _client(folder):
    import chromadb

    settings = chromadb.config.Settings(anonymized_telemetry=False)
    return chromadb.PersistentClient(folder, settings=settings)


common.main(load_model, index, open_index)
