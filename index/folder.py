"""A saved index on disk: plain files, a manifest that names and checks them, written atomically.

FOLDER/
├── manifest.json       format version, encoder, split settings, documents, counts, checksums
└── data-<name>/        what the manifest names as its data
    ├── documents.jsonl, passages.jsonl, and where each of their rows begins (contents.py)
    ├── vectors.faiss   or vectors.npy and clusters/, for many passages
    ├── lexical/        BM25
    └── lock            held by the process that writes the folder

A new version is written into a data folder of its own; then the manifest is replaced in one step.
Whoever reads in between, or after a crash, finds the old version whole or the new one.
"""

import json
import os
import re
import shlex
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from corpus.errors import IndexFormatError
from corpus.loaders import file_sha256
from index.embedding import DEFAULT_ENCODER

FORMAT_VERSION = 3
MANIFEST = "manifest.json"
# What is fitted on questions about the index; a new version of the index leaves it where it is.
CALIBRATION = "calibration.json"
_DATA = re.compile(r"data-[0-9a-f]{12}")
_PARTIAL = re.compile(re.escape(MANIFEST) + r"\.data-[0-9a-f]{12}")
_LOCK = "lock"
# Without a lock, a data folder younger than this may be one that another process is writing.
_LEFTOVER_SECONDS = 3600
# What the parsers of JSON, .npy and FAISS files and the look into what they return may raise.
_MALFORMED = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    MemoryError,
)


def write_folder(
    folder: Path, manifest: dict[str, Any], write_data: Callable[[Path], None]
) -> None:
    """Write a version of an index and make it the current one.

    Args:
        folder: The index; made where it is missing.
        manifest: What to record; the format version, the data folder's name and the checksums of
            its files are added.
        write_data: Called with a new, empty folder to write the data into.

    Raises:
        IndexFormatError: The folder holds something else than an index, or cannot be written.
    """
    from filelock import FileLock

    check_writable(folder)
    name = f"data-{uuid.uuid4().hex[:12]}"
    data = folder / name
    partial = folder / f"{MANIFEST}.{name}"
    lock = FileLock(data / _LOCK)
    try:
        data.mkdir(parents=True)
        lock.acquire(blocking=False)
        write_data(data)
        whole = {
            "format_version": FORMAT_VERSION,
            **manifest,
            "data": name,
            "checksums": {file: file_sha256(data / file) for file in _files(data)},
            "written": {file: (data / file).stat().st_mtime_ns for file in _files(data)},
        }
        partial.write_bytes(_manifest_bytes(whole))
        replaced = named_data(folder)
        partial.replace(folder / MANIFEST)
    except BaseException as error:
        lock.release()
        shutil.rmtree(data, ignore_errors=True)
        with suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError):
            raise _not_writable(folder, error) from error
        raise
    lock.release()
    with suppress(OSError):
        (data / _LOCK).unlink(missing_ok=True)
    if replaced and replaced != name and _DATA.fullmatch(replaced):
        shutil.rmtree(folder / replaced, ignore_errors=True)
    remove_leftovers(folder)


