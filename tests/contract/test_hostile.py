"""Whatever a stranger sends is answered in words: no 500, nothing leaks, nothing hangs.

Generated from the OpenAPI, so that a new parameter is tried without anybody thinking of it.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import INSIDE, a_report, serve_with
from tests.contract import hostile
from tests.contract.hostile import features, zipped

EXAMPLES = {"lon": "111.205", "lat": "39.805", "datum": "cgcs2000", "file": "g.geojson",
            "number": "1", "case_id": "1", "name": "all"}  # fmt: skip


@pytest.fixture(scope="module")
def service(clone: Callable[[str], str], town: str) -> Iterator[TestClient]:
    """A town of this module's own: some of what is sent is stored."""
    with serve_with(clone(town)) as client:
        client.get("/livez")
        yield client


def check(answer: Any, sent: str = "") -> None:
    """What is true of every answer."""
    assert answer.status_code < 500 or answer.status_code == 503, (sent, answer.text[:300])
    assert "x-request-id" in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers
    text = answer.text if len(answer.content) < 2_000_000 else answer.text[:2_000_000]
    if answer.status_code >= 400:
        assert len(text) < 20_000, (sent, "the refusal repeats what was sent")
        leaked = [leak for leak in hostile.LEAKS if leak in text and leak not in unquote(sent)]
        assert not leaked, (sent, leaked, text[:300])
    if "html" in answer.headers.get("content-type", ""):
        assert "<script>alert(1)" not in text
        assert "<img src=x" not in text
        assert hostile.TEMPLATE_RUN not in text


