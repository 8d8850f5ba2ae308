"""Documents that a visitor adds: a folder and an index for each session, deleted after a time."""

import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import platformdirs
from filelock import FileLock, Timeout

from corpus import Document, Passage, load_document, split_document
from corpus.errors import ObserverError, SettingsError, UnreadableDocumentError
from corpus.formats.pdf_page import PageImage, n_pages, page_image, page_of, words_on
from index.contents import Contents
from index.embedding import Encoder, FloatArray
from index.lexical import LexicalIndex
from index.passage_index import IndexSettings, PassageIndex
from index.stores import FaissStore

MEGABYTE = 1 << 20
# Small enough that progress is seen to move and that a removal stops the work at once.
_BLOCK = 32
_MAX_NAME_LENGTH = 100
# A page that is loaded again asks for its documents sooner; one that was closed never does.
_GRACE_SECONDS = 60.0
_LOCK = "lock"
# Where readers look for the mark of a PDF.
_PDF, _PDF_WITHIN = b"%PDF-", 1024
# Each page is drawn by a process of its own.
_DRAWING = threading.BoundedSemaphore(2)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """What visitors may add, and for how long it is kept.

    Attributes:
        max_bytes: The largest document.
        max_documents: How many a session may hold.
        max_passages: How many passages they may have together.
        max_total_bytes: How much all sessions may hold together.
        minutes: After so many without a question or a new document, a session's are deleted.
        folder: Where the sessions' folders are made.
    """

    max_bytes: int = 25 * MEGABYTE
    max_documents: int = 10
    max_passages: int = 20_000
    max_total_bytes: int = 2048 * MEGABYTE
    minutes: float = 60
    folder: Path = field(
        default_factory=lambda: platformdirs.user_cache_path("silent-observer") / "uploads"
    )


@dataclass(slots=True)
class Upload:
    """A document on its way into a session's index.

    Attributes:
        id: Its name, unlike any other that the session can ask; also the document's id.
        file: Where it is stored, under a name of the server's own.
        size: In bytes.
        state: "reading", then "indexing", then "ready" or "failed".
        progress: In [0, 1]; the share of passages that are embedded.
        problem: Why it failed, in one line.
        is_pdf: Whether its content, whatever its name, is a PDF.
        document: Set with `passages` when it is ready.
        passages: Set with `vectors`, of shape (n_passages, dim), when it is ready.
    """

    id: str
    file: Path
    size: int
    state: str = "reading"
    progress: float = 0.0
    problem: str = ""
    is_pdf: bool = False
    document: Document | None = None
    passages: tuple[Passage, ...] = ()
    vectors: FloatArray | None = None

    @property
    def has_images(self) -> bool:
        """Whether its pages can be shown as they look."""
        return self.document is not None and self.is_pdf and n_pages(self.document) > 0

    def as_json(self) -> dict[str, Any]:
        """Return what the page lists."""
        return {
            "id": self.id,
            "title": (self.document.title if self.document else "") or self.id,
            "size": self.size,
            "state": self.state,
            "progress": round(self.progress, 3),
            "problem": self.problem,
            "n_passages": len(self.passages),
            "n_pages": n_pages(self.document) if self.document else 0,
            "has_images": self.has_images,
        }


