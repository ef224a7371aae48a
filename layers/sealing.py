"""What the database holds without being able to read it: sealed under keys that it doesn't have.

AES-256-GCM with a random nonce, each value bound to its row and field, so that a sealed value
moved to another row opens nowhere. Equal values are found by an HMAC-SHA256 under a second key.
"""

import hashlib
import hmac
import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from layers.errors import KeyMissing, SealBroken
from layers.secrets import FOLDER, secret
from layers.settings import PREFIX, Settings

KEY: Final = "resident_key"
FORMER_KEY: Final = "resident_key_former"
INDEX_KEY: Final = "resident_index_key"
_NONCE: Final = 12


@dataclass(frozen=True)
class Keys:
    """The keys of the residents' register.

    ``sealing`` seals and opens; ``former`` opens what was sealed before the last rotation.
    """

    sealing: bytes
    index: bytes
    former: bytes | None = None

    def __repr__(self) -> str:
        """Return the name alone: keys are written nowhere."""
        return f"Keys({self.id})"

    @property
    def id(self) -> str:
        """Names the sealing key, and tells nothing of it."""
        return key_id(self.sealing)

    @property
    def former_id(self) -> str | None:
        """Names the key before, if it is still there."""
        return None if self.former is None else key_id(self.former)

    def seal(self, value: str, row: UUID, field: str) -> bytes:
        """Return a value sealed for one field of one row.

        Examples
        --------
        >>> keys, row = Keys(bytes(32), bytes(32)), UUID(int=1)
        >>> keys.open(keys.seal("13800000000", row, "phone"), keys.id, row, "phone")
        '13800000000'
        """
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self.sealing).encrypt(nonce, value.encode("utf-8"), _place(row, field))
        return nonce + sealed

    def open(self, sealed: bytes, key: str, row: UUID, field: str) -> str:
        """Return what was sealed for this field of this row, under the key so named.

        Raises
        ------
        KeyMissing
            The key is neither the present nor the former one.
        SealBroken
            The bytes were changed, or come from another row or field.
        """
        cipher = AESGCM(self._named(key))
        try:
            plain = cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _place(row, field))
        except (InvalidTag, ValueError):
            raise SealBroken(
                f"The sealed {field} of resident {row} was changed outside the service, or belongs "
                "to another. Bring the row back from a backup."
            ) from None
        return plain.decode("utf-8")

    def index_of(self, value: str) -> bytes:
        """Return what equal values have in common, and nobody can work out without the key."""
        return hmac.digest(self.index, value.encode("utf-8"), "sha256")

    def _named(self, key: str) -> bytes:
        for each in (self.sealing, self.former):
            if each is not None and key_id(each) == key:
                return each
        raise KeyMissing(
            f"A resident's row is sealed under the key {key}, which this service does not have "
            f"(it has {self.id}). Put that key's base64url in {PREFIX}{FORMER_KEY.upper()} and "
            "run: lianxin keys rotate-residents"
        )


def load_keys(settings: Settings) -> Keys:
    """Return the keys of the residents' register, made where there are none yet.

    Raises
    ------
    SecretUnusable
        A key cannot be read.
    """
    return Keys(
        _cipher_key(secret(settings, KEY)),
        secret(settings, INDEX_KEY),
        _cipher_key(secret(settings, FORMER_KEY)) if _is_there(settings, FORMER_KEY) else None,
    )


def replace_key(settings: Settings) -> Keys:
    """Make a new sealing key; what was the present one is the former one, whose own is gone.

    A key given by the environment is changed there, by whoever gives it: nothing is done here.
    """
    if not os.environ.get(f"{PREFIX}{KEY.upper()}"):
        secret(settings, KEY)
        _file(settings, KEY).replace(_file(settings, FORMER_KEY))
    return load_keys(settings)


def key_id(key: bytes) -> str:
    """Return the name of a key.

    >>> key_id(bytes(32))
    'yB1T0f1O'
    """
    return urlsafe_b64encode(hashlib.sha256(b"lianxin key id" + key).digest()[:6]).decode()


def _is_there(settings: Settings, name: str) -> bool:
    given = os.environ.get(f"{PREFIX}{name.upper()}")
    return bool(given) or _file(settings, name).is_file()


def _file(settings: Settings, name: str) -> Path:
    return settings.data_dir / FOLDER / name


def _cipher_key(given: bytes) -> bytes:
    """Return the 256 bits that a secret of any length stands for."""
    return hmac.digest(given, b"lianxin residents", "sha256")


def _place(row: UUID, field: str) -> bytes:
    return f"residents/{row}/{field}".encode()
