"""Files are watched, so that an index can follow them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus.errors import UnreadableDocumentError

_QUIET_MILLISECONDS = 200
_AT_MOST_MILLISECONDS = 2_000
_FIRST_LOOK_MILLISECONDS = 500


def changes(paths: Sequence[Path], ignored: Path) -> Iterator[None]:
    """Yield whenever files changed, once for changes that come close together.

    It yields once soon after it begins, too: for what changed before the watch stood.

    Args:
        paths: Files and folders; a file may be replaced by another of its name.
        ignored: A folder whose changes do not count, the index itself.

    Raises:
        UnreadableDocumentError: The system cannot watch a path.
    """
    from watchfiles import watch

    roots = [os.path.realpath(path) for path in paths]
    home = os.path.realpath(ignored)

    def counts(_change: object, path: str) -> bool:
        return any(_is_within(path, root) for root in roots) and not _is_within(path, home)

    watched = {root if Path(root).is_dir() else str(Path(root).parent) for root in roots}
    has_looked = False
    try:
        for changed in watch(
            *watched,
            watch_filter=counts,
            step=_QUIET_MILLISECONDS,
            debounce=_AT_MOST_MILLISECONDS,
            rust_timeout=_FIRST_LOOK_MILLISECONDS,
            yield_on_timeout=True,
        ):
            if changed or not has_looked:
                has_looked = True
                yield
    except OSError as error:
        raise UnreadableDocumentError(
            f"{', '.join(map(str, paths))}: cannot be watched: {error}; run observer index again "
            "after changes"
        ) from error


def _is_within(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
