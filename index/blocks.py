"""Many passages are embedded block by block; a build that is interrupted goes on from its last."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
import platformdirs

from index.embedding import Encoder, FloatArray

BLOCK = 512


class BlockCache:
    """The vectors of blocks of passages, kept in the user's cache folder until all are done.

    A block is found again under the hash of its texts and of the encoder.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._folder = platformdirs.user_cache_path("silent-observer") / "blocks"
        self._used: list[Path] = []

    def encode(self, texts: Iterable[str], n_texts: int) -> Iterator[FloatArray]:
        """Embed passages, showing on standard error how many a second and how long it still takes.

        Args:
            texts: The passages; no more than a block of them is held at a time.
            n_texts: How many they are. A single block is not kept.

        Yields:
            Unit vectors of one block after the other, shape (at most BLOCK, dim).
        """
        from tqdm import tqdm

        texts = iter(texts)
        with tqdm(total=n_texts, unit="passage", disable=None) as progress:
            while block := list(islice(texts, BLOCK)):
                if n_texts > BLOCK:
                    yield self._encode_block(block)
                else:
                    yield self._encoder.encode_passages(block)
                progress.update(len(block))

    def clear(self) -> None:
        """Remove the blocks that were used: the index that they were made for is whole."""
        for file in self._used:
            _remove(file)
        self._used.clear()

    def _encode_block(self, block: Sequence[str]) -> FloatArray:
        file = self._folder / f"{_key(block, self._encoder)}.npy"
        self._used.append(file)
        vectors = _read(file, len(block))
        if vectors is None:
            vectors = self._encoder.encode_passages(block)
            _write(file, vectors)
        return vectors


def encode_in_blocks(texts: Sequence[str], encoder: Encoder) -> FloatArray:
    """Embed passages; an interrupted call with the same texts goes on from its last block.

    Returns:
        Unit vectors, shape (n_texts, dim).
    """
    cache = BlockCache(encoder)
    vectors = np.concatenate(list(cache.encode(texts, len(texts))))
    cache.clear()
    return vectors


def _key(block: Sequence[str], encoder: Encoder) -> str:
    digest = hashlib.sha256(encoder.fingerprint.encode())
    for text in block:
        digest.update(text_digest(text))
    return digest.hexdigest()


def text_digest(text: str) -> bytes:
    """Return the SHA-256 of a text as it is embedded."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _read(file: Path, n_rows: int) -> FloatArray | None:
    """Read a block; None where there is none, or none that is whole."""
    try:
        vectors = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if vectors.ndim != 2 or len(vectors) != n_rows or vectors.dtype != np.float32:
        return None
    if not np.isfinite(vectors).all():
        return None
    return np.asarray(vectors, dtype=np.float32)


def _write(file: Path, vectors: FloatArray) -> None:
    """Keep a block; where the cache cannot be written, the build is only not resumed."""
    beside = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as stream:
            np.save(stream, vectors, allow_pickle=False)
        beside.replace(file)
    except OSError:
        _remove(beside)


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)
