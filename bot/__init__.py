"""Questions become answers with citations, or an honest silence.

The names below are imported at first use, so that the command line starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.answer import Answer, Citation
    from bot.followup import Turn
    from bot.pipeline import Bot
    from bot.settings import Settings

_HOMES = {
    "Answer": "bot.answer",
    "Bot": "bot.pipeline",
    "Citation": "bot.answer",
    "Settings": "bot.settings",
    "Turn": "bot.followup",
}

__all__ = ["Answer", "Bot", "Citation", "Settings", "Turn"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
