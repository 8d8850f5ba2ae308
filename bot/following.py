"""A saved index is read again once another version stands in its place."""

import logging
from pathlib import Path
from threading import Lock

from corpus.errors import ObserverError
from index.embedding import Encoder
from index.folder import MANIFEST, named_data
from index.passage_index import PassageIndex

_log = logging.getLogger(__name__)


class IndexFollower:
    """Tells a running chat of new versions of its index.

    Made before the index is loaded, it misses no version.
    """

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self._folder = folder
        self._encoder = encoder
        self._lock = Lock()
        self._seen = self._look()
        self._version = named_data(folder)

    def newer(self) -> PassageIndex | None:
        """Load the version that stands there now.

        Returns:
            The index; None where it is the version known already, which takes a look at one file's
            date, or where it cannot be loaded. The log says so once.
        """
        with self._lock:
            seen = self._look()
            if seen == self._seen:
                return None
            self._seen = seen
            version = named_data(self._folder)
            if version is not None and version == self._version:
                return None
            try:
                index = PassageIndex.load(self._folder, encoder=self._encoder)
            except ObserverError as error:
                _log.warning("%s; the version read before goes on answering", error)
                return None
            self._version = version
            return index

    def _look(self) -> tuple[int, int, int] | None:
        try:
            status = (self._folder / MANIFEST).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size
