"""Questions that are asked twice, in the same words or nearly so."""

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from bot.questions import Question

# Jaccard index of the words of two questions from which on they are near. A fraction, because
# 0.9 * 10 may not come out above 9.
_NEAR = Fraction(9, 10)
# One character for one, so that offsets stay. The letters are those that `str.lower` makes longer,
# or writes otherwise at the end of a word.
ALIKE = str.maketrans("‘’‚‛′`´“”„‟″«»İΣς", "'''''''\"\"\"\"\"\"\"iσσ")
_ARTICLES = frozenset("a an the An The AN THE".split())
PUNCTUATION = " ?!.,;:…¿¡？！。，؟។\"'()[]"


def fold(text: str, *, strip: bool = True) -> str:
    """Leave case, the width of white space and the shape of quotes out of account."""
    folded = re.sub(r"\s+", " ", text.translate(ALIKE).lower())
    return folded.strip() if strip else folded


@dataclass(frozen=True, slots=True)
class Repeat:
    """A question that an earlier one asks as well.

    Attributes:
        earlier: Number of the earlier one.
        is_exact: Whether the words are the same, and not only nearly so.
        shares_answer: Whether an answer is the same.
    """

    earlier: int
    is_exact: bool
    shares_answer: bool


def find_repeats(questions: Mapping[int, Question]) -> dict[int, Repeat]:
    """Find questions that one above asks as well.

    Follow-ups are compared with those of the same row only: "When?" asks something else elsewhere.
    Other words make another question if the numbers among them differ, or the answers.

    Args:
        questions: By a number, in ascending order.

    Returns:
        By the number of the later question.
    """
    tokens = {number: _tokens(question.text) for number, question in questions.items()}
    sets = {number: frozenset(words) for number, words in tokens.items() if words}
    frequency = Counter(token for words in sets.values() for token in words)
    same: dict[object, int] = {}
    by_token: defaultdict[object, list[int]] = defaultdict(list)
    repeats = {}
    for number, words in sets.items():
        question = questions[number]
        earlier = same.setdefault((question.follows, *tokens[number]), number)
        if earlier != number:
            shares_answer = bool(_answers(question) & _answers(questions[earlier]))
            repeats[number] = Repeat(earlier, is_exact=True, shares_answer=shares_answer)
            continue
        rarest = sorted(words, key=lambda token: (frequency[token], token))
        numbers = tuple(token for token in rarest if any(map(str.isdigit, token)))
        groups = [(question.follows, numbers, answer) for answer in _answers(question)]
        near = [
            other
            for place, size, other_place in _where_to_look(len(rarest))
            for group in groups
            for other in by_token.get((group, rarest[place], size, other_place), ())
            if _are_near(words, sets[other])
        ]
        if near:
            repeats[number] = Repeat(min(near), is_exact=False, shares_answer=True)
            continue
        for group, place in itertools.product(groups, range(_n_rarest(len(rarest)))):
            by_token[group, rarest[place], len(rarest), place].append(number)
    return repeats


@cache
def _where_to_look(size: int) -> list[tuple[int, int, int]]:
    """List where the rarest token that is in both of two near sets may stand in each of them.

    These are the prefix filter and the positional filter of Xiao et al., Efficient similarity joins
    for near duplicate detection, 2008: with them rows that are made by one template are not all
    compared with each other.

    Args:
        size: Number of different tokens of the one.

    Returns:
        The place in it, the number of tokens of the other and the place in that; in each, tokens
        stand in the order of how rare they are, from 0.
    """
    least, most = math.ceil(_NEAR * size), math.floor(size / _NEAR)
    return [
        (place, other_size, other_place)
        for other_size in range(least, most + 1)
        for place in range(_n_rarest(size))
        for other_place in range(_n_rarest(other_size))
        # No more than what stands from there on can be in both.
        if min(size - place, other_size - other_place) * (1 + _NEAR) >= _NEAR * (size + other_size)
    ]


def _n_rarest(size: int) -> int:
    """Return how many tokens of a set to look at: a near set has one of them."""
    return size - math.ceil(_NEAR * size) + 1


def _are_near(words: frozenset[str], others: frozenset[str]) -> bool:
    n_common = len(words & others)
    return n_common >= _NEAR * (len(words) + len(others) - n_common)


def _answers(question: Question) -> set[str | None]:
    """Return the answers as they are compared; "" where there is none, None where none is known."""
    return {None} if question.answers is None else set(map(fold, question.answers)) or {""}


def _tokens(text: str) -> list[str]:
    words = [word.strip(PUNCTUATION) for word in text.translate(ALIKE).split()]
    # A capital "A" within a sentence names something: a plan, a vitamin.
    articles = _ARTICLES | {"A"} if text.isupper() else _ARTICLES
    return [
        word.lower()
        for number, word in enumerate(words)
        if word and word not in articles and not (number == 0 and word == "A")
    ]
