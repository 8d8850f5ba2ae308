"""What the formats share: how files are written, and what XML and spreadsheets can hold."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from corpus.errors import ObserverError

# What XML 1.0 has no way to say.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_NAME = 200


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write texts under their names into a folder, which is made where it is missing.

    Raises:
        ObserverError: A file cannot be written.
    """
    for name, text in files.items():
        write_text(folder / name, text, make_folder=True)


def write_text(
    path: Path, text: str, *, make_folder: bool = False, encoding: str = "utf-8"
) -> None:
    """Write a text as it is.

    Raises:
        ObserverError: The file cannot be written.
    """
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding=encoding, errors="replace", newline="")
    except OSError as error:
        raise ObserverError(
            f"{path}: cannot be written: {error.strerror}; name another place"
        ) from error


def check_new(path: Path) -> None:
    """Check that nothing is lost by writing here.

    Raises:
        ObserverError: Something is there, or the folder around it is missing.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise ObserverError(f"{path}: already exists; name another place or delete it")
    if not path.absolute().parent.is_dir():
        raise ObserverError(
            f"{path}: expected a place in an existing folder; make the folder first"
        )


def printable(text: str) -> str:
    """Put U+FFFD in the place of control characters and half characters."""
    return _NOT_IN_XML.sub("\ufffd", text)


def safe_name(text: str) -> str:
    """Make a name without white space or slashes, another for every text.

    Letters, digits and `_.-~` stay; other bytes of its UTF-8 are written as in a URL. The end of a
    long name is a part of its SHA-256.
    """
    name = quote(text, safe="", errors="surrogatepass")
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if len(name) <= _MAX_NAME:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{name[:_MAX_NAME]}-{digest}"


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write objects, a line each."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
