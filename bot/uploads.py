"""Documents that visitors add: a folder and an index for each session, deleted after a time."""

import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bot.library import Library
from bot.upload import Upload, UploadSettings, safe_name
from corpus.errors import SettingsError, UnreadableDocumentError
from index.embedding import Encoder

# A page that is loaded again asks for its documents sooner; one that was closed never does.
_GRACE_SECONDS = 60.0
_LOCK = "lock"


class Libraries:
    """The libraries of all sessions, each reached by a secret that only its page knows.

    They lie in a folder of this process. What earlier processes left is deleted at the start, what
    is not used any more by a thread that looks now and then, the rest at the end.
    """

    def __init__(self, encoder: Encoder, settings: UploadSettings | None = None) -> None:
        self.settings = settings or UploadSettings()
        self._encoder = encoder
        self._libraries: dict[str, Library] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        # One at a time: embedding keeps all cores busy.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="uploads")
        self._process_lock: FileLock | None = None
        self.folder = self.settings.folder / secrets.token_hex(8)
        if self.settings.folder.is_dir():
            with _guarded(self.settings.folder):
                _delete_leftovers(self.settings.folder)
        threading.Thread(target=self._expire_now_and_then, daemon=True).start()

    def open(self) -> str:
        """Make a library for a new session and return its secret.

        Raises:
            SettingsError: The folder for uploads cannot be written.
        """
        secret = secrets.token_urlsafe(24)
        with self._lock:
            if self._process_lock is None:
                self._process_lock = self._made_folder()
            folder = self.folder / secrets.token_hex(16)
            self._libraries[secret] = Library(folder, self._encoder, self.settings)
        return secret

    def find(self, secret: str) -> Library | None:
        """Return the library of a session and note that it is in use.

        Returns:
            None where there is none, or none any more.
        """
        with self._lock:
            library = self._libraries.get(secret)
        if library:
            library.touch()
        return library

    async def add(
        self, library: Library, name: str, chunks: AsyncIterator[bytes], taken: Collection[str] = ()
    ) -> Upload:
        """Receive a document and have it made ready in the background.

        Raises:
            UnreadableDocumentError: It is too large, or one too many.
        """
        with self._lock:
            held = sum(other.size for other in self._libraries.values())
        if held + self.settings.max_bytes > self.settings.max_total_bytes:
            raise UnreadableDocumentError(
                f"{safe_name(name)}: the server holds as many documents as it may; try later"
            )
        upload = await library.receive(name, chunks, taken)
        self._worker.submit(library.process, upload)
        return upload

    def leave(self, secret: str) -> None:
        """Delete a session's documents soon, unless it is heard from again."""
        if library := self.find(secret):
            library.left_at = time.monotonic()

    def expire(self, now: float | None = None) -> None:
        """Delete the libraries whose time is over."""
        now = time.monotonic() if now is None else now
        with self._lock:
            over = [
                secret
                for secret, library in self._libraries.items()
                if now - library.used_at > 60 * self.settings.minutes
                or (library.left_at is not None and now - library.left_at > _GRACE_SECONDS)
            ]
            gone = [self._libraries.pop(secret) for secret in over]
        for library in gone:
            library.delete()

    def close(self) -> None:
        """Delete everything."""
        self._closed.set()
        with self._lock:
            gone = list(self._libraries.values())
            self._libraries.clear()
        for library in gone:
            library.delete()
        self._worker.shutdown(wait=True, cancel_futures=True)
        if self._process_lock:
            self._process_lock.release()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _made_folder(self) -> FileLock:
        """Make the folder of this process and return the lock that says that it lives."""
        root = self.settings.folder
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _guarded(root):
                self.folder.mkdir(mode=0o700)
                lock = FileLock(self.folder / _LOCK)
                lock.acquire(blocking=False)
        except OSError as error:
            raise SettingsError(f"{root}: cannot be written: {error.strerror}") from error
        return lock

    def _expire_now_and_then(self) -> None:
        while not self._closed.wait(min(15.0, 15 * self.settings.minutes)):
            self.expire()


def _guarded(root: Path) -> FileLock:
    """Keep other processes from making or deleting folders; a folder is never seen unlocked."""
    return FileLock(root / _LOCK, timeout=10)


def _delete_leftovers(root: Path) -> None:
    """Delete the folders of processes that are gone, whose locks can be had."""
    for folder in root.iterdir():
        if folder.is_symlink() or not folder.is_dir():
            continue
        with suppress(Timeout, OSError):
            with FileLock(folder / _LOCK).acquire(blocking=False):
                pass
            shutil.rmtree(folder)
