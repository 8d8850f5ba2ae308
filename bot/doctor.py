"""What a user would be asked for when something does not work: `observer doctor`."""

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import platformdirs

from bot.opening import calibration_of, check_fitted_for, tuned_calibration
from bot.reader.extractive import PACKAGED, ExtractiveReader
from bot.settings import SETTINGS_FILE, Settings
from corpus.errors import ObserverError
from corpus.loaders import load_documents, shipped_documents
from index.embedding import DEFAULT_ENCODER, SentenceEncoder, packaged_model
from index.folder import MANIFEST, checked_data, read_manifest
from index.passage_index import PassageIndex, stale_documents
from index.query_model import QueryModel, export_failure


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one part.

    Attributes:
        part: What was looked at.
        state: What was found, in a line.
        is_well: Whether it works.
    """

    part: str
    state: str
    is_well: bool = True


def examine(settings: Settings, index_folder: Path | None = None) -> Iterator[Finding]:
    """Look at all that an answer needs. Nothing is downloaded, built or written."""
    encoder = SentenceEncoder(settings.encoder)
    looks: dict[str, Callable[[], str]] = {
        "program": _program,
        "settings": _settings,
        "encoder": partial(_encoder, settings.encoder),
        "questions": partial(_query_model, encoder),
        "reader": partial(_reader, settings, index_folder, encoder),
        "index": partial(_index, index_folder, encoder),
        "cache": _cache,
    }
    for part, look in looks.items():
        try:
            yield Finding(part, look())
        except ObserverError as error:
            yield Finding(part, str(error), is_well=False)


def _program() -> str:
    version = metadata.version("silent-observer")
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    return f"silent-observer {version}, Python {platform.python_version()}, {system}"


def _settings() -> str:
    here = Path(SETTINGS_FILE).absolute()
    return f"{here}" if here.is_file() else f"the defaults; no {SETTINGS_FILE} in {here.parent}"


def _encoder(name: str) -> str:
    if name == DEFAULT_ENCODER:
        return f"{name}, weights whole, in {packaged_model()}"
    kind = "a folder" if Path(name).is_dir() else "a model of the Hugging Face hub"
    return f"{name}, {kind}"


def _query_model(encoder: SentenceEncoder) -> str:
    if QueryModel.load(encoder.query_model_folder):
        return "embedded by ONNX Runtime, without torch"
    if failure := export_failure(encoder.query_model_folder):
        return (
            "embedded by sentence-transformers, some seconds slower to start; "
            f"the encoder cannot be exported ({failure})"
        )
    return "not asked yet; the first one exports the encoder for ONNX Runtime, which takes seconds"


def _reader(settings: Settings, index_folder: Path | None, encoder: SentenceEncoder) -> str:
    tuned = tuned_calibration(index_folder, encoder)
    calibration = calibration_of(settings, tuned)
    reader = ExtractiveReader.load(settings.reader, calibration)
    folder = tuned.parent
    if reader.calibration.index and (folder / MANIFEST).exists():
        index = PassageIndex.load(folder, encoder=encoder)
        check_fitted_for(index, reader, f"{calibration}", folder)
    kind = "weights whole" if settings.reader == PACKAGED else "by transformers"
    threshold = reader.threshold if settings.threshold is None else settings.threshold
    fitted = f", as fitted in {calibration}" if calibration else ""
    return f"{settings.reader}, {kind}, answers from a confidence of {threshold:.2f} on{fitted}"


def _index(folder: Path | None, encoder: SentenceEncoder) -> str:
    if folder is None:
        names = ", ".join(document.id for document in load_documents(shipped_documents()))
        return f"the document that the bot ships with: {names}"
    checked_data(folder, read_manifest(folder), thorough=True)
    index = PassageIndex.load(folder, encoder=encoder)
    if changed := stale_documents(folder, index):
        return changed
    return f"{folder}: {len(index.documents)} documents, {len(index.passages)} passages, up to date"


def _cache() -> str:
    folder = platformdirs.user_cache_path("silent-observer")
    files = [file for file in folder.rglob("*") if file.is_file()]
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(parent, os.W_OK):
        raise ObserverError(
            f"{folder}: cannot be written, so every start takes seconds longer; make it writable"
        )
    return f"{folder}, {megabytes:.0f} MB; may be deleted, it is made again"
