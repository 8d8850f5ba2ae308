"""Files become documents: which files, in which encoding, under which id."""

import codecs
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import NoReturn

from corpus.documents import Document, unify_newlines
from corpus.errors import UnreadableDocumentError
from corpus.passages import find_title

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


# charset-normalizer tells scripts apart well but the code pages of Latin script badly: most guesses
# among them are wrong for Windows-1252, which is by far the commonest.
_LATIN_ALPHABETS = ("Basic Latin", "Latin", "Control character", "General Punctuation", "Currency")
# What no text holds, zero bytes apart: control characters but white space, end-of-file and escape.
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x19\x1c-\x1f]")
_CP1250_LANGUAGES = {"Polish", "Czech", "Slovak", "Slovene", "Croatian", "Hungarian", "Romanian"}


def decode_text(data: bytes) -> str:
    """Decode the bytes of a text file, whatever its encoding.

    A byte order mark decides; without one UTF-8 is tried, then UTF-16, then Windows-1252 for text
    that charset-normalizer takes to be in Latin script, and else its best guess.

    Raises:
        ValueError: The bytes are no text in any known encoding.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = _decode_legacy(data)
    n_zeros = text.count("\0")
    if n_zeros and 4 * n_zeros < len(text) and not _CONTROLS.search(text):
        raise ValueError("stray zero bytes: not a text file")
    return _decode_utf16(data) if n_zeros else text


def load_document(path: Path, *, document_id: str | None = None) -> Document:
    """Load one file.

    Args:
        path: The file; its suffix chooses the loader.
        document_id: The id to give; the file's name by default.

    Raises:
        UnreadableDocumentError: The file is missing, of an unknown kind, no text, or has no words.
    """
    loader = LOADERS.get(path.suffix.lower())
    if loader is None:
        kinds = ", ".join(LOADERS)
        raise UnreadableDocumentError(
            f"{path}: files of kind {path.suffix or 'without suffix'!r} cannot be read, "
            f"only {kinds}; save it as plain text"
        )
    try:
        if path.exists() and not path.is_file():
            raise UnreadableDocumentError(f"{path}: is not a file; name the files in it")
        data = path.read_bytes()
    except OSError as error:
        raise _not_readable(path, error) from error
    try:
        text = unify_newlines(loader(data))
    except ValueError as error:
        raise UnreadableDocumentError(
            f"{path}: is not text in a known encoding; save it as UTF-8"
        ) from error
    if not text.strip():
        raise UnreadableDocumentError(f"{path}: holds no words; leave it out, or write some")
    return Document(
        id=document_id or path.name,
        text=text,
        title=find_title(text),
        sha256=hashlib.sha256(data).hexdigest(),
        path=path.absolute(),
    )


def load_file(path: Path, document_id: str) -> Iterator[Document | UnreadableDocumentError]:
    """Yield what a file holds: its document, or why it cannot be read."""
    try:
        yield load_document(path, document_id=document_id)
    except UnreadableDocumentError as error:
        yield error


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
        paths: One or several files or folders. Folders are searched through; in them hidden files
            and files of other kinds are passed over.

    Returns:
        Documents sorted by id. An id is the path relative to the one folder given, and relative to
        their common folder where several paths are given.

    Raises:
        UnreadableDocumentError: A path is missing, a file is unreadable, or nothing was found.
    """
    return [load_document(file, document_id=name) for name, file in find_files(paths)]


def find_files(paths: Path | str | Iterable[Path | str]) -> list[tuple[str, Path]]:
    """Find the files that `load_documents` loads, without reading them.

    Returns:
        The id of each document and its file, sorted by id.

    Raises:
        UnreadableDocumentError: A path is missing, or nothing was found.
    """
    roots = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    # By the file itself, so that one reached by two paths or links is loaded once.
    files: dict[str, Path] = {}
    for root in roots:
        for file in _files(root):
            files.setdefault(os.path.realpath(file), file)
    if not files:
        names = ", ".join(str(root) for root in roots)
        kinds = ", ".join(LOADERS)
        raise UnreadableDocumentError(
            f"{names}: no documents found; expected files ending in {kinds}"
        )
    # The file of a link may lie anywhere; the link itself lies where the user sees it.
    places = {file: file.parent.resolve() / file.name for file in files.values()}
    if len(roots) == 1 and roots[0].is_dir():
        base = roots[0].resolve()
    else:
        base = Path(os.path.commonpath([place.parent for place in places.values()]))
    return sorted((place.relative_to(base).as_posix(), file) for file, place in places.items())


def _files(root: Path) -> Iterator[Path]:
    try:
        if not root.exists() and not root.is_symlink():
            raise UnreadableDocumentError(f"{root}: no such file or folder; check the name")
        if not root.is_dir():
            yield root
            return
    except OSError as error:
        raise _not_readable(root, error) from error
    for folder, subfolders, names in os.walk(root, onerror=_raise_not_readable):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in LOADERS:
                yield Path(folder) / name


def _not_readable(path: Path, error: OSError) -> UnreadableDocumentError:
    return UnreadableDocumentError(
        f"{path}: cannot be read: {error.strerror}; check its name and who may read it"
    )


def _raise_not_readable(error: OSError) -> NoReturn:
    raise _not_readable(Path(error.filename), error) from error


def _decode_utf16(data: bytes) -> str:
    """Decode UTF-16 without a mark: one byte of every space and Latin letter is zero."""
    big_endian = data[0::2].count(0) > data[1::2].count(0)
    text = data.decode("utf-16-be" if big_endian else "utf-16-le")
    if "\0" in text or _CONTROLS.search(text):
        raise ValueError("zero bytes: not a text file")
    return text


def _decode_legacy(data: bytes) -> str:
    from charset_normalizer import from_bytes

    if b"\0" in data:
        return _decode_utf16(data)
    guess = from_bytes(data).best()
    if guess is None:
        raise ValueError("no known encoding")
    is_latin = all(alphabet.startswith(_LATIN_ALPHABETS) for alphabet in guess.alphabets)
    text = str(guess)
    if is_latin and guess.language not in _CP1250_LANGUAGES:
        with suppress(UnicodeDecodeError):
            text = data.decode("cp1252")
    if _CONTROLS.search(text):
        raise ValueError("control characters: not a text file")
    return text


LOADERS: dict[str, Callable[[bytes], str]] = {
    ".txt": decode_text,
    ".text": decode_text,
    ".md": decode_text,
    ".markdown": decode_text,
}