def operations(client: TestClient) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each path, method and description."""
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def address(path: str, operation: dict[str, Any], **changed: str) -> str:
    """The path with its parameters filled in, percent-encoded."""
    query = []
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        value = changed.get(name, EXAMPLES.get(name))
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        elif parameter["in"] == "query" and (name in changed or parameter.get("required")):
            query.append(f"{name}={quote(str(value), safe='')}")
    return f"{path}?{'&'.join(query)}"


BODIES = {"/cases": a_report(), "/route": [INSIDE]}


def body_of(path: str, method: str) -> dict[str, Any]:
    """A body with which an operation goes on to look at its parameters."""
    if method != "POST":
        return {}
    if path == "/editions":
        return {"content": features(hostile.ring(5))}
    return {"json": BODIES[path]} if path in BODIES else {}


PAGES = {"markup", "attribute", "template", "nul", "long", "numbers"}
"""What a page might take for more than words; for the rest the answers to programs will do."""


@pytest.mark.parametrize("kind", [*hostile.TEXTS, "numbers"])
def test_every_parameter_is_only_a_value(service: TestClient, kind: str) -> None:
    values = hostile.NUMBERS if kind == "numbers" else (hostile.TEXTS[kind],)
    tried = 0
    for path, method, operation in operations(service):
        if method == "DELETE":
            continue
        for parameter in operation.get("parameters", ()):
            if parameter["in"] not in ("path", "query"):
                continue
            for value in values:
                url = address(path, operation, **{parameter["name"]: value})
                as_page = method == "GET" and kind in PAGES
                for accept in ("application/json", "text/html")[: 1 + as_page]:
                    answer = service.request(
                        method, url, headers={"Accept": accept}, **body_of(path, method)
                    )
                    check(answer, f"{method} {url}")
                    tried += 1
    assert tried > 50
    still = service.get("/cases")
    assert still.status_code == 200, still.text  # the table is still there


def test_parameters_that_nobody_knows_come_to_nothing(service: TestClient) -> None:
    for path, method, operation in operations(service):
        if method == "GET":
            url = address(path, operation)
            for more in (
                "__proto__[x]=1",
                "lon[]=1",
                "=",
                "&&&",
                "a" * 9000,
                "%ff=%fe",
                "lon=1&lon=2",
            ):
                check(service.get(f"{url}&{more}"), f"{url}&{more}")


@pytest.mark.parametrize("name", hostile.NAMES)
def test_no_name_leads_out_of_its_folder(service: TestClient, name: str) -> None:
    for before, after in [
        ("/assets/", ""), ("/assets/leaflet/", ""), ("/charts/", ".html"), ("/charts/", ""),
        ("/cases/", ""), ("/editions/", ""), ("/desk/editions/", ""), ("/", ""), ("/docs/", ""),
    ]:  # fmt: skip
        answer = raw_path(service, before + name + after)
        check(answer, before + name + after)
        assert not answer.headers.get("location", "/").startswith(("//", "http"))
        assert b"root:" not in answer.content


def raw_path(client: TestClient, path: str) -> Any:
    """Ask for a path exactly as it is written: a client would tidy it up."""
    url = httpx.URL("http://testserver").copy_with(raw_path=path.encode())
    return client.send(httpx.Request("GET", url), follow_redirects=False)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value in a JSON document, the document itself included."""
    yield path
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, each in inside:
        yield from leaves(each, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = json.loads(json.dumps(value))
    where = copy
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = new
    return copy


@pytest.mark.parametrize("number", range(len(hostile.VALUES)))
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/cases", a_report(occurred_at="2026-05-01T08:30:00+08:00")),
        ("/route", [INSIDE]),
        ("/route", {"type": "FeatureCollection", "features": [
            {"type": "Feature", "properties": {"a": 1}, "geometry":
             {"type": "Point", "coordinates": [111.2, 39.8]}}]}),
        ("/editions/1/publish", {"dry_run": True, "reason": "x"}),
    ],
    ids=["report", "points", "geojson", "publish"],
)  # fmt: skip
def test_every_value_of_a_body_is_only_a_value(
    service: TestClient, path: str, body: Any, number: int
) -> None:
    value = hostile.VALUES[number]
    for place in leaves(body):
        sent = json.dumps(replaced(body, place, value)).encode()
        answer = service.post(
            f"{path}?datum=wgs84" if path == "/route" else path,
            content=sent,
            headers={"Content-Type": "application/json"},
        )
        check(answer, f"{path} {place} {str(value)[:80]!r}")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\x00", b"{", b"nul", b"NaN", b'{"lon":NaN}', b'{"lon":1e999}', b'"\xff"',
        b'"\\ud800"',
        b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"[1,]", b"{}" * 1000, b'{"a":1,"a":2}',
        hostile.nested_json(900), hostile.nested_json(100_000), hostile.nested_objects(900),
        hostile.nested_objects(100_000), b"9" * 100_000, b"[" + b"1e999," * 1000 + b"1]",
        b"-" * 100_000, b"\x1f\x8b" + bytes(100),
    ],
    ids=lambda body: f"{body[:12]!r}-{len(body)}",
)  # fmt: skip
@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/geo+json", "application/x-ndjson", "text/csv",
     "application/vnd.apache.arrow.stream", "multipart/form-data; boundary=x",
     "application/x-www-form-urlencoded", "text/xml", "x" * 300, ""],
)  # fmt: skip
def test_a_body_that_is_none_is_refused_in_words(
    service: TestClient, body: bytes, kind: str
) -> None:
    for path in ("/cases", "/route?datum=wgs84", "/editions?file=g.geojson", "/editions/1/publish",
                 "/desk/editions"):  # fmt: skip
        check(service.post(path, content=body, headers={"Content-Type": kind}), path)


def coordinates(*numbers: float) -> dict[str, Any]:
    a, b = numbers
    return {"type": "Polygon", "coordinates": [[[a, b], [b, b], [b, a], [a, a], [a, b]]]}


