"""The files in a zip archive, read one at a time; nothing of it is written to disk."""

import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from corpus.errors import UnreadableDocumentError
from corpus.formats.packages import MAX_UNPACKED_BYTES, open_package, read_member


def archive_members(
    data: bytes, *, max_bytes: int
) -> Iterator[tuple[str, bytes | UnreadableDocumentError]]:
    """Yield the path and the bytes of each file in an archive, sorted by path.

    Hidden files are passed over, as in folders. A file that cannot be unpacked, or whose path
    leaves the archive, comes with the reason in place of its bytes.

    Args:
        data: The archive.
        max_bytes: The largest file that is unpacked.

    Raises:
        UnreadableDocumentError: The archive is damaged, or unpacks to too much.
    """
    package = open_package(data)
    left = MAX_UNPACKED_BYTES
    for member in sorted(package.infolist(), key=lambda member: member.filename):
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if member.is_dir() or _is_hidden(path):
            continue
        try:
            content = _content(package, member, path, min(max_bytes, left))
        except UnreadableDocumentError as error:
            yield member.filename, error
        else:
            left -= len(content)
            yield path.as_posix(), content


def _content(
    package: zipfile.ZipFile, member: zipfile.ZipInfo, path: PurePosixPath, max_bytes: int
) -> bytes:
    if path.is_absolute() or ".." in path.parts or path.as_posix()[1:2] == ":":
        raise UnreadableDocumentError("its path leaves the archive; it is left out")
    return read_member(package, member, max_bytes)


def _is_hidden(path: PurePosixPath) -> bool:
    return "__MACOSX" in path.parts or any(
        part.startswith(".") and part != ".." for part in path.parts
    )
