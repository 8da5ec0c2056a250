# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Weights that libraries fetch from elsewhere: not for longer than a moment where nothing can be fetched."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies

PATIENCE = 5.0
"""Seconds that a host has to answer in."""

_STALLED = 20.0  # seconds without a byte, where a library sets no limit itself
_ABSENT = ("RepositoryNotFoundError", "GatedRepoError", "RevisionNotFoundError", "DisabledRepoError")
_UNREACHED = (
    *("LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectionError", "ConnectError", "URLError", "HTTPError"),
    *("Timeout", "TimeoutError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError", "gaierror"),
)


@contextmanager
def brief_downloads() -> Iterator[None]:
    """Within it, the hub is asked for nothing where it cannot be reached: what is in its cache is used, or is missing.

    The hub's own client asks six times a file, with pauses, before it gives up.
    """
    patience, root, quiet = socket.getdefaulttimeout(), logging.getLogger(), _NoDownloadErrors()
    socket.setdefaulttimeout(_STALLED)
    root.addFilter(quiet)
    try:
        with _offline_if_unreached():
            yield
    finally:
        socket.setdefaulttimeout(patience)
        root.removeFilter(quiet)


def why_not_downloaded(error: BaseException) -> str | None:
    """Why something could not be fetched, in a few words; None where an error is of another kind.

    Example:
        >>> why_not_downloaded(TimeoutError()), why_not_downloaded(KeyError("model"))
        ('the host cannot be reached from here', None)
    """
    kinds = {kind.__name__ for one in _chain(error) for kind in type(one).__mro__}
    status = next((code for one in _chain(error) if isinstance(code := getattr(one, "code", None), int)), 0)
    if not kinds.isdisjoint(_ABSENT) or status in (401, 403, 404):
        return "there is none of this name, or it is not open to all"
    if not kinds.isdisjoint(_UNREACHED):
        return "the host cannot be reached from here"
    return None


@contextmanager
def _offline_if_unreached() -> Iterator[None]:
    try:
        from huggingface_hub import constants
    except ModuleNotFoundError:  # the library that needs it says so
        yield
        return
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not is_reached(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def is_reached(url: str) -> bool:
    """Whether the host of a URL, or the proxy on the way to it, accepts a connection soon; asked once while it does."""
    parts = urlsplit(getproxies().get(urlsplit(url).scheme) or url)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    if parts.hostname is None or not _connects(parts.hostname, port):
        _connects.cache_clear()  # it may be reached the next time
        return False
    return True


@cache
def _connects(host: str, port: int) -> bool:
    found: list[bool] = []

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=PATIENCE).close()
        except OSError:
            return
        found.append(True)

    asking = threading.Thread(target=connect, daemon=True)  # looking up a name knows no limit of time
    asking.start()
    asking.join(PATIENCE)
    return bool(found)


class _NoDownloadErrors(logging.Filter):
    """Leaves out what open_clip logs about a download that it raises an error for as well."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.levelno >= logging.ERROR and record.getMessage().startswith("Failed to download"))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it came from."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
