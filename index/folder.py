"""A saved index on disk: plain files, a manifest that names and checks them, written atomically.

FOLDER/
├── manifest.json       format version, encoder, split settings, documents, counts, checksums
└── data-<name>/        what the manifest names as its data
    ├── documents.jsonl id, title, text, sha256 and path of each document
    ├── passages.jsonl  document, start, end, context; the text is sliced back, so it cannot drift
    ├── vectors.faiss
    └── lexical/        BM25

A new version is written into a data folder of its own; then the manifest is replaced in one step.
Whoever reads in between, or after a crash, finds the old version whole or the new one.
"""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from corpus.errors import IndexFormatError
from corpus.loaders import file_sha256

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


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
    check_writable(folder)
    name = f"data-{uuid.uuid4().hex[:12]}"
    data = folder / name
    try:
        data.mkdir(parents=True)
        write_data(data)
        whole = {
            "format_version": FORMAT_VERSION,
            **manifest,
            "data": name,
            "checksums": {file: file_sha256(data / file) for file in _files(data)},
        }
        partial = folder / f"{MANIFEST}.{name}"
        partial.write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        partial.replace(folder / MANIFEST)
    except OSError as error:
        shutil.rmtree(data, ignore_errors=True)
        raise IndexFormatError(
            f"{folder}: cannot be written: {error.strerror}; choose a folder that you may write to"
        ) from error
    except BaseException:
        shutil.rmtree(data, ignore_errors=True)
        raise
    _remove_leftovers(folder, keep=name)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of an index.

    Raises:
        IndexFormatError: There is none, it is unreadable, or of another format version.
    """
    if not folder.is_dir():
        raise IndexFormatError(
            f"{folder}: no such index; build it with: observer index PATH -o {folder}"
        )
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise IndexFormatError(
            f"{folder}: is not an index, it has no {MANIFEST}; build one with: "
            f"observer index PATH -o {folder}"
        ) from error
    except (OSError, ValueError) as error:
        raise IndexFormatError(f"{folder / MANIFEST}: is unreadable; {_rebuild(folder)}") from error
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION:
        raise IndexFormatError(
            f"{folder}: has index format {version}, this version reads {FORMAT_VERSION}; "
            f"{_rebuild(folder, manifest)}"
        )
    return dict(manifest)


def checked_data(folder: Path, manifest: dict[str, Any]) -> Path:
    """Return the data folder of an index, every file in it checked against the manifest.

    Raises:
        IndexFormatError: A file is missing or altered.
    """
    try:
        data = folder / Path(manifest["data"]).name
        checksums = dict(manifest["checksums"])
    except (KeyError, TypeError, ValueError) as error:
        raise IndexFormatError(
            f"{folder / MANIFEST}: lacks {error}; {_rebuild(folder, manifest)}"
        ) from error
    for file, checksum in checksums.items():
        if not (data / file).is_file():
            raise IndexFormatError(f"{data / file}: is missing; {_rebuild(folder, manifest)}")
        if file_sha256(data / file) != checksum:
            raise IndexFormatError(
                f"{data / file}: was altered since the index was built; {_rebuild(folder, manifest)}"
            )
    return data


def refresh_command(folder: Path, manifest: dict[str, Any]) -> str:
    """Say which command builds this index again."""
    sources = " ".join(manifest.get("sources") or ["PATH"])
    return f"observer index {sources} -o {folder}"


def check_writable(folder: Path) -> None:
    """Check that an index may be written to a folder: it holds one, or nothing, or is not there.

    Raises:
        IndexFormatError: It holds something else.
    """
    if not folder.exists():
        return
    if not folder.is_dir() or not all(
        path.name.startswith((MANIFEST, "data-")) for path in folder.iterdir()
    ):
        raise IndexFormatError(f"{folder}: exists and is not an index; choose another folder")


def _rebuild(folder: Path, manifest: Any = None) -> str:
    known = manifest if isinstance(manifest, dict) else {}
    return f"rebuild it with: {refresh_command(folder, known)}"


def _remove_leftovers(folder: Path, keep: str) -> None:
    for path in folder.glob("data-*"):
        if path.is_dir() and path.name != keep:
            shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(f"{MANIFEST}.data-*"):
        path.unlink(missing_ok=True)


def _files(data: Path) -> Iterator[str]:
    for folder, _, names in os.walk(data):
        for name in sorted(names):
            yield (Path(folder) / name).relative_to(data).as_posix()