def shapefile(stem: str) -> bytes:
    """A zip of a shapefile without rows, under a name of one's choice."""
    header = b"\x00\x00\x27\x0a" + bytes(200)
    return zipped({f"{stem}.{ending}": header for ending in ("shp", "shx", "dbf")})


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a million corners": ("g.geojson", lambda: features(hostile.ring(1_000_001))),
    "400,000 corners": ("g.geojson", lambda: features(hostile.ring(400_001))),
    "a star of 2,001": ("g.geojson", lambda: features(hostile.star(2_001))),
    "a star of 100,001": ("g.geojson", lambda: features(hostile.star(100_001))),
    "20,000 equal holes": ("g.geojson", lambda: features(hostile.comb(20_000))),
    "10,000 collections deep": ("g.geojson", lambda: hostile.nested_collection(10_000)),
    "coordinates of 1e308": ("g.geojson", lambda: features(coordinates(-1e308, 1e308))),
    "coordinates of 1e-320": ("g.geojson", lambda: features(coordinates(0, 1e-320))),
    "coordinates that are none": ("g.geojson", lambda: features(coordinates(float("nan"), 1.0))),
    "coordinates of 1e999": (
        "g.geojson",
        lambda: features(coordinates(111.0, 39.5)).replace(b"111.0", b"1e999"),
    ),
    "a ring of one point": (
        "g.geojson",
        lambda: features({"type": "Polygon", "coordinates": [[[111.2, 39.8]] * 4]}),
    ),
    "empty geometries": (
        "g.geojson",
        lambda: features({"type": "Polygon", "coordinates": []}, None),
    ),
    "markup and formulas": (
        "g.geojson",
        lambda: features(hostile.ring(9), name=hostile.MARKUP, grid_code=hostile.FORMULA),
    ),
    "nul": ("g.geojson", lambda: features(hostile.ring(9), name="a\x00b")),
    "deep json": ("g.geojson", lambda: hostile.nested_json(1_000_000)),
    "deep properties": (
        "g.geojson",
        lambda: features(hostile.ring(9), name=0).replace(
            b'"name": 0', b'"name": ' + hostile.nested_json(100_000)
        ),
    ),
    "xml bomb as geojson": ("g.geojson", lambda: hostile.XML_BOMB),
    "xml bomb as kml": ("g.kml", lambda: hostile.XML_BOMB),
    "xml bomb as gml": ("g.gml", lambda: hostile.XML_BOMB),
    "xml entity": ("g.geojson", lambda: hostile.XML_ENTITY),
    "vrt": ("g.geojson", lambda: hostile.VRT),
    "vrt as a geopackage": ("g.gpkg", lambda: hostile.VRT),
    "half a geopackage": ("g.gpkg", lambda: b"SQLite format 3\x00" + bytes(5000)),
    "half a flatgeobuf": ("g.fgb", lambda: b"fgb\x03fgb\x00" + b"\xff" * 5000),
    "half a parquet": ("g.parquet", lambda: b"PAR1" + b"\xff" * 5000 + b"PAR1"),
    "zip bomb": ("g.zip", lambda: hostile.zip_bomb(1024**3 + 1024**2)),
    "lying zip": ("g.zip", lambda: hostile.lying_zip(64 * 1024**2)),
    "zip that climbs": ("g.zip", lambda: shapefile("../../../../tmp/lianxin-climbed")),
    "zip with an absolute name": ("g.zip", lambda: shapefile("/tmp/lianxin-climbed")),  # noqa: S108
    "zip of a zip": ("g.zip", lambda: zipped({"a.zip": zipped({"b.shp": b""})})),
    "zip of 20,000 members": (
        "g.zip",
        lambda: zipped({f"{n}.shp": b"\x00\x00\x27\x0a" for n in range(20_000)}),
    ),
    "no zip": ("g.zip", lambda: b"PK\x03\x04" + b"\xff" * 1000),
    "name that climbs": (
        "../../../../tmp/lianxin-climbed.geojson",
        lambda: features(hostile.ring(9)),
    ),
    "name for gdal": (
        "/vsizip/vsicurl/http://127.0.0.1:9/x.geojson",
        lambda: features(hostile.ring(9)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FILES)
def test_a_file_is_only_a_file(service: TestClient, what: str) -> None:
    name, made = FILES[what]
    content = made()
    answer = service.post(
        "/editions", params={"file": name, "datum": "cgcs2000", "codes": "free"}, content=content
    )
    check(answer, what)
    assert "root:" not in answer.text
    if answer.status_code < 300:
        sheet = service.get(f"/desk/editions/{answer.json()['id']}")
        check(sheet, what)
    form = service.post(
        "/desk/editions",
        files={"file": (name, content)},
        data={"datum": "cgcs2000"},
        follow_redirects=False,
    )
    check(form, what)


@pytest.mark.parametrize("kind", hostile.TEXTS)
def test_every_field_of_a_form_is_only_a_value(service: TestClient, kind: str) -> None:
    text = hostile.TEXTS[kind]
    file = {"file": ("g.geojson", features(hostile.ring(5)))}
    for field in ("code", "name", "datum", "codes"):
        check(service.post("/desk/editions", files=file, data={field: text}), f"{field} {text}")
    for field in ("sure", "reason", "against"):
        data = {"sure": "yes", "against": "77", field: text}
        check(service.post("/desk/editions/1/publish", data=data), f"{field} {text}")
    for field in ("lon", "lat", "datum", "case", "lang"):
        asked = {"lon": "111.2", "lat": "39.8", "datum": "wgs84", field: text}
        for page in ("/", "/find", "/charts", "/desk/editions"):
            check(service.get(page, params=asked, headers={"Accept": "text/html"}), text)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.invalid"},
        {"Host": "attacker.invalid:80@127.0.0.1"},
        {"Host": ""},
        {"X-Forwarded-Host": "attacker.invalid", "X-Forwarded-Proto": "https"},
        {"X-Forwarded-For": "127.0.0.1, ' OR 1=1 --"},
        {"X-Forwarded-Prefix": "/../..", "X-Script-Name": "//attacker.invalid"},
        {"Forwarded": "for=127.0.0.1;host=attacker.invalid;proto=https"},
        {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"},
        {"X-Original-URL": "/metrics", "X-Rewrite-URL": "/metrics"},
        {"Origin": "https://attacker.invalid", "Access-Control-Request-Method": "DELETE"},
        {"Accept": "text/html;q=NaN, */*;q=1e999, " + "a/b," * 1000},
        {"Accept-Language": "zh;q=NaN, en;q=1e999, " + "-" * 1000},
        {"If-None-Match": '"' + "x" * 5000},
        {"If-Modified-Since": "Sat, 99 Foo 99999 25:61:61 GMT"},
        {"Range": "bytes=" + ",".join(f"{n}-" for n in range(1000))},
        {"Range": "bytes=-999999999999999999999"},
        {"Cookie": "a=b; " * 2000 + "=;;;;"},
        {"Authorization": "Bearer " + "." * 5000},
        {"Authorization": "Basic \xff"},
        {"Idempotency-Key": "x" * 5000},
        {"Content-Type": "multipart/form-data"},
        {"Content-Length": "-1"},
        {"Expect": "100-continue"},
        {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings"},
        {"X-Request-Id": "a\tb<script>"},
    ],
    ids="-".join,
)
def test_no_header_changes_what_is_served(service: TestClient, headers: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in ("/editions/1", "/cases", "/charts", "/charts/all.html", "/assets/desk.css",
                 "/cases/", "/charts/", "/desk/editions/", "/docs"):  # fmt: skip
        answer = service.get(path, headers=raw, follow_redirects=False)
        check(answer, f"{path} {headers}")
        assert "attacker.invalid" not in answer.text
        assert "attacker.invalid" not in answer.headers.get("location", "")
        assert not any(name.startswith("access-control-") for name in answer.headers)
    for path in ("/editions/1", "/route"):
        check(service.request("OPTIONS", path, headers=raw), path)
        check(service.request("TRACE", path, headers=raw), path)
    assert service.get("/editions/1").status_code == 200
