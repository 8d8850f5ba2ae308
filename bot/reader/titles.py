"""What a document is called: its title answers, as a whole."""

import re

from corpus.passages import FRONT_CONTEXT, Passage, paragraph_spans

_WORK = (
    r"(?:(?:this|the|that|your) (?:(?:opinion |news )?(?:article|piece)|document|text|file|essay|"
    r"report|story|page|op-?ed|opinion|column|speech|statement|letter)|this|it)"
)
_NAME = (
    r"(?:(?:full |exact |main |article(?:['’]s)? |document(?:['’]s)? )?(?:title|headline|heading))"
)
_ASKED = re.compile(
    r"\W*(?:(?:please )?(?:what(?:['’]s| is| was)?|which is|give|give me|tell me|name|quote) )?"
    rf"(?:the |its )?{_NAME}(?: (?:is |was )?(?:of|for|does|given to|on|has|have) {_WORK}"
    rf"(?: (?:have|carry|bear))?)?\W*"
    rf"|\W*(?:what|how) (?:is|was) {_WORK} (?:called|titled|entitled|headlined)\W*"
    rf"|\W*(?:what|which) {_NAME} (?:does|did) {_WORK} (?:have|carry|bear)\W*",
    re.IGNORECASE,
)


def asks_for_title(question: str) -> bool:
    """Tell whether a question asks what the document is called."""
    return bool(_ASKED.fullmatch(question))


def find_title(passage: Passage) -> tuple[int, int] | None:
    """Find the title in the passage that a document begins with: its first paragraph.

    Returns:
        Half-open offsets in the passage; None in any other passage.
    """
    if FRONT_CONTEXT not in passage.context:
        return None
    return next(iter(paragraph_spans(passage.text)), None)
