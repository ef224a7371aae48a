"""``/auth``: tokens for machines."""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request, Response

from api.dependencies import OpenServices, Services, SignedIn, json_answer
from api.schemas.accounts import KioskIn, KioskOut, MeOut, OAuthError, TokensOut
from api.schemas.problems import problems
from layers.actions.sign_in import Credentials, sign_in
from layers.actions.tokens import Grant, give_kiosk, grant_tokens, refresh_tokens, revoke_token
from layers.errors import SignInRefused

router = APIRouter(prefix="/auth", tags=["accounts"])

_NOT_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

_NO_TOKEN: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": OAuthError, "description": "No token is given."}
}
_REVOKED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "It holds no longer.", "content": None}
}

Text = Annotated[str, Form(max_length=4096)]


@router.post(
    "/token",
    response_model=TokensOut,
    responses={**_NO_TOKEN, **problems(422, 429, 503)},
    summary="A token for a password, or for a refresh token · 取得令牌",
)
def token(  # an unsent field is empty  # nosec B107
    request: Request,
    services: OpenServices,
    grant_type: Text = "",
    username: Text = "",
    password: Text = "",
    refresh_token: Text = "",
) -> Response:
    """Give an access token for ten minutes, and a refresh token, which is good once (RFC 6749).

    `grant_type` is `password`, with `username` and `password`, or `refresh_token`. A refresh token
    that is used a second time revokes all that came of it.
    """
    ways: dict[str, Callable[[], Grant]] = {
        "password": lambda: _by_password(services, username, password, address_of(request)),
        "refresh_token": lambda: refresh_tokens(
            services.database, services.identities.keys, refresh_token, datetime.now(UTC)
        ),
    }
    way = ways.get(grant_type)
    if way is None:
        said = f"grant_type must be one of: {', '.join(ways)}."
        return _refusal("unsupported_grant_type" if grant_type else "invalid_request", said)
    try:
        given = way()
    except SignInRefused as error:
        return _refusal("invalid_grant", str(error))
    return json_answer(
        {
            "access_token": given.access_token,
            "token_type": "Bearer",  # the name of a kind  # nosec B105
            "expires_in": given.expires_in_s,
            "refresh_token": given.refresh_token,
        },
        headers=_NOT_KEPT,
    )


@router.post(
    "/revoke",
    status_code=HTTPStatus.OK,
    responses={**_REVOKED, **problems(422, 503)},
    summary="Revoke a token · 注销令牌",
)
def revoke(services: OpenServices, token: Text = "") -> Response:  # nosec B107
    """Revoke a token and all that came of it; of an unknown one the answer is the same (RFC 7009).

    Another process of the service may take it for five seconds more.
    """
    revoke_token(services.database, services.identities.keys, token, datetime.now(UTC))
    services.identities.forget()
    return Response()


@router.get(
    "/me",
    response_model=MeOut,
    responses=problems(401, 503),
    summary="Who sends the request · 我是谁",
)
def me(request: Request, who: SignedIn) -> Response:
    """Say which account a token stands for."""
    return json_answer(
        {
            "account": who.account,
            "role": who.role,
            "area": who.area,
            "majors": who.majors,
            "chart": request.scope["state"].get("chart"),
        },
        headers=_NOT_KEPT,
    )


@router.post(
    "/kiosk",
    response_model=KioskOut,
    status_code=HTTPStatus.CREATED,
    responses=problems(400, 401, 403, 422, 503),
    summary="A token for a wall that shows one chart · 大屏令牌",
)
def kiosk(asked: KioskIn, services: OpenServices, who: SignedIn) -> Response:
    """Give a token by which a wall shows one chart of the account's area, and does nothing else.

    It holds for a year, until it is revoked or the account is disabled.
    """
    given, until = give_kiosk(services.database, who, asked.chart, datetime.now(UTC))
    answer = {"token": given, "chart": asked.chart, "expires_at": until}
    return json_answer(answer, HTTPStatus.CREATED, headers=_NOT_KEPT)


def address_of(request: Request) -> str:
    """Return from where a request comes."""
    return request.client.host if request.client else "unknown"


def _by_password(services: Services, account: str, password: str, address: str) -> Grant:
    now = datetime.now(UTC)
    who = sign_in(services.database, Credentials(account, password, address), now)
    return grant_tokens(services.database, services.identities.keys, who, now)


def _refusal(error: str, description: str) -> Response:
    answer = {"error": error, "error_description": description}
    return json_answer(answer, HTTPStatus.BAD_REQUEST, headers=_NOT_KEPT)
