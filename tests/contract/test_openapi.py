"""Every documented path answers as documented, whatever is sent to it."""

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


OURS = ("/route", "/cases", "/editions", "/livez", "/readyz", "/auth", "/audit", "/residents")
OPERATIONS = [
    ("/route", "GET"),
    ("/route", "POST"),
    ("/cases", "GET"),
    ("/cases", "POST"),
    ("/cases/counts", "GET"),
    ("/cases/{case_id}", "GET"),
    ("/residents", "GET"),
    ("/residents/search", "POST"),
    ("/residents/{resident}", "GET"),
    ("/residents/{resident}/unmask", "POST"),
    ("/residents/{resident}/file", "GET"),
    ("/editions", "GET"),
    ("/editions", "POST"),
    ("/editions/{number}", "GET"),
    ("/editions/{number}", "DELETE"),
    ("/editions/{number}/findings", "GET"),
    ("/editions/{number}/changes", "GET"),
    ("/editions/{number}/grids", "GET"),
    ("/editions/{number}/check", "POST"),
    ("/editions/{number}/publish", "POST"),
    ("/editions/{number}/restore", "POST"),
    ("/audit", "GET"),
    ("/audit/unusual", "GET"),
    ("/livez", "GET"),
    ("/readyz", "GET"),
    ("/auth/token", "POST"),
    ("/auth/revoke", "POST"),
    ("/auth/me", "GET"),
    ("/auth/kiosk", "POST"),
]

BY_OAUTH = {("/auth/token", "400")}
"""Refusals whose form RFC 6749 prescribes."""

WITHOUT_PARAMETERS = [
    ("/editions", "GET"),
    ("/livez", "GET"),
    ("/readyz", "GET"),
    ("/auth/me", "GET"),
]


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [
        (path, method, mode)
        for path, method in OPERATIONS
        for mode in GenerationMode
        # Nothing wrong can be sent to a path without parameters.
        if mode is GenerationMode.POSITIVE or (path, method) not in WITHOUT_PARAMETERS
    ],
)
def test_answers_are_as_documented(
    shared_client: TestClient, path: str, method: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", shared_client.app)
    cases = schema[path][method].as_strategy(generation_mode=mode)

    @given(case=cases)
    @settings(
        max_examples=30,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    send()


def test_every_path_of_ours_is_tried(shared_client: TestClient) -> None:
    paths = shared_client.get("/openapi.json").json()["paths"]
    documented = {
        (path, method.upper())
        for path, operations in paths.items()
        for method in operations
        if path.startswith(OURS)
    }
    assert documented == set(OPERATIONS)


def test_every_path_says_how_it_refuses(shared_client: TestClient) -> None:
    paths = shared_client.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if int(status) < 400 or (path, status) in BY_OAUTH:
                    continue
                assert list(answer["content"]) == ["application/problem+json"], (method, path)


def test_every_reference_leads_somewhere(shared_client: TestClient) -> None:
    text = shared_client.get("/openapi.json").text
    known = shared_client.get("/openapi.json").json()["components"]["schemas"]
    for reference in set(text.split('"#/components/schemas/')[1:]):
        assert reference.split('"')[0] in known
    assert "HTTPValidationError" not in text
