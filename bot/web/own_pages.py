"""The pages of the index's own PDFs, drawn from the files that they were indexed from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.library import draw_page
from corpus import Document
from corpus.errors import UnreadableDocumentError
from corpus.formats.pdf_page import PageImage, n_pages
from corpus.loaders import file_sha256, is_pdf


class OwnPages:
    """The PDFs among an index's documents that lie where the index was built from.

    Attributes:
        n_pages: How many pages each has, by its id.
    """

    def __init__(self, documents: Mapping[str, Document], sources: Sequence[Path]) -> None:
        """Find them.

        Args:
            documents: Those of the index, by id.
            sources: The files and folders that the index was built from; no other file is opened.
        """
        self._documents = documents
        self._sources = [source.resolve() for source in sources]
        counts = {id_: n_pages(document) for id_, document in documents.items() if document.marks}
        self.n_pages = {id_: n for id_, n in counts.items() if n and self._file(documents[id_])}

    def page(
        self, document_id: str, number: int | None, places: Sequence[tuple[int, int]]
    ) -> PageImage:
        """Draw a page with the words at these offsets marked, as `Library.page` does.

        Raises:
            UnreadableDocumentError: There is no such page to be seen.
        """
        file = self._file(self._documents[document_id]) if document_id in self.n_pages else None
        if file is None:
            raise UnreadableDocumentError(f"{document_id}: has no pages to be seen")
        document = self._documents[document_id]
        if file_sha256(file) != document.sha256:
            raise UnreadableDocumentError(
                f"{document_id}: has changed since it was indexed; run observer index again"
            )
        return draw_page(document, file, number, places)

    def _file(self, document: Document) -> Path | None:
        """Return the PDF itself, links resolved; None where it is none, or lies elsewhere."""
        if document.path is None:
            return None
        file = document.path.resolve()
        is_within = any(file == source or source in file.parents for source in self._sources)
        return file if is_within and is_pdf(file) else None
