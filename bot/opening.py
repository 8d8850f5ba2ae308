"""The bot that a command asks for: over a saved index, or over the shipped document."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import platformdirs

from bot.following import IndexFollower
from bot.pipeline import Bot
from bot.reader.extractive import ExtractiveReader
from bot.settings import Settings
from corpus.documents import Document
from corpus.errors import IndexFormatError, ReaderError
from corpus.loaders import load_documents, shipped_documents
from index.embedding import Encoder, SentenceEncoder
from index.folder import CALIBRATION, FORMAT_VERSION
from index.passage_index import IndexSettings, PassageIndex


def open_bot(
    index_folder: Path | None = None, *, settings: Settings | None = None, tuned: bool = True
) -> Bot:
    """Open a bot.

    Args:
        index_folder: A saved index. By default the shipped document is used; its index is built at
            first use, into the user's cache folder.
        settings: By default those of `observer.toml` in the working folder, if there is one.
        tuned: Whether to take the calibration that `observer tune` wrote into the index, if the
            settings name none.

    Raises:
        ObserverError: Index, encoder, reader or settings are not usable; the message says why.
    """
    settings = settings or Settings.load()
    encoder = SentenceEncoder(settings.encoder)
    documents = None if index_folder else load_documents(shipped_documents())
    folder = index_folder or _shipped_folder(encoder, documents or [])
    calibration = calibration_of(settings, folder / CALIBRATION if tuned else None)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(_open_reader, settings.reader, calibration)
        newer_index = None
        if documents is None:
            newer_index = IndexFollower(folder, encoder).newer
            index = PassageIndex.load(folder, encoder=encoder)
        else:
            index = _shipped_index(folder, encoder, documents)
        encoder.warm_up()
        reader = future.result()
    check_fitted_for(index, reader, f"{calibration}", folder)
    return Bot(index, reader=reader, settings=settings, newer_index=newer_index)


def check_fitted_for(
    index: PassageIndex, reader: ExtractiveReader, calibration: str, folder: Path
) -> None:
    """Check that a reader's calibration is for any index, or for one that searches like this.

    Raises:
        ReaderError: It is for another; the message names the calibration and the index's folder.
    """
    if reader.calibration.index not in {None, index.fingerprint}:
        raise ReaderError(
            f"{calibration}: was fitted for an index that searches otherwise than {folder}; run "
            "observer tune again, or delete the file"
        )


def calibration_of(settings: Settings, tuned: Path | None) -> Path | None:
    """Return the calibration that settings name, or the tuned one if it is there; None for neither.

    Args:
        settings: The settings.
        tuned: Where `observer tune` would have put one.
    """
    if settings.calibration:
        return Path(settings.calibration)
    return tuned if tuned and tuned.exists() else None


def tuned_calibration(index_folder: Path | None, encoder: Encoder) -> Path:
    """Return the file in which commands look for a calibration of this index."""
    folder = index_folder or _shipped_folder(encoder, load_documents(shipped_documents()))
    return folder / CALIBRATION


def _open_reader(name: str, calibration: Path | None) -> ExtractiveReader:
    reader = ExtractiveReader.load(name, calibration)
    reader.model.warm_up()
    return reader


def _shipped_folder(encoder: Encoder, documents: Sequence[Document]) -> Path:
    key = json.dumps(
        [
            FORMAT_VERSION,
            metadata.version("silent-observer"),
            encoder.fingerprint,
            asdict(IndexSettings()),
            [document.sha256 for document in documents],
        ]
    )
    name = f"shipped-{hashlib.sha256(key.encode()).hexdigest()[:16]}.index"
    return platformdirs.user_cache_path("silent-observer") / name


def _shipped_index(folder: Path, encoder: Encoder, documents: Sequence[Document]) -> PassageIndex:
    if folder.exists():
        try:
            return PassageIndex.load(folder, encoder=encoder)
        except IndexFormatError:
            # A damaged cache holds nothing that cannot be built again.
            pass
    index = PassageIndex.build(documents, encoder=encoder)
    index.save(folder, sources=[shipped_documents()])
    return index
