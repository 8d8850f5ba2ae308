"""BM25 over the same passages, under the same row numbers as the vectors."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from index.embedding import FloatArray

_VOCABULARY = "vocabulary.json"
_ARRAYS = ("scores.npy", "rows.npy", "bounds.npy")
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


@dataclass(frozen=True, slots=True)
class LexicalIndex:
    """BM25 (Robertson and Zaragoza 2009, in Lucene's form), a sparse matrix of terms and rows.

    bm25s scores every term against every row when the index is built, and writes the files. What is
    left for a question is a sum over the columns of its terms. That needs neither bm25s nor scipy,
    which take a fifth of a second to import.

    Attributes:
        vocabulary: The column of every stemmed term.
        term_scores: What the terms score, column after column, shape (n_scores,).
        rows: The row of every score, shape (n_scores,).
        bounds: Where each column begins and the last one ends, shape (n_columns + 1,).
        n_rows: How many texts are indexed.
    """

    FOLDER: ClassVar[str] = "lexical"

    vocabulary: dict[str, int]
    term_scores: FloatArray
    rows: NDArray[np.int32]
    bounds: NDArray[np.int32]
    n_rows: int

    @classmethod
    def build(cls, texts: Iterable[str]) -> Self:
        """Index texts; row i is the i-th of them."""
        import bm25s

        bm25 = bm25s.BM25()
        # bm25s cannot index an empty vocabulary.
        rows = [terms(text) or [""] for text in texts]
        bm25.index(rows, show_progress=False)
        matrix = bm25.scores
        return cls(bm25.vocab_dict, matrix["data"], matrix["indices"], matrix["indptr"], len(rows))

    def __len__(self) -> int:
        return self.n_rows

    def scores(self, query: str) -> FloatArray:
        """Score every row against a query, shape (n_rows,); 0 where no term is shared."""
        scores = np.zeros(self.n_rows, dtype=np.float32)
        for term in terms(query):
            if self.knows(term):
                column = self.vocabulary[term]
                entries = slice(self.bounds[column], self.bounds[column + 1])
                scores[self.rows[entries]] += self.term_scores[entries]
        return scores

    def knows(self, term: str) -> bool:
        """Tell whether a stemmed term occurs anywhere in the indexed texts."""
        return term in self.vocabulary

    def save(self, folder: Path) -> None:
        """Write the subfolder `lexical` into an existing folder."""
        folder = folder / self.FOLDER
        folder.mkdir()
        described = {"n_rows": self.n_rows, "columns": self.vocabulary}
        (folder / _VOCABULARY).write_text(json.dumps(described), encoding="utf-8")
        for file, array in zip(_ARRAYS, (self.term_scores, self.rows, self.bounds), strict=True):
            np.save(folder / file, array, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, n_rows: int) -> Self:
        """Read what `save` wrote.

        Raises:
            ValueError: The files do not belong together or to `n_rows` rows. Other errors that
                malformed files raise are those of json and numpy.
        """
        folder = folder / cls.FOLDER
        described = json.loads((folder / _VOCABULARY).read_text(encoding="utf-8"))
        if described["n_rows"] != n_rows:
            raise ValueError(f"expected {n_rows} rows, got {described['n_rows']}")
        vocabulary = described["columns"]
        scores, rows, bounds = (np.load(folder / file, allow_pickle=False) for file in _ARRAYS)
        _check(vocabulary, scores, rows, bounds, n_rows)
        return cls(vocabulary, scores, rows, bounds, n_rows)


def _check(
    vocabulary: dict[str, int],
    scores: FloatArray,
    rows: NDArray[np.int32],
    bounds: NDArray[np.int32],
    n_rows: int,
) -> None:
    """Check that a matrix of terms and rows holds together, so that no lookup leaves it."""
    if not all(
        isinstance(array, np.ndarray) and array.ndim == 1 for array in (scores, rows, bounds)
    ):
        raise ValueError("expected arrays of one dimension")
    if (scores.dtype.kind, rows.dtype.kind, bounds.dtype.kind) != ("f", "i", "i"):
        raise ValueError("expected scores and whole numbers")
    if len(bounds) == 0 or bounds[0] != 0 or (np.diff(bounds) < 0).any():
        raise ValueError("bounds out of order")
    if not bounds[-1] == len(scores) == len(rows) or not np.isfinite(scores).all():
        raise ValueError("scores missing")
    if ((rows < 0) | (rows >= n_rows)).any():
        raise ValueError("rows out of range")
    # bm25s adds an empty term that has no column; no query asks for it.
    columns = [column for term, column in vocabulary.items() if term]
    if not all(type(column) is int and 0 <= column < len(bounds) - 1 for column in columns):
        raise ValueError("terms out of range")
