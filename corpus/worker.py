"""Parsers run in a process of their own, within limits of time and memory.

What a parser is given may have been made to harm it. One worker reads file after file; it is
started again when a file has ended it. `python -m corpus.worker` is that process: it reads a line
of JSON and the bytes of a file, and writes a line of JSON.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from corpus.documents import Mark
from corpus.errors import UnreadableDocumentError
from corpus.formats.kinds import reader_of
from corpus.formats.structure import Extracted
from corpus.text import NoTextError


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading one file may take.

    Attributes:
        max_bytes: The largest file.
        seconds: How long a parser may take.
        memory_bytes: The address space of the parsers' process; it is held to where the operating
            system can, on Linux.
    """

    max_bytes: int = 200 << 20
    seconds: float = 60.0
    memory_bytes: int = 1 << 30


class Worker:
    """A process that parses, started when it is first needed."""

    def __init__(self, limits: ReadLimits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, kind: str, data: bytes) -> Extracted:
        """Parse a file.

        Raises:
            UnreadableDocumentError: It cannot be read, or not within the limits; without its name.
        """
        with self._lock:
            # What earlier files left in its memory may have ended the process.
            is_fresh = self._process is None
            reply = self._ask(kind, data)
            if not is_fresh and reply.get("is_out_of_memory"):
                self._stop()
                reply = self._ask(kind, data)
            if reply.get("is_out_of_memory"):
                self._stop()
        if "error" in reply:
            raise UnreadableDocumentError(reply["error"])
        marks = tuple(Mark(*mark) for mark in reply["marks"])
        return Extracted(reply["text"], marks, reply["title"])

    def close(self) -> None:
        """End the process, if one runs."""
        with self._lock:
            self._stop()

    def _ask(self, kind: str, data: bytes) -> dict[str, Any]:
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(self.limits.seconds, process.kill)
        timer.start()
        try:
            with suppress(OSError):
                process.stdin.write(json.dumps({"kind": kind, "size": len(data)}).encode() + b"\n")
                process.stdin.write(data)
                process.stdin.flush()
            line = process.stdout.readline()
        finally:
            is_late = not timer.is_alive()
            timer.cancel()
        if line.endswith(b"\n"):
            reply: dict[str, Any] = json.loads(line)
            return reply
        self._stop()
        if is_late:
            return {"error": f"takes longer than {self.limits.seconds:g} s to read; split it"}
        return {"error": "ended the program that reads it; it may be damaged, so save it anew"}

    def _start(self) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).parents[1])
        paths = [root, os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "corpus.worker", str(self.limits.memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            # What was not written yet has nobody to read it.
            with suppress(OSError):
                self._process.communicate()
            self._process = None


_default = Worker(ReadLimits())
atexit.register(_default.close)


def read_within_limits(kind: str, data: bytes) -> Extracted:
    """Parse a file in the process that all of this one's files share."""
    return _default.read(kind, data)


def _serve(requests: BinaryIO, replies: BinaryIO) -> None:
    while line := requests.readline():
        request = json.loads(line)
        reply = _reply(request["kind"], requests.read(request["size"]))
        replies.write(json.dumps(reply).encode("ascii") + b"\n")
        replies.flush()


def _reply(kind: str, data: bytes) -> dict[str, Any]:
    try:
        extracted = reader_of(kind)(data)
    except UnreadableDocumentError as error:
        return {"error": str(error)}
    except NoTextError:
        return {"error": "is not text in a known encoding; save it as UTF-8"}
    except MemoryError:
        return {"error": "needs too much memory to read; split it", "is_out_of_memory": True}
    except ModuleNotFoundError as error:
        return {"error": f"needs a missing library; install it with: pip install {error.name}"}
    except RecursionError:
        return {"error": "nests too deeply to be read; flatten it"}
    # Parsers of others raise anything at a file that was damaged or made to harm.
    except Exception as error:  # noqa: BLE001
        what = type(error).__name__
        return {"error": f"is damaged, or no {kind} file ({what}); save it anew"}
    marks = [[mark.start, mark.kind, mark.label, mark.level] for mark in extracted.marks]
    return {"text": extracted.text, "marks": marks, "title": extracted.title}


def _limit_memory(n_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))


if __name__ == "__main__":
    _limit_memory(int(sys.argv[1]))
    # Parsers may print; replies must stay whole.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _serve(sys.stdin.buffer, replies)
