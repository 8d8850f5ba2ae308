"""txtai: Embeddings, with the texts kept."""

import common


def load_model():
    from txtai import Embeddings

    return Embeddings({"path": common.model_folder(), "content": True})


def index(model, passages, folder):
    model.index(passages)
    model.save(folder)


def open_index(model, folder):
    model.load(folder)
    return lambda question: model.search(question, 10)[0]["text"]


common.main(load_model, index, open_index)
