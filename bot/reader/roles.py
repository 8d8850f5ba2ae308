"""Who someone is: "Who is Hun Sen?" is answered beside the name."""

import re
from collections.abc import Sequence

_WHO_IS_NAMED = re.compile(
    r"\W*who(?:['’]s| is| was) ((?:[\w.’'-]+ ){0,3}[\w.’'-]*\w)\W*", re.IGNORECASE
)


def who_is_asked_about(question: str, texts: Sequence[str]) -> str:
    """Return the name in "Who is Hun Sen?" as the texts write it; "" for any other question."""
    asked = _WHO_IS_NAMED.fullmatch(question)
    if not asked:
        return ""
    name = re.compile(rf"\b{re.escape(asked[1])}\b", re.IGNORECASE)
    found = (match[0] for text in texts for match in name.finditer(text))
    return next((words for words in found if words.title() == words), "")


def is_beside(name: str, before: str, after: str) -> bool:
    """Tell whether words say who someone is: next to the name, or behind it and "is" or "was".

    Args:
        name: The name as the text writes it.
        before: The text before the words.
        after: The text behind them.
    """
    words = re.escape(name)
    follows = rf"{words}(?:['’]s)?(?:[\s,:(—–-]|\b(?:is|was|the|an?)\b)*$"
    return bool(re.match(rf"[\s,:]*{words}", after) or re.search(follows, before))