def replace_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Put a manifest in the place of the one of the same data, if that still stands there.

    Raises:
        IndexFormatError: The folder cannot be written.
    """
    if named_data(folder) != manifest["data"]:
        return
    partial = folder / f"{MANIFEST}.{manifest['data']}"
    try:
        partial.write_bytes(_manifest_bytes(manifest))
        partial.replace(folder / MANIFEST)
    except OSError as error:
        raise _not_writable(folder, error) from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of an index.

    Raises:
        IndexFormatError: There is none, it is unreadable, or of another format version.
    """
    try:
        if not folder.is_dir():
            raise IndexFormatError(
                f"{folder}: no such index; build it with: {refresh_command(folder, {})}"
            )
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise IndexFormatError(
            f"{folder}: is not an index, it has no {MANIFEST}; build one with: "
            f"{refresh_command(folder, {})}"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise IndexFormatError(f"{folder / MANIFEST}: is unreadable; {_rebuild(folder)}") from error
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION:
        raise IndexFormatError(
            f"{folder}: has index format {version}, this version reads {FORMAT_VERSION}; "
            f"{_rebuild(folder, manifest)}"
        )
    return dict(manifest)


def checked_data(folder: Path, manifest: dict[str, Any], *, thorough: bool = False) -> Path:
    """Return the data folder of an index, every file in it checked against the manifest.

    Args:
        folder: The index.
        manifest: Its manifest.
        thorough: Read every file. By default one that was last written when the manifest says,
            before the manifest was, is trusted: whoever changes it gives it another time.

    Raises:
        IndexFormatError: A file is missing or altered.
    """
    with reading(folder, manifest, MANIFEST):
        name, checksums = str(manifest["data"]), dict(manifest["checksums"])
        written = dict(manifest["written"])
        if not _DATA.fullmatch(name):
            raise ValueError(f"no data folder is called {name!r}")
        described = (folder / MANIFEST).stat().st_mtime_ns
    data = folder / name
    for file, checksum in checksums.items():
        if not (data / file).is_file():
            raise IndexFormatError(f"{data / file}: is missing; {_rebuild(folder, manifest)}")
        is_as_written = (data / file).stat().st_mtime_ns == written.get(file, described) < described
        if (thorough or not is_as_written) and file_sha256(data / file) != checksum:
            raise IndexFormatError(
                f"{data / file}: was altered since the index was built; "
                f"{_rebuild(folder, manifest)}"
            )
    return data


@contextmanager
def reading(folder: Path, manifest: dict[str, Any], file: str) -> Iterator[None]:
    """Turn what malformed content raises into one line.

    Args:
        folder: The index.
        manifest: Its manifest, for the command that mends it.
        file: What is read inside the block, for the message.

    Raises:
        IndexFormatError: The block raised what a parser raises.
    """
    try:
        yield
    except _MALFORMED as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise IndexFormatError(
            f"{folder}: {file} is malformed ({reason}); {_rebuild(folder, manifest)}"
        ) from error


def refresh_command(folder: Path, manifest: dict[str, Any], *, encoder: str | None = None) -> str:
    """Say which command builds this index again.

    Args:
        folder: The index.
        manifest: What is known of it; it may be malformed or empty.
        encoder: The encoder to build with; by default the one it was built with.
    """
    sources = manifest.get("sources")
    if not isinstance(sources, list) or not all(isinstance(path, str) for path in sources):
        sources = []
    built_with = manifest.get("encoder")
    encoder = encoder or (built_with.get("name") if isinstance(built_with, dict) else None)
    command = ["observer", "index", *map(_shown, sources or ["PATH"]), "-o", str(folder)]
    if encoder and encoder != DEFAULT_ENCODER:
        command += ["--encoder", str(encoder)]
    return shlex.join(command)


def check_writable(folder: Path) -> None:
    """Check that an index may be written to a folder: it holds one, or nothing, or is not there.

    Raises:
        IndexFormatError: It holds something else.
    """
    try:
        if not folder.exists():
            return
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else ["a file"]
    except OSError as error:
        raise _not_writable(folder, error) from error
    if not _are_an_index(folder, names):
        raise IndexFormatError(f"{folder}: exists and is not an index; choose another folder")


def _are_an_index(folder: Path, names: Sequence[str]) -> bool:
    """Tell whether files are those of an index, and of nothing else."""
    known = [
        name in {MANIFEST, CALIBRATION} or _DATA.fullmatch(name) or _PARTIAL.fullmatch(name)
        for name in names
    ]
    if not all(known) or MANIFEST not in names:
        return all(known)
    # Other programs call a file so too.
    return any(map(_DATA.fullmatch, names)) or named_data(folder) is not None


def named_data(folder: Path) -> str | None:
    """Return the name of the data folder that the manifest names, which is that of its version.

    None without a manifest that can be read.
    """
    with suppress(OSError, ValueError, RecursionError, KeyError, TypeError):
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return str(manifest["data"]) if "format_version" in manifest else None
    return None


def _manifest_bytes(manifest: dict[str, Any]) -> bytes:
    # In ASCII: a file's name may hold bytes that are no text. A line for each entry, because
    # json indents slowly.
    entries = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in manifest.items()]
    return ("{\n" + ",\n".join(entries) + "\n}\n").encode("ascii")


def _not_writable(folder: Path, error: OSError) -> IndexFormatError:
    return IndexFormatError(
        f"{folder}: cannot be written: {error.strerror}; choose a folder that you may write to"
    )


def _shown(source: str) -> str:
    """Shorten a path inside the working folder, as the user would type it."""
    with suppress(OSError, ValueError):
        return str(Path(source).relative_to(Path.cwd()))
    return source


def _rebuild(folder: Path, manifest: Any = None) -> str:
    known = manifest if isinstance(manifest, dict) else {}
    return f"rebuild it with: {refresh_command(folder, known)} --rebuild"


def remove_leftovers(folder: Path) -> None:
    """Remove what processes left that were killed while they wrote a version of an index."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            name = path.name.removeprefix(f"{MANIFEST}.")
            if _DATA.fullmatch(name) and _is_left(folder, name, path):
                (folder / f"{MANIFEST}.{name}").unlink(missing_ok=True)
                shutil.rmtree(folder / name, ignore_errors=True)


def _is_left(folder: Path, name: str, path: Path) -> bool:
    """Tell whether the process that wrote a data folder, or a part of one, is surely gone."""
    from filelock import FileLock, Timeout

    lock = folder / name / _LOCK
    if not lock.exists():
        is_old = path.stat().st_mtime < time.time() - _LEFTOVER_SECONDS
        return is_old and name != named_data(folder)
    try:
        # Who lets go of it has made its folder the current one.
        with FileLock(lock).acquire(blocking=False):
            return name != named_data(folder)
    except Timeout:
        return False


def _files(data: Path) -> Iterator[str]:
    for folder, _, names in os.walk(data):
        for name in sorted(names):
            if (Path(folder) / name) != data / _LOCK:
                yield (Path(folder) / name).relative_to(data).as_posix()
