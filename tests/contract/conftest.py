"""The contract is held against the API's own town."""

from tests.api.conftest import clone, shared_client, town

__all__ = ["clone", "shared_client", "town"]
