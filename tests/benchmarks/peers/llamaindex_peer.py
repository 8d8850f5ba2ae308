"""LlamaIndex: VectorStoreIndex with HuggingFaceEmbedding."""

import common


def load_model():
    from llama_index.core import Settings
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    model = HuggingFaceEmbedding(model_name=common.model_folder())
    Settings.embed_model = model
    return model


def index(model, passages, folder):
    from llama_index.core import VectorStoreIndex
    from llama_index.core.schema import TextNode

    nodes = [TextNode(text=text) for text in passages]
    VectorStoreIndex(nodes, embed_model=model).storage_context.persist(folder)


def open_index(model, folder):
    from llama_index.core import StorageContext, load_index_from_storage

    stored = load_index_from_storage(StorageContext.from_defaults(persist_dir=folder))
    retriever = stored.as_retriever(similarity_top_k=10)
    return lambda question: retriever.retrieve(question)[0].text


common.main(load_model, index, open_index)
