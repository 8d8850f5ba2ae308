"""The bot that a command asks for: over a saved index, or over the shipped document."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import platformdirs

from bot.following import IndexFollower
from bot.pipeline import Bot
from bot.reader.extractive import ExtractiveReader
from bot.settings import Settings
from corpus.errors import IndexFormatError
from corpus.loaders import load_documents, shipped_documents
from index.embedding import Encoder, SentenceEncoder
from index.folder import FORMAT_VERSION
from index.passage_index import IndexSettings, PassageIndex


def open_bot(index_folder: Path | None = None, *, settings: Settings | None = None) -> Bot:
    """Open a bot.

    Args:
        index_folder: A saved index. By default the shipped document is used; its index is built at
            first use, into the user's cache folder.
        settings: By default those of `observer.toml` in the working folder, if there is one.

    Raises:
        ObserverError: Index, encoder, reader or settings are not usable; the message says why.
    """
    settings = settings or Settings.load()
    encoder = SentenceEncoder(settings.encoder)
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(_open_reader, settings)
        newer_index = None
        if index_folder is None:
            index = _shipped_index(encoder)
        else:
            newer_index = IndexFollower(index_folder, encoder).newer
            index = PassageIndex.load(index_folder, encoder=encoder)
        encoder.warm_up()
        return Bot(index, reader=reader.result(), settings=settings, newer_index=newer_index)


def _open_reader(settings: Settings) -> ExtractiveReader:
    calibration = Path(settings.calibration) if settings.calibration else None
    reader = ExtractiveReader.load(settings.reader, calibration)
    reader.model.warm_up()
    return reader


def _shipped_index(encoder: Encoder) -> PassageIndex:
    documents = load_documents(shipped_documents())
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
    folder = platformdirs.user_cache_path("silent-observer") / name
    if folder.exists():
        try:
            return PassageIndex.load(folder, encoder=encoder)
        except IndexFormatError:
            # A damaged cache holds nothing that cannot be built again.
            pass
    index = PassageIndex.build(documents, encoder=encoder)
    index.save(folder, sources=[shipped_documents()])
    return index
