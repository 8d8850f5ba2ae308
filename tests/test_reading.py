import pytest

from bot.reader.reading import missing_words, shares_mentioned

FERRY, BARGE = {"ferri", "port"}, {"barg", "port"}


def test_words_that_no_passage_holds_in_any_form_are_missing():
    missing = missing_words("Which ferries call at ports of Kampot?", [FERRY, BARGE])
    assert missing == ("call", "kampot")


@pytest.mark.parametrize(
    ("question", "shares"),
    [
        ("Which ferry?", [1, 0]),
        ("Which port?", [1, 1]),
        ("Which ferry, and which barge?", [0.5, 0.5]),
        ("Which ferry to Kampot?", [1, 0]),
        ("Where is it?", [1, 1]),
    ],
)
def test_a_passage_mentions_a_share_of_the_question(question, shares):
    assert shares_mentioned(question, [FERRY, BARGE]) == pytest.approx(shares)


def test_a_rare_word_weighs_more_than_a_common_one():
    # Of two passages, one holds "ferry" and both hold "port": log 2 against log 1.2.
    _, barge = shares_mentioned("Does the ferry call at port?", [FERRY, BARGE])
    assert barge == pytest.approx(0.1823 / (0.1823 + 0.6931), abs=1e-3)
