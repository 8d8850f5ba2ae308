"""LangChain: HuggingFaceEmbeddings and its FAISS store."""

import common


def load_model():
    from langchain_huggingface import HuggingFaceEmbeddings

    return HuggingFaceEmbeddings(
        model_name=common.model_folder(), encode_kwargs={"normalize_embeddings": True}
    )


def index(model, passages, folder):
    from langchain_community.vectorstores import FAISS

    FAISS.from_texts(passages, model).save_local(folder)


def open_index(model, folder):
    from langchain_community.vectorstores import FAISS

    store = FAISS.load_local(folder, model, allow_dangerous_deserialization=True)
    return lambda question: store.similarity_search(question, k=10)[0].page_content


common.main(load_model, index, open_index)
