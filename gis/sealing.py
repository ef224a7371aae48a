"""Self-contained pages run what we wrote and nothing else: a policy of hashes, inside the page."""

import base64
import hashlib
import re
from collections.abc import Iterable
from typing import Final

POLICY: Final = "lianxin-policy"
"""What stands in a page where its policy will be: ``<meta … content="lianxin-policy">``."""


def sealed(page: str) -> str:
    """Write the policy: these scripts and styles, known by their hashes, and nothing else.

    What people typed must be in an island, in which no ``<`` occurs, so that each element found
    here is one of our own.

    Examples
    --------
    >>> "script-src 'none'" in sealed('<meta content="lianxin-policy"><style>p{}</style>')
    True
    """
    policy = "; ".join([
        "default-src 'none'",
        f"script-src {_hashes(re.findall(r'<script>(.*?)</script>', page, re.DOTALL))}",
        f"style-src {_hashes(re.findall(r'<style>(.*?)</style>', page, re.DOTALL))}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ])  # fmt: skip
    return page.replace(POLICY, policy, 1)


def _hashes(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode("utf-8")).digest() for text in texts)
    encoded = (base64.b64encode(digest).decode("ascii") for digest in digests)
    return " ".join(f"'sha256-{digest}'" for digest in encoded) or "'none'"
