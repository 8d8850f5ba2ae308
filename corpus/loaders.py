"""Files become documents: which files, within which limits, under which id."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
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
# A heading that stands further down names a part.
_TITLE_WITHIN = 300

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
    try:
        kind = kind_of(path.name, data)
        if kind == ARCHIVE:
            raise UnreadableDocumentError("is an archive; unpack it and add the files in it")
        return _document(path, data, data, kind, document_id or path.name)
    except UnreadableDocumentError as error:
        raise UnreadableDocumentError(f"{path}: {error}") from error


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


def load_documents(paths: Path | str | Iterable[Path | str]) -> list[Document]:
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


def iter_documents(
    paths: Path | str | Iterable[Path | str], *, on_error: OnError | None = None
) -> Iterator[Document]:
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
    roots = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    # By the file itself, so that one reached by two paths or links is loaded once.
    files: dict[str, Path] = {}
    n_errors = 0
    for root in roots:
        for found in _files(root):
            if isinstance(found, UnreadableDocumentError):
                n_errors += 1
                report(found)
            else:
                files.setdefault(os.path.realpath(found), found)
    names = ", ".join(str(root) for root in roots)
    if not files and not n_errors:
        kinds = ", ".join(SUFFIXES)
        raise UnreadableDocumentError(
            f"{names}: no documents found; expected files ending in {kinds}"
        )
    n_documents = 0
    for document_id, file in _with_ids(roots, list(files.values())):
        for loaded in _documents(file, document_id):
            if isinstance(loaded, UnreadableDocumentError):
                report(loaded)
            else:
                n_documents += 1
                yield loaded
    if not n_documents:
        raise UnreadableDocumentError(f"{names}: none of the files could be read")


def _with_ids(roots: list[Path], files: list[Path]) -> list[tuple[str, Path]]:
    # The file of a link may lie anywhere; the link itself lies where the user sees it.
    places = [(file.parent.resolve() / file.name, file) for file in files]
    if len(roots) == 1 and roots[0].is_dir():
        base = roots[0].resolve()
    elif places:
        base = Path(os.path.commonpath([place.parent for place, _ in places]))
    return sorted((place.relative_to(base).as_posix(), file) for place, file in places)


def _documents(file: Path, document_id: str) -> Iterator[Document | UnreadableDocumentError]:
    """Yield the document of a file, or those of an archive, or why one cannot be read."""
    try:
        data = _read(file)
        try:
            kind = kind_of(file.name, data)
            if kind != ARCHIVE:
                yield _document(file, data, data, kind, document_id)
                return
            members = archive_members(data, max_bytes=_LIMITS.max_bytes)
            n_documents = 0
            for name, content in members:
                if Path(name).suffix.lower() in SUFFIXES:
                    n_documents += 1
                    yield _member(file, data, name, content, document_id)
            if not n_documents:
                raise UnreadableDocumentError("holds no documents; leave it out")
        except UnreadableDocumentError as error:
            raise UnreadableDocumentError(f"{file}: {error}") from error
    except UnreadableDocumentError as error:
        yield error


def _member(
    file: Path, data: bytes, name: str, content: bytes | UnreadableDocumentError, archive_id: str
) -> Document | UnreadableDocumentError:
    try:
        if isinstance(content, UnreadableDocumentError):
            raise content
        kind = kind_of(name, content)
        if kind == ARCHIVE:
            raise UnreadableDocumentError("is an archive in an archive; unpack it first")
        return _document(file, data, content, kind, f"{archive_id}/{name}")
    except UnreadableDocumentError as error:
        shown = " ".join(name.split())
        return UnreadableDocumentError(f"{file}/{shown}: {error}")


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
        if first is not None and first.start <= _TITLE_WITHIN:
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


def _files(root: Path) -> Iterator[Path | UnreadableDocumentError]:
    """Yield the files under a path, and what cannot be looked into."""
    try:
        if not root.exists() and not root.is_symlink():
            raise UnreadableDocumentError(f"{root}: no such file or folder; check the name")
        is_folder = root.is_dir()
    except OSError as error:
        yield _not_readable(root, error)
        return
    if not is_folder:
        yield root
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
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(folder) / name
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
