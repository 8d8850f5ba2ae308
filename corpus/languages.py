"""Whether a text is in English, by its letters and its commonest words."""

import re
import unicodedata
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# Of running English text about two words in five are among these, of other languages few are.
_COMMON = frozenset(
    """
    the of and to in that is was for it with as on be by at this not are but had his they from she
    which you we an were been has their would what will there if can all her have or who when how
    where why whom whose does did do about more than into its no so up out them then him could
    many much my me your our us i he these those some any other one two
    """.split()
)
_FOREIGN = frozenset(
    """
    le la les des une est qui que dans pour avec sur der die das und ist nicht ein eine el los las
    por con para il gli che della di du da uma os não em het een van de y et en im den dem sich auf
    """.split()
)
_FOREIGN_QUESTIONS = frozenset(
    """
    qui que quel quelle quels quelles où quand comment combien pourquoi wer wie wann warum welche
    welcher wessen quién quien qué cuál cuándo cuando dónde donde cómo chi cosa quando dove perché
    come quem onde quanto wat waar hoe wanneer waarom
    """.split()
)
_LEAST_COMMON = 0.12
_MOST_ACCENTS = 0.02
# In tables most words begin with a capital letter, and few are common ones in any language.
_LEAST_LOWER = 0.7
_FEW_WORDS = 20
_SAMPLE = 20_000


def is_mostly_english(text: str) -> bool:
    """Tell whether a text is mostly in English; one with too little to tell by is taken to be.

    Letters of another script than the Latin one tell. Else it is the words that English text is
    full of and other languages lack; a question, which holds few words, tells by its question word
    or by two words of another language.
    """
    sample = text[:_SAMPLE]
    letters = Counter(char for char in sample if char.isalpha())
    n_latin = sum(n for char, n in letters.items() if unicodedata.name(char, "")[:5] == "LATIN")
    if 2 * n_latin < letters.total():
        return False
    found = _WORD.findall(sample)
    words = [word.lower() for word in found]
    n_common = sum(word in _COMMON for word in words)
    n_foreign = sum(word in _FOREIGN or word in _FOREIGN_QUESTIONS for word in words)
    if len(words) < _FEW_WORDS:
        asks = bool(words) and words[0] in _FOREIGN_QUESTIONS
        return n_common > 0 or not (asks or n_foreign > 1)
    if n_common >= _LEAST_COMMON * len(words):
        return True
    n_accents = sum(n for char, n in letters.items() if not char.isascii())
    n_lower = sum(word[0].islower() for word in found)
    return (
        n_foreign <= n_common
        and n_accents < _MOST_ACCENTS * letters.total()
        and n_lower < _LEAST_LOWER * len(words)
    )
