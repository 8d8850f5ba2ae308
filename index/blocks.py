"""Many passages are embedded block by block; a build that is interrupted goes on from its last."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import platformdirs

from index.embedding import Encoder, FloatArray

BLOCK = 512


def encode_in_blocks(texts: Sequence[str], encoder: Encoder) -> FloatArray:
    """Embed passages, showing on standard error how many a second and how long it still takes.

    Where there are several blocks, each is kept in the user's cache folder under the hash of its
    texts until all are done. A later call with the same texts reads those that it finds there.

    Args:
        texts: The passages.
        encoder: What embeds them.

    Returns:
        Unit vectors, shape (n_texts, dim).
    """
    from tqdm import tqdm

    blocks = [texts[first : first + BLOCK] for first in range(0, len(texts), BLOCK)]
    if len(blocks) < 2:
        return encoder.encode_passages(texts)
    folder = platformdirs.user_cache_path("silent-observer") / "blocks"
    files = [folder / f"{_key(block, encoder)}.npy" for block in blocks]
    vectors = np.empty((len(texts), encoder.dim), dtype=np.float32)
    with tqdm(total=len(texts), unit="passage", disable=None) as progress:
        for number, (block, file) in enumerate(zip(blocks, files, strict=True)):
            place = vectors[number * BLOCK : number * BLOCK + len(block)]
            kept = _read(file, place.shape)
            place[:] = encoder.encode_passages(block) if kept is None else kept
            if kept is None:
                _write(file, place)
            progress.update(len(block))
    for file in files:
        _remove(file)
    return vectors


def _key(block: Sequence[str], encoder: Encoder) -> str:
    digest = hashlib.sha256(encoder.fingerprint.encode())
    for text in block:
        digest.update(hashlib.sha256(text.encode("utf-8", "replace")).digest())
    return digest.hexdigest()


def _read(file: Path, shape: tuple[int, ...]) -> FloatArray | None:
    """Read a block; None where there is none, or none that is whole."""
    try:
        vectors = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if vectors.shape != shape or vectors.dtype != np.float32 or not np.isfinite(vectors).all():
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
