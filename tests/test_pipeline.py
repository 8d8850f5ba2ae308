import pytest

from bot.followup import Turn
from bot.pipeline import MAX_QUERY_CHARACTERS, Bot
from bot.reader.reading import Reading, Span
from bot.settings import Settings
from corpus import Document
from corpus.errors import SettingsError
from index import PassageIndex

LETTER = (
    "The ferry leaves Kampot at seven in the morning, but not on Sunday, and is back at night.\n\n"
    "Captain Sok Dara has steered the ferry for eleven years; before, he mended nets in Kep.\n\n"
    "On busy days the ferry carries forty passengers, their bicycles, and sacks of rice and pepper."
)


class WordReader:
    """Points at the first of its words that a passage holds; as sure as it is told to be."""

    threshold = 0.5

    def __init__(self, *words, confidence=0.9):
        self.words = words
        self.confidence = confidence
        self.asked = []

    def read(self, question, hits):
        self.asked.append((question, len(hits)))
        spans = [
            Span(hit, start, start + len(word), 1.0 / hit.rank, self.confidence)
            for word in self.words
            for hit in hits
            if (start := hit.passage.start + hit.passage.text.find(word)) >= hit.passage.start
        ]
        return Reading(tuple(spans), tuple(hits), ("fuel",))


@pytest.fixture
def index(build_index):
    return build_index(LETTER, keywords=("ferry", "captain", "passengers"))


@pytest.fixture
def bot(index):
    return Bot(index, reader=WordReader("forty passengers"))


def test_an_answer_is_a_literal_quote_with_its_place(bot, index):
    answer = bot.ask("How many passengers does it carry?")
    [citation] = answer.citations
    text = index.documents["0.txt"].text
    assert answer.text == text[citation.start : citation.end] == "forty passengers"
    assert text[citation.passage_start : citation.passage_end].startswith("On busy days")
    assert answer.seconds > 0


def test_below_the_threshold_the_bot_is_silent_and_says_why(index):
    bot = Bot(index, reader=WordReader("forty", confidence=0.4))
    answer = bot.ask("What fuel does it burn?")
    assert answer.abstained
    assert (answer.text, answer.citations) == ("", ())
    assert answer.confidence == pytest.approx(0.4)
    assert answer.note.startswith("It does not mention “fuel”")
    assert len(answer.passages) == 3


def test_the_threshold_may_be_set(index):
    reader = WordReader("forty", confidence=0.4)
    assert (
        not Bot(index, reader=reader, settings=Settings(threshold=0.3)).ask("How many?").abstained
    )


def test_the_same_words_elsewhere_are_cited_too(index):
    answer = Bot(index, reader=WordReader("ferry")).ask("What leaves Kampot?")
    assert [citation.quote for citation in answer.citations] == ["ferry", "ferry", "ferry"]


def test_other_words_that_answer_nearly_as_surely_are_listed(index):
    reader = WordReader("forty passengers", "eleven years", "passengers", "forty")
    answer = Bot(index, reader=reader).ask("How many?")
    assert answer.text == "forty passengers"
    # "passengers" and "forty" say no more than the answer does.
    assert [citation.quote for citation in answer.alternatives] == ["eleven years"]
    text = index.documents["0.txt"].text
    assert all(text[c.start : c.end] == c.quote for c in answer.alternatives)


def test_a_follow_up_is_searched_as_it_was_resolved(index):
    reader = WordReader("eleven years")
    history = [Turn("Who steers it?", "Captain Sok Dara", "Who steers it?")]
    answer = Bot(index, reader=reader).ask("How long has he done so?", history)
    assert answer.query == reader.asked[0][0] == "How long has Captain Sok Dara done so?"


def test_a_small_document_is_read_whole_and_a_large_one_in_part(index):
    reader = WordReader("forty")
    Bot(index, reader=reader, settings=Settings(n_passages=1)).ask("How many?")
    Bot(index, reader=reader, settings=Settings(n_passages=1, read_whole=2)).ask("How many?")
    assert [n for _, n in reader.asked] == [3, 1]


