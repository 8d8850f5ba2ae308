"""Arrays in files that are mapped into memory: read where they are touched, not when they open."""

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def mapped(file: Path) -> NDArray[Any]:
    """Map the array of a `.npy` file, read-only.

    Raises:
        ValueError: The file holds no array, pickled objects, or less than its header says.
    """
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError(f"expected an array in {file.name}")  # noqa: TRY004 - the file's value
    return np.asarray(array)


def release(array: NDArray[Any]) -> None:
    """Give back the memory of those parts of a mapped array that were read.

    They are read again where they are touched again. Does nothing to an array that is not mapped,
    or on a system that takes no such advice.
    """
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)
