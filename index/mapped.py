"""Arrays in files that are mapped into memory: read where they are touched, not when they open."""

import mmap
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What numpy's parser of headers raises beside ValueError.
_MALFORMED = (EOFError, KeyError, MemoryError, OverflowError, SyntaxError, TokenError, TypeError)


def mapped(file: Path) -> NDArray[Any]:
    """Map the array of a `.npy` file, read-only.

    Raises:
        ValueError: The file holds no array, pickled objects, or less than its header says.
    """
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except _MALFORMED as error:
        raise ValueError(f"expected an array in {file.name}") from error
    if isinstance(array, np.ndarray):
        return np.asarray(array)
    array.close()
    raise ValueError(f"expected an array in {file.name}")


def release(array: NDArray[Any]) -> None:
    """Give back the memory of those parts of a mapped array that were read.

    They are read again where they are touched again. Does nothing to an array that is not mapped,
    or on a system that takes no such advice.
    """
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap):
        release_file(owner)


def release_file(file: mmap.mmap) -> None:
    """Do for a mapped file what `release` does for an array."""
    if hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)
