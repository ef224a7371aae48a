"""Where a request came from, said once, so that the audit can keep it."""

from starlette.types import ASGIApp, Receive, Scope, Send

from layers.origin import Origin, came_from


class Origins:
    """Let everything that a request does have come from its client's address, under its number.

    It stands within the ``Observer``, which gives requests their numbers. Behind a proxy that the
    server trusts the address is the one that the proxy names.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client = scope.get("client")
        address = client[0] if client else "unknown"
        with came_from(Origin(address, scope.get("state", {}).get("request_id"))):
            await self.app(scope, receive, send)
