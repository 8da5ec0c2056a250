# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The key to a server: it leaves in the header of a request and in nothing else."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from urllib import request
from urllib.parse import unquote, urlsplit, urlunsplit

# Shorter ones are the placeholders that local servers are given ("EMPTY", "none"): words that replies may hold.
_MIN_SECRET_LENGTH = 8


@dataclass(frozen=True)
class Credentials:
    """An Authorization header whose content is not shown.

    Attributes:
        header: the header's value; None: there is none.
        secrets: texts that are removed from whatever the server says.

    Example:
        >>> credentials = bearer("sk-0123456789")
        >>> credentials
        Credentials()
        >>> credentials.redact("Incorrect key sk-0123456789.")
        'Incorrect key [secret].'
    """

    header: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def redact(self, text: str) -> str:
        """The text without the secrets, also where they stand in JSON."""
        for secret in self.secrets:
            if len(secret) >= _MIN_SECRET_LENGTH:
                escaped = json.dumps(secret)[1:-1]
                for form in (secret, escaped, escaped.replace("/", r"\/")):
                    text = text.replace(form, "[secret]")
        return text


def bearer(key: str | None) -> Credentials:
    """Credentials from an API key; white space around it is ignored, and an empty one is none.

    Raises:
        ValueError: if the key cannot stand in a header.
    """
    key = (key or "").strip()
    if not key:
        return Credentials()
    if not (key.isascii() and key.isprintable()):
        raise ValueError("Expected argument `api_key` to consist of printable ASCII characters.")
    return Credentials(f"Bearer {key}", (key,))


@dataclass(frozen=True)
class Proxy:
    """A proxy whose address is not shown.

    Attributes:
        url: its address, with user name and password if it needs them; None: there is none.
        credentials: these.
    """

    url: str | None = field(default=None, repr=False)
    credentials: Credentials = Credentials()


def proxy_for(url: str) -> Proxy:
    """The proxy that the environment names for a server.

    Raises:
        ValueError: if that is no http or https URL.
    """
    parts = urlsplit(url)
    found = request.getproxies().get(parts.scheme)
    if not found or request.proxy_bypass(parts.netloc):
        return Proxy()
    return Proxy(found, split_url(f"{parts.scheme}_proxy", found)[1])


def split_url(argument: str, url: str) -> tuple[str, Credentials]:
    """A server's base URL without user name and password, and these as credentials.

    Args:
        argument: what it is called in messages.
        url: the URL.

    Raises:
        ValueError: if it is no http or https URL, or has a query or a fragment. The message does not show it.

    Example:
        >>> split_url("base_url", "http://me:password@localhost:8000/v1/")
        ('http://localhost:8000/v1', Credentials())
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # clients fail on other names with errors of many kinds
    except ValueError:
        parts, host, port = None, None, None
    if parts is None or parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise ValueError(f"Expected `{argument}` to be an http or https URL without query and fragment.")
    host = f"[{host}]" if ":" in host else host
    plain = urlunsplit((parts.scheme, host if port is None else f"{host}:{port}", parts.path.rstrip("/"), "", ""))
    if parts.username is None:
        return plain, Credentials()
    user, password = unquote(parts.username), unquote(parts.password or "")
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return plain, Credentials(f"Basic {token}", (token, password, parts.password or "", user))
