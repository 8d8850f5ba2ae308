"""What the answers of a run depend on, kept beside the answers file so that none other is mixed in.

ANSWERS.run.json is one JSON object:
  version    of Silent Observer
  questions  SHA-256 of what is asked: ids, questions and which follows which
  index      SHA-256 of the documents, of how they were cut and embedded
  reader     SHA-256 of the weights and of the calibration
  settings   all others, by name
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import ObserverError

if TYPE_CHECKING:
    from bot.pipeline import Bot

# They name files and models, which may be moved; what these hold is compared instead.
_NAMES = frozenset({"encoder", "reader", "calibration"})


def describe(bot: "Bot", questions_sha256: str) -> dict[str, Any]:
    """Describe what the answers of a bot to a question set depend on."""
    from bot.reader.extractive import ExtractiveReader

    index, reader = bot.index, bot.reader
    read_by: list[Any] = [type(reader).__name__]
    if isinstance(reader, ExtractiveReader):
        read_by += [reader.model.fingerprint, asdict(reader.calibration)]
    return {
        "version": metadata.version("silent-observer"),
        "questions": questions_sha256,
        "index": _sha256(
            [
                list(index.contents.sha256s.items()),
                asdict(index.settings),
                index.encoder.fingerprint,
                len(index.passages),
                sorted(bot.documents or ()),
            ]
        ),
        "reader": _sha256(read_by),
        "settings": {
            name: value for name, value in asdict(bot.settings).items() if name not in _NAMES
        },
    }


def beside(answers: Path) -> Path:
    """Return where it is kept what an answers file was begun with."""
    return answers.with_name(f"{answers.name}.run.json")


def write_begun(answers: Path, begun_with: Mapping[str, Any]) -> None:
    """Write down what an answers file is begun with.

    Raises:
        ObserverError: The file cannot be written.
    """
    path = beside(answers)
    partial = path.with_name(f"{path.name}.new")
    try:
        partial.write_text(json.dumps(begun_with, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise ObserverError(
            f"{path}: cannot be written: {error.strerror}; name another answers file"
        ) from error


def check_begun(answers: Path, now: Mapping[str, Any]) -> bool:
    """Check that answers were begun with what they are to be gone on with.

    Args:
        answers: The answers file. One of an earlier version has nothing beside it and passes.
        now: What `describe` returned, or a part of it.

    Returns:
        Whether it is known what the answers were begun with.

    Raises:
        ObserverError: They were begun with something else, or that cannot be read.
    """
    path = beside(answers)
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, RecursionError):
        begun = None
    if not isinstance(begun, dict):
        raise ObserverError(
            f"{path}: cannot be read; start again with --overwrite or name another answers file"
        )
    differing = [_difference(name, begun.get(name), value) for name, value in now.items()]
    if changed := ", ".join(filter(None, differing)):
        raise ObserverError(
            f"{answers}: was begun with other {changed}; go back to those, start again with "
            "--overwrite or name another file"
        )
    return True


def _difference(name: str, begun: object, now: object) -> str:
    if begun == now:
        return ""
    if not isinstance(begun, dict) or not isinstance(now, dict):
        return name
    changed = [
        f"{key} {begun.get(key)}, now {now.get(key)}"
        for key in sorted({*begun, *now})
        if begun.get(key) != now.get(key)
    ]
    return f"{name} ({'; '.join(changed)})"


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
