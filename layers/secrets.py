"""Secrets: each from the environment, or from a file of the data folder that nobody else reads."""

import base64
import binascii
import json
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from layers.errors import SecretUnusable
from layers.folder import claim
from layers.settings import PREFIX, Settings

FOLDER: Final = "secrets"
SIGNING_KEYS: Final = "signing_keys"
KEY_SIZE: Final = 32
SHORTEST: Final = 16
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def secret(settings: Settings, name: str, size: int = 32) -> bytes:
    """Return a secret: from ``LIANXIN_<NAME>``, else from its file, which is made if missing.

    Parameters
    ----------
    settings : Settings
        Says where the data folder is.
    name : str
        In small letters, as ``csrf_key``.
    size : int, default 32
        Bytes of a secret that is made; one that was given has at least 16.

    Raises
    ------
    SecretUnusable
        The text is no base64url, is too short, or others may read or the service cannot write
        its file. No message repeats the secret.
    """
    variable = f"{PREFIX}{name.upper()}"
    given = os.environ.get(variable)
    if given:
        return _decoded(given, variable)
    path = _folder(settings) / name
    if not path.exists():
        with suppress(FileExistsError):
            _write(path, _encoded(secrets.token_bytes(size)), replace=False)
    return _decoded(_read(path), str(path))


@dataclass(frozen=True)
class SigningKey:
    """A key that signs access tokens; ``retired_at`` is when a newer one took its place."""

    kid: str
    text: str
    created_at: datetime
    retired_at: datetime | None = None

    @property
    def bytes(self) -> bytes:
        """The key itself."""
        return _decoded(self.text, f"signing key {self.kid}")


class SigningKeys:
    """The keys of access tokens: the newest signs, and those before it still verify.

    They are the file ``signing_keys``, which every process of the service reads again when it has
    changed; or ``LIANXIN_SIGNING_KEYS``, ``kid:base64url`` separated by commas, the newest first.

    Parameters
    ----------
    settings : Settings
        Says where the data folder is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: tuple[int, int] = (-1, -1)
        self._keys: tuple[SigningKey, ...] = ()

    def newest(self) -> SigningKey:
        """Return the key that signs; the first is made when it is first asked for."""
        return self._current()[0]

    def all(self) -> tuple[SigningKey, ...]:
        """Return all keys, the one that signs first."""
        return self._current()

    def find(self, kid: str) -> SigningKey | None:
        """Return the key of that name, as the file says now: one that was dropped is none."""
        return next((key for key in self._current() if key.kid == kid), None)

    def rotate(self, kept: timedelta, now: datetime | None = None) -> tuple[SigningKey, ...]:
        """Put a new key before the others, and drop those that retired longer ago than ``kept``.

        Returns
        -------
        tuple of SigningKey
            All that there are now, the newest first.

        Raises
        ------
        SecretUnusable
            The keys come from the environment: whoever set them there changes them there.
        """
        if os.environ.get(_variable()):
            raise SecretUnusable(
                f"The signing keys come from {_variable()}. Put a new one first there, "
                "kid:base64url, and take the last away once its tokens have expired."
            )
        now = now or datetime.now(UTC)
        before = [
            key if key.retired_at else SigningKey(key.kid, key.text, key.created_at, now)
            for key in self._current()
        ]
        kept_keys = [key for key in before if key.retired_at and now - key.retired_at <= kept]
        keys = (_new_key(now), *kept_keys)
        _write(self._path, _as_text(keys), replace=True)
        return self._current()

    @property
    def _path(self) -> Path:
        return _folder(self._settings) / SIGNING_KEYS

    def _current(self) -> tuple[SigningKey, ...]:
        given = os.environ.get(_variable())
        if given:
            return _from_variable(given)
        path = self._path
        if not path.exists():
            with suppress(FileExistsError):
                _write(path, _as_text((_new_key(datetime.now(UTC)),)), replace=False)
        state = path.stat()
        seen = state.st_mtime_ns, state.st_ino
        if seen != self._seen:
            self._keys, self._seen = _from_text(_read(path), path), seen
        return self._keys


def _variable() -> str:
    return f"{PREFIX}{SIGNING_KEYS.upper()}"


def _new_key(now: datetime) -> SigningKey:
    return SigningKey(secrets.token_hex(6), _encoded(secrets.token_bytes(KEY_SIZE)), now)


def _from_variable(given: str) -> tuple[SigningKey, ...]:
    keys = []
    for part in given.split(","):
        kid, _, text = part.strip().partition(":")
        _decoded(text, _variable(), KEY_SIZE)
        keys.append(SigningKey(kid, text, datetime.min.replace(tzinfo=UTC)))
    return tuple(keys)


def _from_text(text: str, path: Path) -> tuple[SigningKey, ...]:
    try:
        rows: list[dict[str, Any]] = json.loads(text)
        keys = tuple(
            SigningKey(
                row["kid"], row["text"], datetime.fromisoformat(row["created_at"]),
                row["retired_at"] and datetime.fromisoformat(row["retired_at"]),
            )
            for row in rows
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        keys = ()
    if not keys:
        raise SecretUnusable(
            f"{path} does not hold signing keys. Remove it, and a new one is made; whoever is "
            "signed in by a token then signs in again."
        )
    return keys


def _as_text(keys: tuple[SigningKey, ...]) -> str:
    return json.dumps([asdict(key) for key in keys], default=datetime.isoformat, indent=1)


def _folder(settings: Settings) -> Path:
    folder = settings.data_dir / FOLDER
    try:
        if not folder.is_dir():
            claim(settings.data_dir)
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SecretUnusable(f"{folder} cannot be made: {error.strerror}.") from None
    return folder


def _read(path: Path) -> str:
    try:
        if path.stat().st_mode & _OTHERS:
            raise SecretUnusable(f"Others may read {path}, which is a secret: chmod 600 {path}")
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no plain text"
        raise SecretUnusable(f"{path} cannot be read: {reason}.") from None


def _write(path: Path, text: str, *, replace: bool) -> None:
    """Write a file whole or not at all, for the owner's eyes; FileExistsError if it may not be."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
            (Path(name).replace if replace else Path(path).hardlink_to)(path if replace else name)
        finally:
            Path(name).unlink(missing_ok=True)
    except FileExistsError:
        raise
    except OSError as error:
        raise SecretUnusable(f"{path} cannot be written: {error.strerror}.") from None


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode("ascii").rstrip("=")


def _decoded(text: str, where: str, shortest: int = SHORTEST) -> bytes:
    text = text.strip().rstrip("=")
    try:
        # b64decode leaves strangers out unless told; altchars alone would take + and / too.
        plain = text.replace("-", "+").replace("_", "/") if not set("+/") & set(text) else "?"
        value = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) < shortest:
        raise SecretUnusable(
            f"{where} must be base64url of at least {shortest} bytes. Make one with: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return value
