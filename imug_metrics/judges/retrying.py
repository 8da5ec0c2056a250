# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which failures of a server are worth another attempt, and how long to wait before it."""

from __future__ import annotations

import math
import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import NamedTuple


class Failure(NamedTuple):
    """Why an attempt had no reply.

    Attributes:
        kind: that of `JudgeError`.
        message: what happened.
        retryable: whether another attempt may do better.
        retry_after: seconds the server asks to wait.
    """

    kind: str
    message: str
    retryable: bool
    retry_after: float | None = None


class Backoff(NamedTuple):
    """Pauses between attempts.

    Attributes:
        base: seconds of the first; each further one is twice as long.
        maximum: seconds of the longest.
    """

    base: float
    maximum: float

    def pause(self, attempt: int, retry_after: float | None = None) -> float:
        """Seconds to wait after the attempt of this number, from 1.

        Half of the pause is random, so that requests that failed together do not come back together. A longer time that
        the server asks for takes its place; `maximum` bounds both.

        Example:
            >>> backoff = Backoff(0.5, 60)
            >>> 0.5 <= backoff.pause(2) <= 1, backoff.pause(1, retry_after=3600)
            (True, 60)
        """
        pause = min(self.maximum, self.base * 2.0 ** min(attempt - 1, 60)) * random.uniform(0.5, 1)
        return pause if retry_after is None else min(self.maximum, max(pause, retry_after))


def failure_of_status(status: int, retry_after: str | None, body: str) -> Failure:
    """What a status other than 200 means.

    Example:
        >>> failure_of_status(429, "7", "slow down")
        Failure(kind='busy', message='429 Too Many Requests: slow down', retryable=True, retry_after=7.0)
        >>> failure_of_status(401, None, "").retryable
        False
    """
    kind = "busy" if status in (408, 409, 429) else "server" if status >= 500 else "refused"
    name = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "unknown status"
    message = f"{status} {name}: {body}" if body else f"{status} {name}"
    return Failure(kind, message, kind != "refused", _seconds(retry_after))


def _seconds(retry_after: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds a number or a date."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            then = parsedate_to_datetime(retry_after)
        except (ValueError, TypeError):
            return None
        seconds = (then.replace(tzinfo=then.tzinfo or timezone.utc) - datetime.now(timezone.utc)).total_seconds()
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
