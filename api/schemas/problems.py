"""Refusals, as RFC 9457 says them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, Field


class Fault(BaseModel):
    """One thing wrong with a request."""

    location: str = Field(description="where in the request, such as body.place.datum")
    message: str


class Problem(BaseModel):
    """Why a request was refused."""

    type: str = Field(description="names the kind of refusal; stable")
    title: str
    title_zh: str
    status: int
    detail: str = Field(description="what is wrong here, and what to do")
    errors: list[Fault] | None = Field(default=None, description="each thing wrong, with its place")


_WORDS: Final = {
    400: "The body cannot be read.",
    401: "Nobody is signed in, or the token holds no longer.",
    403: "Whoever is signed in may not do that.",
    404: "There is no such thing.",
    408: "The request took longer than it may.",
    409: "Something changed meanwhile; ask again.",
    413: "The body or the list is too large.",
    415: "The body is of a type that is not taken here.",
    422: "The request is malformed, or says what cannot be.",
    429: "More requests came than may, from this account or address; Retry-After says when.",
    503: "No edition of the boundaries is in force, or the database is away or busy.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how OpenAPI shows that a path may refuse with these statuses."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _WORDS[status], "content": content} for status in statuses}


class Row(NamedTuple):
    """How an error is answered; the message of a ``private`` one stays in the log."""

    status: HTTPStatus
    title: str
    title_zh: str
    private: bool = False


class Refusal(Exception):
    """A refusal that only HTTP knows: too large, of a wrong type, malformed."""

    def __init__(
        self,
        status: HTTPStatus,
        title: str,
        title_zh: str,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.row = Row(status, title, title_zh)
        self.errors = errors
        self.headers = headers


def invalid(detail: str, location: str, message: str) -> Refusal:
    """Return the refusal of a request that is malformed in one place."""
    errors = [{"location": location, "message": message}]
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "Malformed request", "请求有误", detail, errors)
