from bot.summary import central_sentences

TEXT = (
    "OPINION: Why the ferry matters to the whole of Kampot and its people\n\n"
    "Kampot, May 2, 2021\n\n"
    "The ferry carries rice to the ferry port, and the ferry carries people home. "
    "A parrot lives at the inn near the old pier, as guests often say.\n\n"
    "Everyone in town needs the ferry, since the ferry is the only way over the river."
)


def test_the_headline_comes_first_and_then_sentences_in_reading_order(build_index):
    index = build_index(TEXT, keywords=("ferry", "parrot", "rice"))
    # The documents' titles are found at load; a text in memory names its own.
    spans = central_sentences(index, n=2)
    starts = [span.start for span in spans]
    assert starts == sorted(starts)
    assert all("parrot" not in span.text for span in spans)


def test_every_span_is_a_slice_of_its_document(build_index):
    index = build_index(TEXT, TEXT.replace("ferry", "boat"), keywords=("ferry", "boat"))
    for span in central_sentences(index, n=4):
        document = index.documents[span.hit.passage.document_id]
        assert document.text[span.start : span.end] == span.text


def test_a_document_of_one_sentence_is_its_own_summary(build_index):
    index = build_index("The ferry leaves at seven on every day of the week but Sunday.")
    assert [span.text for span in central_sentences(index)] == [index.passages[0].text]
