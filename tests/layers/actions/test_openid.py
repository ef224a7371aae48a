"""OpenID Connect against an issuer on this machine."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from layers.actions.identify import Identities, identities_of
from layers.actions.openid import ASKED_AGAIN_S, OpenId, Provider, fetch_json
from layers.errors import IssuerUnreachable, SettingsInvalid, SignInRefused
from layers.secrets import SigningKeys
from layers.session import Database
from layers.settings import Settings, load_settings
from layers.viewer import Viewer
from layers.vocabulary import Role
from tests.layers.actions.stored import BAIYUN, BAIYUN_PATH, store_place
from tests.layers.signing_in import NOON

NOW = NOON.timestamp()


class Issuer:
    """Serves its description and its keys, counts what it is asked, and signs."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.new_key("first")
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                answer = json.dumps(issuer.answer(self.path)).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_words: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def new_key(self, kid: str) -> None:
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())

    def answer(self, path: str) -> Any:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        made = jwt.algorithms.ECAlgorithm
        return {
            "keys": [
                made.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "alg": "ES256"}
                for kid, key in self.keys.items()
            ]
        }

    def sign(self, kid: str = "first", **changes: Any) -> str:
        claims = {"iss": self.url, "aud": "lianxin", "sub": "u1", "exp": NOW + 60,
                  "lianxin_role": "community", "lianxin_area": BAIYUN}  # fmt: skip
        claims = {key: value for key, value in (claims | changes).items() if value is not None}
        return jwt.encode(claims, self.keys[kid], "ES256", headers={"kid": kid})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.close()


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def identities(database: Database, tmp_path: Path, issuer: Issuer, ticks: Ticks) -> Identities:
    store_place(database)
    provider = Provider(issuer.url, "lianxin", "lianxin_role", "lianxin_area")
    keys = SigningKeys(Settings(data_dir=tmp_path / "data"))
    openid = OpenId(provider, fetch_json, ticks)
    return Identities(database, keys, lambda: NOW, openid)


def test_claims_are_read_as_role_and_area(identities: Identities, issuer: Issuer) -> None:
    assert issuer.asked == []
    token = issuer.sign()
    assert identities.known(token) is None
    found = identities.ask(token)
    assert found.viewer == Viewer("openid:u1", Role.COMMUNITY, BAIYUN_PATH)
    assert identities.known(token) == found
    everywhere = issuer.sign(lianxin_role="department", lianxin_area="*", majors=["54"])
    assert identities.ask(everywhere).viewer == Viewer("openid:u1", Role.DEPARTMENT, "", ("54",))
    assert len(issuer.asked) == 2  # its description and its keys, once


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"}, {"aud": None}, {"iss": "http://127.0.0.1:1"}, {"exp": NOW},
        {"exp": None},         {"nbf": NOW + 1}, {"lianxin_role": "system"}, {"lianxin_role": None},
        {"lianxin_role": ["community"]}, {"lianxin_area": "150622003999"}, {"lianxin_area": None},
        {"lianxin_area": "*"}, {"lianxin_role": "street"}, {"lianxin_role": "department"},
        {"majors": ["54"]}, {"lianxin_role": "department", "majors": ["54,55"]},
        {"lianxin_area": "a\0"}, {"sub": None},
    ],
)  # fmt: skip
def test_what_does_not_fit_lets_nobody_in(
    identities: Identities, issuer: Issuer, changes: dict[str, Any]
) -> None:
    with pytest.raises(SignInRefused):
        identities.ask(issuer.sign(**changes))


def test_a_new_key_is_fetched_but_not_at_every_made_up_one(
    identities: Identities, issuer: Issuer, ticks: Ticks
) -> None:
    identities.ask(issuer.sign())
    issuer.new_key("second")
    for _ in range(5):
        with pytest.raises(SignInRefused, match="key is none"):
            identities.ask(issuer.sign("second"))
    assert len(issuer.asked) == 2
    ticks.now += ASKED_AGAIN_S + 1
    assert identities.ask(issuer.sign("second")).viewer.account == "openid:u1"
    assert len(issuer.asked) == 4


def test_a_key_of_another_is_none(identities: Identities, issuer: Issuer) -> None:
    good = issuer.sign()
    issuer.keys["first"] = ec.generate_private_key(ec.SECP256R1())
    forged = issuer.sign()
    issuer.keys["first"] = ec.generate_private_key(ec.SECP256R1())
    for token in (forged, good.rpartition(".")[0] + ".", "a.b.c"):
        with pytest.raises(SignInRefused):
            identities.ask(token)


def test_an_issuer_that_is_away_is_said_to_be(
    database: Database, tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.sign()
    settings = Settings(data_dir=tmp_path / "data", oidc_issuer="http://127.0.0.1:9/")
    identities = identities_of(settings, database)
    for _ in range(2):
        with pytest.raises(IssuerUnreachable, match=r"127\.0\.0\.1:9"):
            identities.ask(token)
    with pytest.raises(IssuerUnreachable, match="https://"):
        fetch_json("file:///etc/passwd")
    with pytest.raises(SettingsInvalid, match="must begin with https://"):
        load_settings(oidc_issuer="http://example.org")
