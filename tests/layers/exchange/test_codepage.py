"""Whatever code page a file is in, its names come out right, or we say that they may not."""

from pathlib import Path

import pytest

from layers.errors import FileUnreadable
from layers.exchange.codepage import CodePage, choose, detect, known_codec, of_text_file

NAMES = {
    "gb18030": ["蓝天街道", "兴隆街道白云社区", "准格尔旗薛家湾镇", "A区"],
    "cp950": ["臺北市", "中正區忠孝東路", "高雄市鼓山區"],
    "cp932": ["鳥取市", "吉方温泉一丁目", "カナヤ", "湖山町北"],
    "cp949": ["서울특별시", "부산광역시 해운대구", "종로1가"],
    "cp1252": ["Straße", "Nürnberg", "Größe", "Château-d'Œx"],
    "cp1251": ["Москва, улица Ленина", "Санкт-Петербург", "Новосибирск"],
    "utf-8": ["蓝天街道", "Nürnberg"],
}


@pytest.mark.parametrize("codec", NAMES)
def test_text_is_recognised_as_a_whole(codec: str) -> None:
    assert detect([name.encode(codec) for name in NAMES[codec]]) == codec


@pytest.mark.parametrize(
    ("codec", "name"),
    [(codec, name) for codec, names in NAMES.items() for name in names if codec != "cp1251"],
)
def test_even_one_name_is_recognised(codec: str, name: str) -> None:
    assert name.encode(codec).decode(detect([name.encode(codec)])) == name


@pytest.mark.parametrize(
    ("written", "codec"),
    [
        ("GBK", "gb18030"), ("936", "gb18030"), ("ANSI 936", "gb18030"), ("CP936", "gb18030"),
        ("GB2312", "gb18030"), ("GB18030", "gb18030"), ("UTF-8", "utf-8"), ("utf8", "utf-8"),
        ("65001", "utf-8"), ("Big5", "cp950"), ("950", "cp950"), ("SJIS", "cp932"),
        ("Shift_JIS", "cp932"), ("932", "cp932"), ("EUC-KR", "cp949"), ("949", "cp949"),
        ("1252", "cp1252"), ("windows-1252", "cp1252"), ("ISO 88591", "iso8859-1"),
        ("ISO-8859-1", "iso8859-1"), ("88591", "iso8859-1"), ("OEM 850", "cp850"), ("what", None),
    ],
)  # fmt: skip
def test_code_pages_are_known_by_the_names_that_files_use(written: str, codec: str | None) -> None:
    assert known_codec(written) == codec


def test_a_declaration_that_the_text_contradicts_is_passed_over_and_said() -> None:
    texts = [name.encode("gb18030") for name in NAMES["gb18030"]]
    page, notes = choose(texts, given=None, declared=[CodePage("utf-8", "its .cpg says UTF-8")])
    assert page.codec == "gb18030"
    assert "Passed over utf-8 (its .cpg says UTF-8)" in notes[0]
    assert "--encoding" in notes[1]


def test_a_declaration_that_fits_is_taken_and_said() -> None:
    texts = [name.encode("cp1251") for name in NAMES["cp1251"]]
    page, notes = choose(texts, given=None, declared=[CodePage("cp1251", "its .cpg says 1251")])
    assert page.codec == "cp1251"
    assert notes == ("Text read as cp1251: its .cpg says 1251.",)


def test_an_encoding_given_that_cannot_be_is_refused_with_what_it_looks_like() -> None:
    texts = [name.encode("gb18030") for name in NAMES["gb18030"]]
    with pytest.raises(FileUnreadable, match=r"not in utf-8.*looks like gb18030"):
        choose(texts, given="utf-8")
    with pytest.raises(FileUnreadable, match=r"No code page is called “klingon”"):
        choose(texts, given="klingon")


def test_a_character_cut_by_the_width_of_its_field_is_dropped() -> None:
    page = CodePage("gb18030", "given")
    assert page.decode("蓝天街道".encode("gb18030")[:-1]) == "蓝天街"
    assert "\ufffd" in page.decode(b"\xff\xff\xffabc")


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-8", "gb18030"])
def test_a_text_file_tells_by_its_mark_or_its_bytes(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes("名称\n蓝天街道\n".encode(codec))
    page, _ = of_text_file(path, given=None)
    assert page.codec == codec


def test_one_damaged_line_does_not_make_a_file_something_else(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes("蓝天街道\n".encode() * 99 + b"\xe8\x93\n")
    page, _ = of_text_file(path, given=None)
    assert page.codec == "utf-8"
    assert not page.proven
