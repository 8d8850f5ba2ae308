"""Files become documents: which files, within which limits, under which id."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path

from corpus.archives import archive_members
from corpus.documents import Document
from corpus.errors import UnreadableDocumentError
from corpus.formats.kinds import ARCHIVE, PLAIN_KINDS, SUFFIXES, kind_of, reader_of
from corpus.formats.structure import Extracted
from corpus.passages import find_title
from corpus.text import NoTextError
from corpus.worker import ReadLimits, read_within_limits

_LIMITS = ReadLimits()
_UNTITLED_KINDS = frozenset({"table", "xlsx", "json", "json lines"})
# Where readers look for the mark of a PDF.
_PDF, _PDF_WITHIN = b"%PDF-", 1024
# A heading that stands further down names a part.
_TITLE_WITHIN = 300

Paths = Path | str | Iterable[Path | str]
OnError = Callable[[UnreadableDocumentError], None]


def load_document(path: Path, *, document_id: str | None = None) -> Document:
    """Load one file.

    Args:
        path: The file; its content tells its kind, and for kinds of plain text its suffix.
        document_id: The id to give; the file's name by default.

    Raises:
        UnreadableDocumentError: The file is missing, of an unknown kind, damaged, too large, an
            archive, or has no words.
    """
    data = _read(path)
    with _named(str(path)):
        kind = kind_of(path.name, data)
        if kind == ARCHIVE:
            raise UnreadableDocumentError("is an archive; unpack it and add the files in it")
        return _document(path, data, data, kind, document_id or path.name)


def is_archive(path: Path) -> bool:
    """Tell whether a file is an archive, which holds documents and is none itself."""
    data = _read(path)
    with suppress(UnreadableDocumentError):
        return kind_of(path.name, data) == ARCHIVE
    return False


def is_pdf(path: Path) -> bool:
    """Tell whether a file is a PDF, whatever its name."""
    try:
        with path.open("rb") as stream:
            return _PDF in stream.read(_PDF_WITHIN)
    except OSError:
        return False


def file_sha256(path: Path) -> str | None:
    """Return the SHA-256 of a file's bytes in hexadecimal, or None where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def shipped_documents() -> Path:
    """Return the folder of the documents that come with the bot."""
    return Path(str(resources.files("corpus") / "documents"))


def load_documents(paths: Paths) -> list[Document]:
    """Load files and folders.

    Args:
        paths: One or several files, folders or zip archives. Folders are searched through; in them
            hidden files and files of other kinds are passed over.

    Returns:
        Documents sorted by id. An id is the path relative to the one folder given, and relative to
        their common folder where several paths are given.

    Raises:
        UnreadableDocumentError: A path is missing, a file is unreadable, or nothing was found.
    """
    return sorted(iter_documents(paths), key=lambda document: document.id)


def iter_documents(paths: Paths, *, on_error: OnError | None = None) -> Iterator[Document]:
    """Load files and folders one at a time, as `load_documents` does.

    Args:
        paths: Files, folders or zip archives.
        on_error: Is told of each file or folder that cannot be read, in an error whose message is
            one line with its name; the others are still loaded. By default the first one raises.

    Yields:
        Documents by the order of their files' paths.

    Raises:
        UnreadableDocumentError: A path is missing, nothing was found, or nothing could be read.
    """
    report = on_error or _raise
    n_documents = 0
    for document_id, file in find_files(paths, on_error=report):
        for loaded in load_file(file, document_id):
            if isinstance(loaded, UnreadableDocumentError):
                report(loaded)
            else:
                n_documents += 1
                yield loaded
    if not n_documents:
        raise UnreadableDocumentError(f"{_listed(paths)}: none of the files could be read")


def find_files(paths: Paths, *, on_error: OnError | None = None) -> list[tuple[str, Path]]:
    """Find the files that `iter_documents` loads, without reading them.

    Returns:
        The id of each file and the file, sorted by id; an archive is one file.

    Raises:
        UnreadableDocumentError: A path is missing, or nothing was found.
    """
    report = on_error or _raise
    roots = _roots(paths)
    # Paths are texts here: a folder may hold very many files, and Path takes its time.
    resolved = cache(os.path.realpath)
    # By the file itself, so that one reached by two paths or links is found once.
    files: dict[str, tuple[str, str]] = {}
    n_errors = 0
    for root in roots:
        for found in _files(root):
            if isinstance(found, UnreadableDocumentError):
                n_errors += 1
                report(found)
            else:
                folder, name = os.path.split(found)
                # The file of a link may lie anywhere; the link itself lies where the user sees it.
                place = os.path.join(resolved(folder), name)  # noqa: PTH118
                is_link = os.path.islink(found)  # noqa: PTH114
                files.setdefault(os.path.realpath(found) if is_link else place, (place, found))
    if not files and not n_errors:
        kinds = ", ".join(SUFFIXES)
        raise UnreadableDocumentError(
            f"{_listed(paths)}: no documents found; expected files ending in {kinds}"
        )
    return _with_ids(roots, list(files.values()))


def _roots(paths: Paths) -> list[Path]:
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]


def _listed(paths: Paths) -> str:
    return ", ".join(str(root) for root in _roots(paths))


def _with_ids(roots: list[Path], files: list[tuple[str, str]]) -> list[tuple[str, Path]]:
    """Return the ids and paths of files, given the place and the path of each."""
    if len(roots) == 1 and roots[0].is_dir():
        base = os.path.realpath(roots[0])
    elif files:
        base = os.path.commonpath([os.path.split(place)[0] for place, _ in files])
    return sorted(
        (place[len(base) :].lstrip(os.sep).replace(os.sep, "/"), Path(file))
        for place, file in files
    )