class Library:
    """The documents of one session. Every method may be called from any thread."""

    def __init__(self, folder: Path, encoder: Encoder, settings: UploadSettings) -> None:
        """Make a library in a folder of its own, which is made when the first document comes."""
        self.folder = folder
        self._encoder = encoder
        self._settings = settings
        self._lock = threading.RLock()
        self._uploads: dict[str, Upload] = {}
        self._n_received = 0
        self._index: PassageIndex | None = None
        self.used_at = time.monotonic()
        self.left_at: float | None = None

    @property
    def index(self) -> PassageIndex | None:
        """The index over all documents that are ready; None before there is one."""
        return self._index

    @property
    def size(self) -> int:
        """The bytes of all documents."""
        with self._lock:
            return sum(upload.size for upload in self._uploads.values())

    def touch(self) -> None:
        """Note that the session is in use."""
        self.used_at, self.left_at = time.monotonic(), None

    def uploads(self) -> list[Upload]:
        """Return the documents in the order they came."""
        with self._lock:
            return list(self._uploads.values())

    async def receive(
        self, name: str, chunks: AsyncIterator[bytes], taken: Collection[str] = ()
    ) -> Upload:
        """Store a document; `process` makes it ready.

        Args:
            name: What the user calls it; not trusted.
            chunks: Its bytes.
            taken: Ids that it may not get.

        Raises:
            UnreadableDocumentError: It is too large, or one too many; nothing of it is kept.
        """
        upload = self._place_for(name, taken)
        try:
            with upload.file.open("xb") as stream:
                async for chunk in chunks:
                    upload.size += len(chunk)
                    self._check_size(upload)
                    stream.write(chunk)
        except OSError as error:
            self.remove(upload.id)
            raise UnreadableDocumentError(
                f"{upload.id}: cannot be stored: {error.strerror}"
            ) from error
        except BaseException:
            self.remove(upload.id)
            raise
        return upload

    def process(self, upload: Upload) -> None:
        """Read, cut and embed a document; whatever fails is told by the upload itself."""
        try:
            self._process(upload)
        except ObserverError as error:
            message = " ".join(str(error).split()).replace(str(upload.file), upload.id)
            self._fail(upload, message)
        except _RemovedError:
            pass
        # The libraries that parse files raise whatever they like; the other documents go on.
        except Exception as error:  # noqa: BLE001
            self._fail(upload, f"{upload.id}: cannot be read ({type(error).__name__})")

    def page(
        self, upload_id: str, number: int | None, places: Sequence[tuple[int, int]]
    ) -> PageImage:
        """Draw a page of a PDF with the words at these offsets marked.

        Args:
            upload_id: Which document.
            number: Which page, from 1; None for the one of the first place.
            places: Half-open offsets in the document's text; those on other pages are passed over.

        Raises:
            UnreadableDocumentError: There is no such page to be seen.
        """
        with self._lock:
            upload = self._uploads.get(upload_id)
        if upload is None or upload.document is None or not upload.has_images:
            raise UnreadableDocumentError(f"{safe_name(upload_id)}: has no pages to be seen")
        if number is None:
            number = page_of(upload.document, places[0][0]) if places else 1
        number = min(max(number, 1), n_pages(upload.document))
        with _DRAWING:
            return page_image(upload.file, number, words_on(upload.document, number, places))

    def remove(self, upload_id: str) -> None:
        """Forget a document and delete its file; an unknown one is none any more."""
        with self._lock:
            upload = self._uploads.pop(upload_id, None)
            if upload is None:
                return
            upload.file.unlink(missing_ok=True)
            if upload.state == "ready":
                self._rebuild()

    def delete(self) -> None:
        """Forget and delete everything."""
        with self._lock:
            self._uploads.clear()
            self._index = None
            shutil.rmtree(self.folder, ignore_errors=True)

    def _check_size(self, upload: Upload) -> None:
        if upload.size > self._settings.max_bytes:
            raise UnreadableDocumentError(
                f"{upload.id}: is larger than {self._settings.max_bytes // MEGABYTE} MB; "
                "add a part of it"
            )

    def _place_for(self, name: str, taken: Collection[str]) -> Upload:
        with self._lock:
            failed = [upload.id for upload in self._uploads.values() if upload.state == "failed"]
            if len(self._uploads) - len(failed) >= self._settings.max_documents:
                raise UnreadableDocumentError(
                    f"{safe_name(name)}: there are {self._settings.max_documents} documents "
                    "already; remove one first"
                )
            if len(failed) > self._settings.max_documents:
                del self._uploads[failed[0]]
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self._n_received += 1
            upload_id = _unlike(safe_name(name), {*taken, *self._uploads})
            suffix = PurePath(upload_id).suffix.lower()
            suffix = suffix if _SUFFIX.fullmatch(suffix) else ""
            upload = Upload(upload_id, self.folder / f"{self._n_received}{suffix}", size=0)
            self._uploads[upload_id] = upload
            return upload

    def _process(self, upload: Upload) -> None:
        document = load_document(upload.file, document_id=upload.id)
        with upload.file.open("rb") as stream:
            upload.is_pdf = _PDF in stream.read(_PDF_WITHIN)
        index_settings = IndexSettings()
        passages = split_document(
            document,
            index_settings.split,
            count_tokens=self._encoder.count_tokens,
            max_tokens=self._encoder.max_tokens,
        )
        n_others = sum(len(other.passages) for other in self.uploads())
        if len(passages) + n_others > self._settings.max_passages:
            raise UnreadableDocumentError(
                f"{upload.id}: is too long, {len(passages):,} passages of "
                f"{self._settings.max_passages:,} that all your documents may have; add a part"
            )
        upload.state = "indexing"
        vectors = np.concatenate(list(self._embedded(upload, passages)))
        with self._lock:
            if self._uploads.get(upload.id) is not upload:
                return
            upload.document, upload.passages, upload.vectors = document, tuple(passages), vectors
            upload.state = "ready"
            self._rebuild()

    def _embedded(self, upload: Upload, passages: list[Passage]) -> Iterator[FloatArray]:
        texts = [passage.searchable_text for passage in passages]
        for first in range(0, len(texts), _BLOCK):
            with self._lock:
                if self._uploads.get(upload.id) is not upload:
                    raise _RemovedError
            yield self._encoder.encode_passages(texts[first : first + _BLOCK])
            upload.progress = min(first + _BLOCK, len(texts)) / len(texts)

    def _rebuild(self) -> None:
        ready = [upload for upload in self._uploads.values() if upload.state == "ready"]
        if not ready:
            self._index = None
            return
        passages = [passage for upload in ready for passage in upload.passages]
        vectors = [upload.vectors for upload in ready if upload.vectors is not None]
        self._index = PassageIndex(
            Contents.of([upload.document for upload in ready if upload.document], passages),
            store=FaissStore.build(np.concatenate(vectors)),
            lexical=LexicalIndex.build([passage.searchable_text for passage in passages]),
            encoder=self._encoder,
            settings=IndexSettings(),
        )

    def _fail(self, upload: Upload, problem: str) -> None:
        upload.file.unlink(missing_ok=True)
        upload.problem, upload.state = problem, "failed"


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


class _RemovedError(Exception):
    """A document was removed while it was read."""


def safe_name(name: str) -> str:
    """Make a file name out of what a browser calls a file: one line, no path, not too long."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", last)
        if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    shown = " ".join(shown.split()).lstrip(".").strip()
    suffix = PurePath(shown).suffix
    suffix = suffix if _SUFFIX.fullmatch(suffix) else ""
    stem = shown.removesuffix(suffix)
    return (stem[: _MAX_NAME_LENGTH - len(suffix)].strip() or "document") + suffix


def _unlike(name: str, taken: Collection[str]) -> str:
    """Number a name that is taken: "report (2).txt"."""
    suffix = PurePath(name).suffix
    stem = name.removesuffix(suffix)
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{stem} ({number}){suffix}"
    return free


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
