"""BM25 over the same passages, under the same row numbers as the vectors."""

import json
import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import compress
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from index.embedding import FloatArray
from index.mapped import mapped, release

_VOCABULARY = "vocabulary.json"
_ARRAYS = ("scores.npy", "counts.npy", "rows.npy", "bounds.npy")
# How much repetition in a text counts, and how much the text's length.
_K1, _B = 1.5, 0.75
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

    Every term is scored against every row when the index is built. What is left for a question is
    a sum over the columns of its terms. A loaded index maps its files, and reads those columns.

    Attributes:
        vocabulary: The column of every stemmed term.
        term_scores: What the terms score, column after column, shape (n_scores,).
        counts: How often each occurs in its row, from which a later version is made, shape
            (n_scores,).
        rows: The row of every score, shape (n_scores,).
        bounds: Where each column begins and the last one ends, shape (n_columns + 1,).
        n_rows: How many texts are indexed.
    """

    FOLDER: ClassVar[str] = "lexical"

    vocabulary: dict[str, int]
    term_scores: FloatArray
    counts: NDArray[np.unsignedinteger]
    rows: NDArray[np.int32]
    bounds: NDArray[np.int64]
    n_rows: int

    @staticmethod
    def build(texts: Iterable[str]) -> "LexicalIndex":
        """Index texts; row i is the i-th of them."""
        builder = LexicalBuilder()
        for text in texts:
            builder.add(text)
        return builder.build()

    def __len__(self) -> int:
        return self.n_rows

    def scores(self, query: str, rows: NDArray[np.integer] | None = None) -> FloatArray:
        """Score rows against a query; 0 where no term is shared.

        Args:
            query: A question that stands alone.
            rows: Which rows; by default all.

        Returns:
            Scores of shape (n_rows,), or of that of `rows`.
        """
        scores = np.zeros(self.n_rows if rows is None else len(rows), dtype=np.float32)
        for column in self._columns(query):
            found, found_scores = self._entries(column)
            if rows is None:
                scores[found] += found_scores
            else:
                places = np.searchsorted(found, rows.astype(found.dtype))
                places[places == len(found)] = 0
                scores += np.where(found[places] == rows, found_scores[places], np.float32(0))
        return scores

    def best(self, query: str, k: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """Find the rows that score best.

        Args:
            query: A question that stands alone.
            k: How many rows to return; fewer come back where fewer share a term.

        Returns:
            Scores above 0 and row numbers, best first; equal scores in ascending row order.
        """
        scores = self.scores(query)
        # The best k rows score at least as much as the k-th of those that share one term.
        columns = [self._entries(column)[0] for column in self._columns(query)]
        enough = min((rows for rows in columns if len(rows) >= k > 0), key=len, default=None)
        if enough is None:
            rows = np.flatnonzero(scores)
        else:
            rows = np.flatnonzero(scores >= np.partition(scores[enough], -k)[-k])
        order = np.lexsort((rows, -scores[rows]))[:k]
        return scores[rows[order]], rows[order]

    def _columns(self, query: str) -> list[int]:
        """Return the columns of a query's terms, in their order, as often as they occur."""
        return [self.vocabulary[term] for term in terms(query) if self.knows(term)]

    def _entries(self, column: int) -> tuple[NDArray[np.int32], FloatArray]:
        """Return the rows of a column, ascending, and their scores."""
        entries = slice(self.bounds[column], self.bounds[column + 1])
        return self.rows[entries], self.term_scores[entries]

    def knows(self, term: str) -> bool:
        """Tell whether a stemmed term occurs anywhere in the indexed texts."""
        return term in self.vocabulary

    def save(self, folder: Path) -> None:
        """Write the subfolder `lexical` into an existing folder."""
        folder = folder / self.FOLDER
        folder.mkdir()
        described = {"n_rows": self.n_rows, "terms": list(self.vocabulary)}
        (folder / _VOCABULARY).write_text(json.dumps(described), encoding="utf-8")
        parts: list[NDArray[Any]] = [self.term_scores, self.counts, self.rows, self.bounds]
        for file, part in zip(_ARRAYS, parts, strict=True):
            np.save(folder / file, part, allow_pickle=False)

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
        scores, counts, rows, bounds = (mapped(folder / file) for file in _ARRAYS)
        _check(described["terms"], scores, counts, rows, bounds, n_rows)
        for part in (scores, counts, rows):
            release(part)
        vocabulary = {term: column for column, term in enumerate(described["terms"])}
        return cls(vocabulary, scores, counts, rows, bounds, n_rows)


