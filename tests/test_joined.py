import numpy as np
import pytest

from corpus.documents import Document
from index.joined import join
from index.passage_index import PassageIndex

FERRY = (
    "The ferry leaves at seven and pays for itself.\n\nLeave of absence is given by the captain."
)
GARDEN = "The garden has an orchid.\n\nPay for travel is due when the leave of a worker begins."


def test_two_documents_with_one_id_are_refused(build_index):
    with pytest.raises(ValueError, match="two documents have the same id"):
        join([build_index(FERRY), build_index(GARDEN)])


@pytest.fixture
def joined(build_index):
    whole = build_index(FERRY, GARDEN)
    first = build_index(FERRY)
    second = PassageIndex.build([Document.from_text("1.txt", GARDEN)], encoder=first.encoder)
    return join([first, second]), whole


@pytest.mark.parametrize("query", ["leave", "pay for travel", "orchid", "nothing of it"])
@pytest.mark.parametrize("k", [1, 3])
def test_the_vectors_are_searched_as_those_of_one_index(joined, query, k):
    together, whole = joined
    vector = whole.encoder.encode_queries([query])
    for found, expected in zip(
        together.store.search(vector, k), whole.store.search(vector, k), strict=True
    ):
        assert np.allclose(found, expected)
    rows = np.array([len(whole.passages) - 1, 0])
    assert np.allclose(together.store.vectors(rows), whole.store.vectors(rows))
    assert len(together.store) == len(together.lexical) == len(whole.passages)


def test_hits_come_from_every_part_with_their_own_documents(joined):
    together, whole = joined
    assert list(together.passages) == list(whole.passages)
    assert together.passages[1:] == list(whole.passages[1:])
    assert together.documents == whole.documents
    assert list(together.documents) == ["0.txt", "1.txt"]
    assert {hit.passage.document_id for hit in together.search("leave", 4)} == {"0.txt", "1.txt"}
    [best] = together.search("orchid", 1)
    assert "orchid" in best.passage.text


def test_a_joined_index_is_searched_in_some_of_its_documents(joined):
    together, _ = joined
    hits = together.search("leave", 10, documents=["1.txt"])
    assert {hit.passage.document_id for hit in hits} == {"1.txt"}
