"""The zip archives that Office files and e-books are, opened within limits."""

import io
import zipfile
import zlib

from corpus.errors import UnreadableDocumentError

MAX_MEMBERS = 10_000
MAX_UNPACKED_BYTES = 1 << 30
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError)


def open_package(data: bytes) -> zipfile.ZipFile:
    """Open the bytes of a zip archive.

    Raises:
        UnreadableDocumentError: It is damaged, holds too many files, or unpacks to too much.
    """
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGED as error:
        raise UnreadableDocumentError("is a damaged or truncated file; save it anew") from error
    members = package.infolist()
    if len(members) > MAX_MEMBERS:
        raise UnreadableDocumentError(
            f"holds {len(members):,} files; at most {MAX_MEMBERS:,} are unpacked, so split it"
        )
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise UnreadableDocumentError(
            f"unpacks to more than {MAX_UNPACKED_BYTES >> 20:,} MB; leave it out, or split it"
        )
    return package


def read_member(package: zipfile.ZipFile, name: str | zipfile.ZipInfo, max_bytes: int) -> bytes:
    """Unpack a file of an archive, whose own word about its size is not taken.

    Raises:
        UnreadableDocumentError: It is missing, damaged, encrypted, or unpacks to too much.
    """
    try:
        member = package.getinfo(name) if isinstance(name, str) else name
        # Others may claim gigabytes before the first byte is out.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnreadableDocumentError("is packed in an unusual way; pack it anew")
        with package.open(member) as stream:
            data = stream.read(max_bytes + 1)
    except KeyError as error:
        raise UnreadableDocumentError(f"lacks its part {name}; save it anew") from error
    except RuntimeError as error:
        raise UnreadableDocumentError("is encrypted; unpack it with its password") from error
    except _DAMAGED as error:
        raise UnreadableDocumentError("is damaged in its archive; pack it anew") from error
    if len(data) > max_bytes:
        raise UnreadableDocumentError(
            f"unpacks to more than {max_bytes >> 20:,} MB; leave it out, or split it"
        )
    return data


def check_xml(package: zipfile.ZipFile) -> None:
    """Refuse XML that declares entities, which grow without bounds when they are put in.

    Raises:
        UnreadableDocumentError: A part declares some, or unpacks to too much.
    """
    for member in package.infolist():
        if member.filename.lower().endswith((".xml", ".rels", ".opf", ".ncx")):
            with package.open(member) as stream:
                declarations = stream.read(1 << 16)
            # In UTF-16 every other byte is zero.
            if b"<!ENTITY" in declarations.replace(b"\0", b""):
                raise UnreadableDocumentError(
                    f"{member.filename} in it declares XML entities, which no Office program "
                    "writes; leave it out"
                )