class LexicalBuilder:
    """Indexes texts row by row; rows of an earlier index are taken over, their words counted."""

    def __init__(self, previous: LexicalIndex | None = None) -> None:
        self._previous = previous
        self._vocabulary = dict(previous.vocabulary) if previous else {}
        # The column of each word of the new texts, and how many words each row has of them.
        self._columns = array("i")
        self._n_words = array("q")
        # The previous row of each row; -1 for a new text.
        self._origin = array("q")

    def add(self, text: str) -> None:
        """Index a text as the next row."""
        vocabulary = self._vocabulary
        found = terms(text)
        self._columns.extend([vocabulary.setdefault(term, len(vocabulary)) for term in found])
        self._n_words.append(len(found))
        self._origin.append(-1)

    def keep(self, first: int, n_rows: int) -> None:
        """Take over rows of the previous index as the next ones, each row once at most."""
        self._n_words.extend([0] * n_rows)
        self._origin.extend(range(first, first + n_rows))

    def build(self) -> LexicalIndex:
        """Score every term against every row."""
        n = len(self._n_words)
        # One number for each word, column and row in one, so that sorting puts equal ones together.
        places = np.asarray(self._columns, dtype=np.int64) * n
        places += np.repeat(np.arange(n), np.asarray(self._n_words, dtype=np.int64))
        if self._previous:
            places = np.concatenate([places, self._kept_places(self._previous, n)])
        places.sort()
        firsts = np.flatnonzero(np.diff(places, prepend=-1))
        counts = np.diff(firsts, append=len(places))
        places = places[firsts]
        rows = (places % max(n, 1)).astype(np.int32)
        places //= max(n, 1)
        lengths = np.bincount(rows, counts, minlength=n)
        n_with = np.bincount(places, minlength=len(self._vocabulary))
        rarity = np.log1p((n - n_with + 0.5) / (n_with + 0.5)).astype(np.float32)
        relative = lengths / max(lengths.sum() / max(n, 1), 1e-9)
        length_share = (_K1 * (1 - _B + _B * relative)).astype(np.float32)
        scores = counts.astype(np.float32)
        scores = scores / (scores + length_share[rows]) * rarity[places]
        # The words of rows that are gone may occur nowhere any more.
        vocabulary = {
            term: column for column, term in enumerate(compress(self._vocabulary, n_with))
        }
        bounds = np.concatenate([[0], np.cumsum(n_with[n_with > 0])])
        counts = counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
        return LexicalIndex(vocabulary, scores, counts, rows, bounds, n)

    def _kept_places(self, previous: LexicalIndex, n: int) -> NDArray[np.int64]:
        """Return the place of every word in the rows that are taken over."""
        origin = np.asarray(self._origin, dtype=np.int64)
        new_rows = np.flatnonzero(origin >= 0)
        place = np.full(previous.n_rows, -1, dtype=np.int32)
        place[origin[new_rows]] = new_rows
        rows = place[previous.rows]
        places = np.repeat(np.arange(len(previous.vocabulary)) * n, np.diff(previous.bounds))
        places += rows
        is_kept = rows >= 0
        return np.repeat(places[is_kept], previous.counts[is_kept])


def _check(
    terms: list[str],
    scores: FloatArray,
    counts: NDArray[np.unsignedinteger],
    rows: NDArray[np.int32],
    bounds: NDArray[np.int64],
    n_rows: int,
) -> None:
    """Check that a matrix of terms and rows holds together, so that no lookup leaves it."""
    parts: tuple[NDArray[Any], ...] = (scores, counts, rows, bounds)
    if not all(part.ndim == 1 for part in parts):
        raise ValueError("expected arrays of one dimension")
    if [part.dtype.kind for part in parts] != ["f", "u", "i", "i"]:
        raise ValueError("expected scores and whole numbers")
    if len(bounds) == 0 or bounds[0] != 0 or (np.diff(bounds) < 0).any():
        raise ValueError("bounds out of order")
    if not bounds[-1] == len(scores) == len(counts) == len(rows):
        raise ValueError("scores missing")
    if not (scores.min(initial=0) >= 0 and scores.max(initial=0) < np.inf):
        raise ValueError("scores that are no numbers or negative")
    if rows.min(initial=0) < 0 or rows.max(initial=-1) >= n_rows:
        raise ValueError("rows out of range")
    if len(terms) != len(bounds) - 1 or not all(isinstance(term, str) for term in terms):
        raise ValueError("other terms than columns")