def test_nothing_is_remembered_between_two_questions(bot):
    first = bot.ask("How many passengers?")
    bot.ask("And the captain?", [Turn("Who?", "Captain Sok Dara", "Who?")])
    assert bot.ask("How many passengers?").query == first.query


@pytest.mark.parametrize("message", ["Hello!", "thanks", "bye", "", " \n ", "help"])
def test_a_message_that_is_no_question_gets_a_reply_and_no_passages(bot, message):
    answer = bot.ask(message)
    assert answer.abstained
    assert answer.note
    assert answer.passages == ()


def test_what_the_document_is_about_is_said_in_its_own_sentences(bot, index):
    answer = bot.ask("What is this about?")
    text = index.documents["0.txt"].text
    assert not answer.abstained
    assert answer.text == " ".join(citation.quote for citation in answer.citations)
    assert all(text[c.start : c.end] == c.quote for c in answer.citations)


def test_a_question_about_the_whole_is_no_follow_up(bot):
    history = [Turn("How many submarines are there?", "", "How many submarines are there?")]
    assert bot.ask("What is this document about?", history).query == "What is this document about?"


def test_a_long_text_is_searched_by_its_last_question(bot):
    text = "I was at the pier. " * 600 + "How many passengers does the ferry carry? Thank you."
    assert bot.ask(text).query == "How many passengers does the ferry carry?"


@pytest.mark.parametrize("text", ["ferry " * 2000, "x" * 10_000, "? " * 5000, "\U0001f600" * 9000])
def test_a_text_of_ten_thousand_characters_is_cut_to_a_query(bot, text):
    assert len(bot.ask(text).query) <= MAX_QUERY_CHARACTERS


class TestChosenDocuments:
    @pytest.fixture
    def shelf(self, build_index):
        return build_index(LETTER, "The liner carries ninety passengers when it comes at night.")

    def test_only_the_chosen_documents_are_asked(self, shelf):
        bot = Bot(shelf, reader=WordReader("forty passengers", "ninety passengers"))
        assert bot.ask("How many passengers?", documents=["0.txt"]).text == "forty passengers"
        answer = bot.ask("How many passengers?", documents=["1.txt"])
        assert answer.text == "ninety passengers"
        assert [hit.passage.document_id for hit in answer.passages] == ["1.txt"]

    def test_an_answer_knows_how_many_documents_were_asked(self, shelf):
        bot = Bot(shelf, reader=WordReader(confidence=0.0))
        assert bot.ask("How many?").n_documents == 2
        assert bot.ask("How many?", documents=["1.txt"]).n_documents == 1
        assert Bot(shelf, reader=WordReader(), documents={"1.txt"}).ask("Hm?").n_documents == 1

    def test_a_bot_may_be_made_for_some_of_the_documents(self, shelf):
        bot = Bot(shelf, reader=WordReader("passengers"), documents={"1.txt"})
        assert [c.document_id for c in bot.ask("How many?").citations] == ["1.txt"]

    def test_what_some_documents_are_about_is_said_in_their_words(self, shelf):
        bot = Bot(shelf, reader=WordReader())
        answer = bot.ask("What is this about?", documents=["1.txt"])
        assert {citation.document_id for citation in answer.citations} == {"1.txt"}

    def test_an_unknown_document_is_refused(self, shelf):
        with pytest.raises(SettingsError, match=r"2\.txt: no such document; did you mean"):
            Bot(shelf, reader=WordReader()).ask("How many?", documents=["2.txt"])

    def test_a_joined_bot_answers_from_both_indexes(self, shelf):
        document = Document.from_text("own.txt", "The raft carries two passengers at most by day.")
        own = PassageIndex.build([document], encoder=shelf.encoder)
        bot = Bot(shelf, reader=WordReader("two passengers", "forty passengers")).joined_with(own)
        cited = bot.ask("How many passengers?")
        assert {cited.citations[0].document_id, cited.alternatives[0].document_id} == {
            "0.txt",
            "own.txt",
        }
