"""Plain text: decoded, and nothing else."""

from corpus.documents import unify_newlines
from corpus.formats.structure import Extracted
from corpus.text import decode_text


def read_plain(data: bytes) -> Extracted:
    """Decode a text.

    Raises:
        NoTextError: The bytes are no text in any known encoding.
    """
    return Extracted(unify_newlines(decode_text(data)))
