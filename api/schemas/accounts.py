"""Tokens and accounts as the API shows them."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "password": {
        "type": "oauth2",
        "description": "name and password of an account",
        "flows": {
            "password": {"tokenUrl": "/auth/token", "refreshUrl": "/auth/token", "scopes": {}}
        },
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "an access token or a kiosk token",
    },
}
"""How one says who one is; which of them a path asks for is said at the path."""


class TokensOut(BaseModel):
    """What a password or a refresh token is exchanged for (RFC 6749)."""

    access_token: str = Field(description="sent as Authorization: Bearer; it holds ten minutes")
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="seconds")
    refresh_token: str = Field(description="good for new tokens, once")


class OAuthError(BaseModel):
    """Why no token is given (RFC 6749, 5.2)."""

    error: str
    error_description: str


class MeOut(BaseModel):
    """Who sends the request."""

    account: str
    role: str
    area: str = Field(description="path of the area, ended by a slash; empty for everywhere")
    majors: list[str] | None = Field(description="a department's categories; null for all")
    chart: str | None = Field(description="the only chart that a kiosk shows")


class KioskIn(BaseModel):
    """Which chart a wall is to show."""

    chart: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="`all`, or the code of an area or grid",
    )


class KioskOut(BaseModel):
    """A token for a wall; it is shown this once."""

    token: str
    chart: str
    expires_at: datetime
