"""BM25 over the same passages, under the same row numbers as the vectors."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from index.embedding import FloatArray

if TYPE_CHECKING:
    import bm25s

_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_APOSTROPHES = str.maketrans("’‘ʼ", "'''")
_STOPWORDS = frozenset(
    """
    a about an and any are as at be been being but by can could did do does for from had has have he
    her hers him his how i if in into is it its me my of on or our she should so some such than that
    the their them then there these they this those to was we were what when where which who whom
    whose why will with would you your s t tell please
    """.split()
)


@cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


def words(text: str) -> list[str]:
    """Split a text into lower-case words; numbers keep their separators ("2,200")."""
    return _WORD.findall(text.translate(_APOSTROPHES).replace("'s", " ").lower())


def terms(text: str) -> list[str]:
    """Reduce a text to what BM25 compares: stemmed words, without the commonest."""
    content = [word for word in words(text) if word not in _STOPWORDS]
    return list(_stemmer().stemWords(content))


class LexicalIndex:
    """BM25 (Robertson and Zaragoza 2009, in Lucene's form) through bm25s."""

    FOLDER = "lexical"

    def __init__(self, bm25: "bm25s.BM25", n_rows: int) -> None:
        self._bm25 = bm25
        self._n_rows = n_rows

    @classmethod
    def build(cls, texts: Sequence[str]) -> Self:
        """Index texts; row i is texts[i]."""
        import bm25s

        bm25 = bm25s.BM25()
        # bm25s cannot index an empty vocabulary.
        bm25.index([terms(text) or [""] for text in texts], show_progress=False)
        return cls(bm25, len(texts))

    def __len__(self) -> int:
        return self._n_rows

    def scores(self, query: str) -> FloatArray:
        """Score every row against a query, shape (n_rows,); 0 where no term is shared."""
        known = [term for term in terms(query) if term in self._bm25.vocab_dict]
        if not known:
            return np.zeros(self._n_rows, dtype=np.float32)
        return np.asarray(self._bm25.get_scores(known), dtype=np.float32)

    def knows(self, term: str) -> bool:
        """Tell whether a stemmed term occurs anywhere in the indexed texts."""
        return term in self._bm25.vocab_dict

    def save(self, folder: Path) -> None:
        """Write the subfolder `lexical` into an existing folder."""
        self._bm25.save(str(folder / self.FOLDER), show_progress=False)

    @classmethod
    def load(cls, folder: Path, n_rows: int) -> Self:
        """Read what `save` wrote.

        Raises:
            ValueError: The files do not belong together or to `n_rows` rows. Other errors that
                malformed files raise are those of bm25s and numpy.
        """
        import bm25s

        # Never the backend that the files name: it may not be installed.
        bm25 = bm25s.BM25.load(
            str(folder / cls.FOLDER), show_progress=False, override_params={"backend": "numpy"}
        )
        _check(bm25, n_rows)
        return cls(bm25, n_rows)


def _check(bm25: "bm25s.BM25", n_rows: int) -> None:
    """Check that a matrix of terms and rows holds together, so that no lookup leaves it."""
    scores, rows, bounds = (bm25.scores[name] for name in ("data", "indices", "indptr"))
    if not all(
        isinstance(array, np.ndarray) and array.ndim == 1 for array in (scores, rows, bounds)
    ):
        raise ValueError("expected arrays of one dimension")
    if (scores.dtype.kind, rows.dtype.kind, bounds.dtype.kind) != ("f", "i", "i"):
        raise ValueError("expected scores and whole numbers")
    if bm25.scores["num_docs"] != n_rows:
        raise ValueError(f"expected {n_rows} rows, got {bm25.scores['num_docs']}")
    if len(bounds) == 0 or bounds[0] != 0 or (np.diff(bounds) < 0).any():
        raise ValueError("bounds out of order")
    if not bounds[-1] == len(scores) == len(rows) or not np.isfinite(scores).all():
        raise ValueError("scores missing")
    if ((rows < 0) | (rows >= n_rows)).any():
        raise ValueError("rows out of range")
    # bm25s adds an empty term that has no column; no query asks for it.
    columns = [column for term, column in bm25.vocab_dict.items() if term]
    if not all(type(column) is int and 0 <= column < len(bounds) - 1 for column in columns):
        raise ValueError("terms out of range")
