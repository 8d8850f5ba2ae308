"""What is said to a bot beside questions: greetings, thanks, "what is this about?"."""

import re
from enum import Enum


class Intent(Enum):
    """What a message wants."""

    QUESTION = "question"
    SUMMARY = "summary"
    EMPTY = "empty"
    GREETING = "greeting"
    THANKS = "thanks"
    FAREWELL = "farewell"
    HELP = "help"


_GREETING = (
    r"(?:hi|hiya|hello|hey|howdy|greetings|good (?:morning|afternoon|evening|day))"
    r"(?: there| all| everyone| bot| observer)?"
)
_THING = (
    r"(?:(?:this|the|that|your)(?: (?:document|text|article|piece|page|file|essay|report|story"
    r"|op-?ed|opinion(?: piece)?))?|it|these|(?:the|these|your) (?:documents|texts|files))"
)
_PATTERNS = (
    (Intent.EMPTY, r"[\W_]*"),
    (
        Intent.GREETING,
        rf"{_GREETING}(?:,? how are you(?: doing)?(?: today)?)?|how are you(?: doing)?",
    ),
    (
        Intent.THANKS,
        r"(?:many |ok(?:ay)?,? |great,? |perfect,? )?(?:thanks|thank you|thx|cheers|ta)"
        r"(?: you)?(?: (?:a lot|so much|very much|again|for .{1,40}))*"
        r"|(?:ok(?:ay)?|great|perfect|good|nice|cool|got it|well done)",
    ),
    (Intent.FAREWELL, r"(?:good)?bye(?:[ -]bye)?|see you(?: later)?|good night"),
    (
        Intent.HELP,
        r"help|who are you|what are you|what can (?:you do|i ask(?: you)?)|what do you do"
        r"|how do(?:es)? (?:you|this|it) work",
    ),
    (
        Intent.SUMMARY,
        rf"(?:so |and )?what(?:’s|'s| is| was| are)? {_THING} (?:all )?(?:about|talking about)"
        rf"|what (?:does|do) {_THING} (?:talk|speak|say|deal)(?: about| with)?"
        rf"|(?:can you |could you |please |give me |write |i want )*(?:a |an |the )?"
        rf"(?:short |brief |quick )?(?:summary|summari[sz]e|overview|gist|tl;?dr)"
        rf"(?: of| for me)?(?: (?:me )?{_THING})?"
        rf"|what (?:is|are|’s|'s) the (?:main|central|key|overall|general) "
        rf"(?:points?|ideas?|topics?|subjects?|themes?|messages?|arguments?)(?: of {_THING})?"
        rf"|what (?:is|’s|'s) the (?:topic|subject|theme|gist|point)(?: of {_THING})?",
    ),
)
_COMPILED = tuple(
    (intent, re.compile(rf"\W*(?:{pattern})\W*(?:please\W*)?", re.IGNORECASE))
    for intent, pattern in _PATTERNS
)
_REPLIES = {
    Intent.EMPTY: "Ask a question about the document.",
    Intent.GREETING: "Hello! Ask me anything about the document: I answer in its own words.",
    Intent.THANKS: "You are welcome. Ask on whenever you like.",
    Intent.FAREWELL: "Goodbye! The document stays here.",
    Intent.HELP: (
        "I answer questions about the document with its exact words, show where they stand, and "
        "say so when it does not answer. Try a question on who, what, when, where, why or how many."
    ),
}


def find_intent(message: str) -> Intent:
    """Tell what a message wants; whatever is not known by its wording is a question."""
    return next(
        (intent for intent, regex in _COMPILED if regex.fullmatch(message)), Intent.QUESTION
    )


def reply_to(intent: Intent) -> str:
    """Say what the bot replies, in its own words, to a message that is no question."""
    return _REPLIES[intent]
