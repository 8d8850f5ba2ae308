import pytest

from bot.intents import Intent, find_intent, reply_to


@pytest.mark.parametrize(
    ("message", "intent"),
    [
        ("", Intent.EMPTY),
        (" ?! ", Intent.EMPTY),
        ("Hello!", Intent.GREETING),
        ("hi there", Intent.GREETING),
        ("Good morning, how are you today?", Intent.GREETING),
        ("Thanks a lot!", Intent.THANKS),
        ("thank you for your help", Intent.THANKS),
        ("ok", Intent.THANKS),
        ("Bye", Intent.FAREWELL),
        ("What can I ask you?", Intent.HELP),
        ("What is this about?", Intent.SUMMARY),
        ("what's it about", Intent.SUMMARY),
        ("What is the document about?", Intent.SUMMARY),
        ("Please summarise this article.", Intent.SUMMARY),
        ("Can you give me a short summary of the text?", Intent.SUMMARY),
        ("What are the main points?", Intent.SUMMARY),
        ("tl;dr", Intent.SUMMARY),
        ("What is the title?", Intent.QUESTION),
        ("What is the call about?", Intent.QUESTION),
        ("Hello Kitty was invented by whom?", Intent.QUESTION),
        ("Who thanked China for helping?", Intent.QUESTION),
        ("What does the document say about ASEAN?", Intent.QUESTION),
        ("Okinawa", Intent.QUESTION),
    ],
)
def test_a_message_is_taken_for_what_it_is(message, intent):
    assert find_intent(message) is intent


@pytest.mark.parametrize(
    "intent", [Intent.EMPTY, Intent.GREETING, Intent.THANKS, Intent.FAREWELL, Intent.HELP]
)
def test_every_message_that_is_no_question_has_a_reply(intent):
    assert reply_to(intent).endswith((".", "!", "words."))
