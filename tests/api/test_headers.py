"""Every answer carries what keeps a browser from more than showing it."""

import pytest

from api.headers import completed


@pytest.mark.parametrize(
    ("path", "kept"),
    [("/cases", False), ("/editions/1", False), ("/", False), ("/assets/desk.css", True),
     ("/docs", True), ("/openapi.json", True)],
)  # fmt: skip
def test_what_may_be_about_somebody_is_not_kept(path: str, kept: bool) -> None:
    headers = dict(completed([], path, "7"))
    assert (b"cache-control" not in headers) is kept
    assert headers[b"cross-origin-resource-policy"] == b"same-origin"
    assert b"geolocation=()" in headers[b"permissions-policy"]


def test_what_an_answer_says_itself_stands() -> None:
    own = [(b"cache-control", b"no-cache"), (b"content-security-policy", b"default-src 'self'")]
    headers = completed(own, "/charts/all.html", "7")
    assert [value for name, value in headers if name == b"cache-control"] == [b"private, no-cache"]
    assert [v for n, v in headers if n == b"content-security-policy"] == [b"default-src 'self'"]


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        (b"http://attacker.invalid/cases?a=b", b"/cases?a=b"),
        (b"https://attacker.invalid//attacker.invalid/x", b"/attacker.invalid/x"),
        (b"http://attacker.invalid/\\attacker.invalid", b"/attacker.invalid"),
        (b"/desk/editions/1", b"/desk/editions/1"),
    ],
)
def test_nobody_is_sent_to_another_place(location: bytes, sent: bytes) -> None:
    assert dict(completed([(b"location", location)], "/x", "7"))[b"location"] == sent
