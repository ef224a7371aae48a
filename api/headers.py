"""The headers that keep a browser from doing more with an answer than showing it."""

from collections.abc import Iterable
from typing import Final

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""For every answer that doesn't bring a policy of its own."""

_UNUSED: Final = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture",
    "geolocation", "gyroscope", "hid", "magnetometer", "microphone", "midi", "payment",
    "publickey-credentials-get", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip

SECURITY_HEADERS: Final = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(f"{name}=()" for name in _UNUSED).encode("ascii")),
    (b"x-permitted-cross-domain-policies", b"none"),
)
_UNKEPT: Final = (b"cache-control", b"no-store")
_ASKED_ANEW: Final = (b"cache-control", b"no-cache")
_PRIVATE: Final = (b"cache-control", b"private, no-cache")
"""For one reader's browser, and for no cache between that would answer the next reader."""

_ABOUT_NOBODY: Final = ("/assets/", "/docs", "/openapi.json")
"""What is the same for everyone and may be kept; whatever else says nothing itself is not."""


def completed(
    headers: Iterable[tuple[bytes, bytes]], path: str, request_id: str
) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with those that it lacks for safety, and with its number.

    Examples
    --------
    >>> dict(completed([], "/cases", "7"))[b"cache-control"]
    b'no-store'
    >>> b"cache-control" in dict(completed([], "/assets/desk.css", "7"))
    False
    """
    given = list(headers)
    names = {name for name, _ in given}
    given += [header for header in SECURITY_HEADERS if header[0] not in names]
    if not path.startswith(_ABOUT_NOBODY):
        given = [_PRIVATE if header == _ASKED_ANEW else header for header in given]
        given += [_UNKEPT] * (_UNKEPT[0] not in names)
    if b"location" in names:
        given = [(n, _here(value) if n == b"location" else value) for n, value in given]
    given.append((b"x-request-id", request_id.encode("ascii")))
    return given


def _here(location: bytes) -> bytes:
    """Return where to go as a path of ours, whatever name the request called us by."""
    scheme, mark, rest = location.partition(b"://")
    if not mark or scheme not in (b"http", b"https"):
        return location
    _, slash, path = rest.partition(b"/")
    return slash + path.lstrip(b"/\\")
