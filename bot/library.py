"""The documents of one visitor: received, read, cut, embedded, drawn and removed."""

import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from bot.upload import MEGABYTE, Upload, UploadSettings, safe_name, suffix_of, unlike
from corpus import Document, Passage, load_document, split_document
from corpus.archives import archive_members
from corpus.errors import ObserverError, UnreadableDocumentError
from corpus.formats.kinds import SUFFIXES
from corpus.formats.pdf_page import PageImage, n_pages, page_image, page_of, words_on
from corpus.loaders import is_archive, is_pdf
from index.contents import Contents
from index.embedding import Encoder, FloatArray
from index.lexical import LexicalIndex
from index.passage_index import IndexSettings, PassageIndex
from index.stores import FaissStore

# Small enough that progress is seen to move and that a removal stops the work at once.
_BLOCK = 32
# How many folders of a path in an archive are told.
_MAX_PARTS = 4
# Each page is drawn by a process of its own.
_DRAWING = threading.BoundedSemaphore(2)


class Library:
    """The documents of one session. Every method may be called from any thread."""

    def __init__(self, folder: Path, encoder: Encoder, settings: UploadSettings) -> None:
        """Make a library in a folder of its own, which is made when the first document comes."""
        self.folder = folder
        self._encoder = encoder
        self._settings = settings
        self._lock = threading.RLock()
        self._uploads: dict[str, Upload] = {}
        self._removed: set[str] = set()
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

    def holds(self, upload_id: str) -> bool:
        """Tell whether a document is here, ready or not."""
        with self._lock:
            return upload_id in self._uploads

    def has_removed(self, upload_id: str) -> bool:
        """Tell whether a document was here once."""
        return upload_id in self._removed

    def keep_apart(self, taken: Collection[str]) -> None:
        """Rename the documents whose ids others have by now: "report (2).txt"."""
        with self._lock:
            clashing = [upload for upload in self._uploads.values() if upload.id in taken]
            for upload in clashing:
                others = [other.id for other in self._uploads.values()]
                upload.rename(unlike(upload.id, {*taken, *others}))
            if clashing:
                self._uploads = {upload.id: upload for upload in self._uploads.values()}
                self._rebuild()

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
        """Read, cut and embed a document, or those in an archive, which take its place.

        Whatever fails is told by the upload itself.
        """
        members: list[Upload] = []

        def unpack() -> None:
            if is_archive(upload.file):
                members.extend(self._unpack(upload))
            else:
                self._process(upload)

        self._attempt(upload, unpack)
        for member in members:
            self._attempt(member, partial(self._process, member))

    def _attempt(self, upload: Upload, step: Callable[[], None]) -> None:
        try:
            step()
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
        return draw_page(upload.document, upload.file, number, places)

    def remove(self, upload_id: str) -> None:
        """Forget a document and delete its file; an unknown one is none any more."""
        with self._lock:
            upload = self._uploads.pop(upload_id, None)
            if upload is None:
                return
            upload.file.unlink(missing_ok=True)
            if upload.state == "ready":
                self._removed.add(upload_id)
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
            if len(self._not_failed()) >= self._settings.max_documents:
                raise UnreadableDocumentError(
                    f"{safe_name(name)}: there are {self._settings.max_documents} documents "
                    "already; remove one first"
                )
            failed = [upload.id for upload in self._uploads.values() if upload.state == "failed"]
            for upload_id in failed[: -self._settings.max_documents]:
                del self._uploads[upload_id]
            self.folder.mkdir(mode=0o700, exist_ok=True)
            return self._new(safe_name(name), {*taken, *self._uploads})

    def _not_failed(self) -> list[Upload]:
        return [upload for upload in self._uploads.values() if upload.state != "failed"]

    def _new(self, name: str, taken: Collection[str]) -> Upload:
        self._n_received += 1
        upload_id = unlike(name, taken)
        suffix = suffix_of(upload_id).lower()
        upload = Upload(upload_id, self.folder / f"{self._n_received}{suffix}", size=0)
        self._uploads[upload_id] = upload
        return upload

    def _unpack(self, upload: Upload) -> list[Upload]:
        """Put the documents in an archive in its place; return those that can be read."""
        try:
            return self._replace_by_members(upload, self._contents(upload.file.read_bytes()))
        except UnreadableDocumentError as error:
            raise UnreadableDocumentError(f"{upload.id}: {error}") from error

    def _contents(self, archive: bytes) -> list[tuple[str, bytes | UnreadableDocumentError]]:
        most = self._settings.max_bytes
        contents, n_bytes = [], 0
        for name, content in archive_members(archive, max_bytes=most):
            if PurePosixPath(name).suffix.lower() in SUFFIXES:
                contents.append((name, content))
                n_bytes += len(content) if isinstance(content, bytes) else 0
            if n_bytes > most:
                raise UnreadableDocumentError(
                    f"unpacks to more than {most // MEGABYTE} MB; add a part of it"
                )
        if not contents:
            raise UnreadableDocumentError("holds no documents; add some")
        return contents

    def _replace_by_members(
        self, upload: Upload, contents: list[tuple[str, bytes | UnreadableDocumentError]]
    ) -> list[Upload]:
        members = []
        with self._lock:
            if self._uploads.get(upload.id) is not upload:
                raise _RemovedError
            left = self._settings.max_documents + 1 - len(self._not_failed())
            if len(contents) > left:
                raise UnreadableDocumentError(
                    f"holds {len(contents):,} documents, and {left} may be added; add a part of it"
                )
            del self._uploads[upload.id]
            upload.file.unlink(missing_ok=True)
            for name, content in contents:
                parts = PurePosixPath(name).parts[-_MAX_PARTS:]
                member = self._new("/".join([upload.id, *map(safe_name, parts)]), self._uploads)
                if isinstance(content, bytes):
                    member.size = len(content)
                    member.file.write_bytes(content)
                    members.append(member)
                else:
                    self._fail(member, f"{member.id}: {content}")
        return members

    def _process(self, upload: Upload) -> None:
        document = load_document(upload.file, document_id=upload.id)
        upload.is_pdf = is_pdf(upload.file)
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
            if document.id != upload.id:
                upload.rename(upload.id)
            self._rebuild()
            upload.state = "ready"

    def _embedded(self, upload: Upload, passages: list[Passage]) -> Iterator[FloatArray]:
        texts = [passage.searchable_text for passage in passages]
        for first in range(0, len(texts), _BLOCK):
            with self._lock:
                if self._uploads.get(upload.id) is not upload:
                    raise _RemovedError
            yield self._encoder.encode_passages(texts[first : first + _BLOCK])
            upload.progress = min(first + _BLOCK, len(texts)) / len(texts)

    def _rebuild(self) -> None:
        ready = [upload for upload in self._uploads.values() if upload.vectors is not None]
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


def draw_page(
    document: Document, file: Path, number: int | None, places: Sequence[tuple[int, int]]
) -> PageImage:
    """Draw a page of a document that is a PDF, as `Library.page` says.

    Raises:
        UnreadableDocumentError: It cannot be drawn.
    """
    if number is None:
        number = page_of(document, places[0][0]) if places else 1
    number = min(max(number, 1), n_pages(document))
    with _DRAWING:
        return page_image(file, number, words_on(document, number, places))


class _RemovedError(Exception):
    """A document was removed while it was read."""