def load_file(file: Path, document_id: str) -> Iterator[Document | UnreadableDocumentError]:
    """Yield the document of a file, or those of an archive, or why one cannot be read."""
    try:
        data = _read(file)
        with _named(str(file)):
            kind = kind_of(file.name, data)
            if kind == ARCHIVE:
                yield from _members(file, data, document_id)
            else:
                yield _document(file, data, data, kind, document_id)
    except UnreadableDocumentError as error:
        yield error


def _members(
    file: Path, data: bytes, archive_id: str
) -> Iterator[Document | UnreadableDocumentError]:
    n_documents = 0
    for name, content in archive_members(data, max_bytes=_LIMITS.max_bytes):
        if Path(name).suffix.lower() not in SUFFIXES:
            continue
        n_documents += 1
        try:
            with _named(f"{file}/{' '.join(name.split())}"):
                document = _member(file, data, name, content, archive_id)
        except UnreadableDocumentError as error:
            yield error
        else:
            yield document
    if not n_documents:
        raise UnreadableDocumentError("holds no documents; leave it out")


def _member(
    file: Path, data: bytes, name: str, content: bytes | UnreadableDocumentError, archive_id: str
) -> Document:
    if isinstance(content, UnreadableDocumentError):
        raise content
    kind = kind_of(name, content)
    if kind == ARCHIVE:
        raise UnreadableDocumentError("is an archive in an archive; unpack it first")
    return _document(file, data, content, kind, f"{archive_id}/{name}")


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the name of a file before what cannot be read in it."""
    try:
        yield
    except UnreadableDocumentError as error:
        raise UnreadableDocumentError(f"{name}: {error}") from error


def _document(file: Path, data: bytes, content: bytes, kind: str, document_id: str) -> Document:
    """Make a document of the content of a file, or of a part of it."""
    try:
        extracted = (reader_of(kind) if kind in PLAIN_KINDS else _parse(kind))(content)
    except NoTextError as error:
        raise UnreadableDocumentError(
            "is not text in a known encoding; save it as UTF-8"
        ) from error
    if not extracted.text.strip():
        raise UnreadableDocumentError("holds no words; leave it out, or write some")
    return Document(
        id=document_id,
        text=extracted.text,
        title=_title(extracted, kind),
        sha256=hashlib.sha256(data).hexdigest(),
        path=file.absolute(),
        marks=extracted.marks,
    )


def _parse(kind: str) -> Callable[[bytes], Extracted]:
    return lambda data: read_within_limits(kind, data)


def _title(extracted: Extracted, kind: str) -> str:
    if kind in _UNTITLED_KINDS:
        return extracted.title
    if kind not in PLAIN_KINDS:
        headings = [mark for mark in extracted.marks if mark.kind == "heading"]
        first = min(headings, key=lambda mark: (mark.level, mark.start), default=None)
        # A lower heading at the beginning of a PDF is the first of its outline, and no title.
        is_title = first is not None and (kind != "pdf" or first.level == 1)
        if first is not None and is_title and first.start <= _TITLE_WITHIN:
            return first.label
        if extracted.title:
            return extracted.title
    return find_title(extracted.text)


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise UnreadableDocumentError(f"{path}: is not a file; name the files in it")
        with path.open("rb") as stream:
            # A file may grow while it is read.
            data = b"" if _is_too_large(path) else stream.read(_LIMITS.max_bytes + 1)
            if _is_too_large(path) or len(data) > _LIMITS.max_bytes:
                raise UnreadableDocumentError(
                    f"{path}: is larger than {_LIMITS.max_bytes >> 20} MB; split it"
                )
            return data
    except OSError as error:
        raise _not_readable(path, error) from error


def _is_too_large(path: Path) -> bool:
    return path.stat().st_size > _LIMITS.max_bytes


def _files(root: Path) -> Iterator[str | UnreadableDocumentError]:
    """Yield the files under a path, and what cannot be looked into."""
    try:
        if not root.exists() and not root.is_symlink():
            raise UnreadableDocumentError(f"{root}: no such file or folder; check the name")
        is_folder = root.is_dir()
    except OSError as error:
        yield _not_readable(root, error)
        return
    if not is_folder:
        yield str(root)
        return
    errors: list[OSError] = []
    for folder, subfolders, names in os.walk(root, onerror=errors.append):
        yield from _drained(errors)
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(".") and not _is_index(Path(folder) / name)
        )
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:  # noqa: PTH122
                yield os.path.join(folder, name)  # noqa: PTH118
    yield from _drained(errors)


def _drained(errors: list[OSError]) -> Iterator[UnreadableDocumentError]:
    while errors:
        error = errors.pop(0)
        yield _not_readable(Path(error.filename), error)


def _is_index(folder: Path) -> bool:
    """Tell whether a folder is a saved index, whose files are no documents."""
    try:
        with (folder / "manifest.json").open("rb") as stream:
            manifest = stream.read()
    except OSError:
        return False
    return b'"n_passages"' in manifest and b'"encoder"' in manifest


def _not_readable(path: Path, error: OSError) -> UnreadableDocumentError:
    return UnreadableDocumentError(
        f"{path}: cannot be read: {error.strerror}; check its name and who may read it"
    )


def _raise(error: UnreadableDocumentError) -> None:
    raise error
