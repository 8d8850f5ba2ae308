"""E-mail messages (.eml): who, when and about what, then what they say."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from corpus.errors import UnreadableDocumentError
from corpus.formats.html import decode_html, extract_html
from corpus.formats.structure import Extracted, TextBuilder
from corpus.text import decode_text

_HEADERS = ("From", "To", "Cc", "Date", "Subject")


def read_mail(data: bytes) -> Extracted:
    """Read the headers that people see, the text, and the names of attachments.

    Raises:
        UnreadableDocumentError: It has none of these headers.
        NoTextError: The text is in no known encoding.
    """
    message = message_from_bytes(data, policy=policy.default)
    found = {name: _header(message, name) for name in _HEADERS}
    headers = [f"{name}: {value}" for name, value in found.items() if value]
    if not headers:
        raise UnreadableDocumentError("is no e-mail message: it has no From, To, Date or Subject")
    builder = TextBuilder()
    builder.add("\n".join(" ".join(line.split()) for line in headers))
    body = message.get_body(("plain", "html"))
    if isinstance(body, EmailMessage):
        if body.get_content_type() == "text/html":
            extract_html(_content(body, html=True), whole=True, builder=builder)
        else:
            for paragraph in _content(body, html=False).replace("\r\n", "\n").split("\n\n"):
                builder.add(paragraph)
    for attachment in message.iter_attachments():
        if name := attachment.get_filename():
            builder.add(f"Attachment: {name}")
    return builder.build(title=found["Subject"])


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message[name] or "")
    # The standard library's parser of addresses trips over some that are cut short.
    except (IndexError, ValueError, AttributeError):
        values = [value for key, value in message.raw_items() if key.lower() == name.lower()]
        return str(values[0])


def _content(part: EmailMessage, *, html: bool) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    charset = part.get_content_charset()
    if charset:
        try:
            return data.decode(charset)
        except (LookupError, UnicodeDecodeError):
            pass
    return decode_html(data) if html else decode_text(data)
