"""What can go wrong that a user can mend.

ObserverError
├── UnreadableDocumentError   a document cannot be read as text
├── IndexFormatError          a saved index is missing, altered or from another version or encoder
├── EncoderError              an embedding model cannot be loaded or is not the expected one
├── ReaderError               a reader's weights are missing, altered or unreadable
├── QuestionFormatError       a question set or an answers file has a malformed row
└── SettingsError             a setting is unknown or out of range

Each message is one line that names the file, the place and the remedy; the command line shows it as
it is, with exit status 2.
"""


class ObserverError(Exception):
    """Base of every error that a user can mend."""


class UnreadableDocumentError(ObserverError):
    """A document that cannot be read as text."""


class IndexFormatError(ObserverError):
    """A saved index that is missing, altered, or from another version or encoder."""


class EncoderError(ObserverError):
    """An embedding model that cannot be loaded or is not the expected one."""


class ReaderError(ObserverError):
    """A reader whose weights are missing, altered or unreadable."""


class QuestionFormatError(ObserverError):
    """A question set or an answers file with a malformed row."""


class SettingsError(ObserverError):
    """A setting that is unknown or out of range."""
