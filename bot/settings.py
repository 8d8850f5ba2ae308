"""Settings: the defaults, what `observer.toml` changes, and what the command line changes."""

import difflib
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from corpus.errors import SettingsError
from index.embedding import DEFAULT_ENCODER

SETTINGS_FILE = "observer.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may set, in `observer.toml` or by a flag of the same name.

    Attributes:
        encoder: The embedding model: the packaged one, a folder, or a name on the Hugging Face hub.
        reader: What finds the answers: "packaged", or a transformers model for question answering,
            a folder or a name on the hub.
        calibration: A file that `observer tune` wrote for that reader; None for the packaged one.
        n_passages: How many passages are retrieved, reported and read for an answer.
        read_whole: Up to how many passages a document is read whole, whatever was retrieved.
        threshold: The confidence in [0, 1] from which on an answer is given; None for the reader's.
    """

    encoder: str = DEFAULT_ENCODER
    reader: str = "packaged"
    calibration: str | None = None
    n_passages: int = 10
    read_whole: int = 60
    threshold: float | None = None

    def __post_init__(self) -> None:
        for name in ("encoder", "reader"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise SettingsError(f"{name} must be a model's name or folder, got {value!r}")
        if self.calibration is not None and not isinstance(self.calibration, str):
            raise SettingsError(f"calibration must be a file, got {self.calibration!r}")
        for name, least in (("n_passages", 1), ("read_whole", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise SettingsError(
                    f"{name} must be a whole number of at least {least}, got {value!r}"
                )
        if self.threshold is not None and not (
            type(self.threshold) in {int, float} and 0 <= self.threshold <= 1
        ):
            raise SettingsError(f"threshold must be between 0 and 1, got {self.threshold!r}")

    @classmethod
    def load(cls, file: Path = Path(SETTINGS_FILE), **flags: Any) -> Self:
        """Read settings.

        Args:
            file: A TOML file; a missing one changes nothing.
            **flags: Settings that overrule the file; None leaves a setting as it is.

        Raises:
            SettingsError: The file is no TOML, or a setting is unknown or out of range.
        """
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        except (OSError, ValueError) as error:
            raise SettingsError(f"{file}: is no valid TOML: {error}") from error
        known = [field.name for field in fields(cls)]
        for name in table:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
                raise SettingsError(f"{file}: unknown setting {name!r}; {hint}")
        try:
            settings = cls(**table)
        except SettingsError as error:
            raise SettingsError(f"{file}: {error}") from error
        return replace(settings, **{name: flag for name, flag in flags.items() if flag is not None})
