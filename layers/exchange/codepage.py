"""In which code page a file's text is: as declared, or found from the text itself."""

import codecs
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from charset_normalizer import from_bytes

from layers.errors import FileUnreadable

# The language-driver byte of a DBF (offset 29). 0x57 says only "the writer's own code page", so
# it declares nothing.
LANGUAGE_DRIVERS: Final = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x08: "cp865", 0x0A: "cp850", 0x13: "cp932",
    0x26: "cp866", 0x4D: "gb18030", 0x4E: "cp949", 0x4F: "cp950", 0x50: "cp874", 0x58: "cp1252",
    0x59: "cp1252", 0x64: "cp852", 0x65: "cp866", 0x66: "cp865", 0x78: "cp950", 0x79: "cp949",
    0x7A: "gb18030", 0x7B: "cp932", 0x7C: "cp874", 0x7D: "cp1255", 0x7E: "cp1256",
    0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253", 0xCC: "cp1257",
}  # fmt: skip

# Names that files use and Python does not know, or knows too narrowly (GB 18030 ⊇ GBK ⊇ GB 2312).
_ALIASES: Final = {
    "936": "gb18030", "cp936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030",
    "euc-cn": "gb18030", "950": "cp950", "big5": "cp950", "932": "cp932", "949": "cp949",
    "sjis": "cp932", "shift-jis": "cp932", "euc-kr": "cp949", "ks-c-5601": "cp949",
    "88591": "iso8859-1", "iso 88591": "iso8859-1", "iso88591": "iso8859-1",
    "65001": "utf-8", "utf8": "utf-8",
}  # fmt: skip

# Left to charset-normalizer where no code page above fits; without this list it proposes
# mainframe and Macintosh pages for short texts.
_OTHER_CODECS: Final = ("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1256", "cp1257",
                        "cp866", "koi8_r", "cp874", "cp850")  # fmt: skip

_SAMPLED_RECORDS: Final = 5000
_SAMPLED_BYTES: Final = 400_000
_FIT: Final = 0.6
# One damaged line does not make a UTF-8 file anything else: no other page looks like it.
_UNDECODABLE_UTF8: Final = 0.02
_UNDECODABLE_WHEN_DECLARED: Final = 0.1
_UNDECODABLE_WHEN_GIVEN: Final = 0.5

_TOPONYMS_ZH: Final = frozenset(
    "的一区市县街道社村镇乡路号小大中东西南北旗苏木嘎查楼栋园新城山河家"
)
_TOPONYMS_KO: Final = frozenset("시군구읍면동리로길도서부산대광주남북중신성평안천원")


@dataclass(frozen=True)
class CodePage:
    """A code page by its Python name, and how it was found."""

    codec: str
    how: str
    proven: bool = False
    """Whether all of the text was decoded in it without an error."""

    def decode(self, text: bytes) -> str:
        """Decode one value; a character that a fixed-width field cut in half is dropped."""
        try:
            return codecs.getincrementaldecoder(self.codec)().decode(text)
        except UnicodeDecodeError:
            return text.decode(self.codec, errors="replace")


def known_codec(name: str) -> str | None:
    """Return Python's name of a code page as files and people write it, or None."""
    plain = name.strip().lower().replace("_", "-")
    plain = re.sub(r"^(ansi|oem|windows|ms|x)[ -]+", "", plain)
    plain = _ALIASES.get(plain, plain)
    for candidate in (plain, f"cp{plain}", plain.replace(" ", "")):
        try:
            found = codecs.lookup(candidate).name
        except LookupError:
            continue
        return _ALIASES.get(found, found)
    return None


def given_codec(name: str) -> str:
    """Return Python's name of the code page that somebody asked for; an error if there is none."""
    codec = known_codec(name)
    if codec is None:
        raise FileUnreadable(
            f"No code page is called “{name}”. "
            "Examples: utf-8, gb18030, big5, cp932, euc-kr, cp1252."
        )
    return codec


def of_dbf(dbf: Path, *, given: str | None) -> tuple[CodePage, tuple[str, ...]]:
    """Find the code page of a shapefile's attributes, and what there is to say about it."""
    if not dbf.is_file():
        return CodePage("utf-8", "no attributes"), ()
    texts, driver = _sample_dbf(dbf)
    declared = _declared(dbf, driver)
    return choose(texts, given=given, declared=declared)


def choose(
    texts: Sequence[bytes], *, given: str | None, declared: Sequence[CodePage] = ()
) -> tuple[CodePage, tuple[str, ...]]:
    """Take the code page given, else the first declared one that the text bears out, else detect.

    A declaration is often copied along with a file that was saved anew: one that the text
    contradicts is passed over, and a note says so.
    """
    texts = [text for text in texts if not text.isascii()]
    if given is not None:
        codec = given_codec(given)
        if _undecodable(texts, codec) > _UNDECODABLE_WHEN_GIVEN:
            raise FileUnreadable(
                f"The text is not in {codec}, which --encoding asks for; it looks like "
                f"{detect(texts)}. Leave --encoding out, or name the right one."
            )
        return CodePage(codec, "as given by --encoding"), ()
    if not texts:
        return CodePage("utf-8", "the text is plain ASCII"), ()
    notes: list[str] = []
    for page in declared:
        if _undecodable(texts, page.codec) <= _UNDECODABLE_WHEN_DECLARED:
            return page, (f"Text read as {page.codec}: {page.how}.",)
        notes.append(f"Passed over {page.codec} ({page.how}): the text is not in it.")
    page = CodePage(detect(texts), "found from the text itself")
    hint = "" if page.codec == "utf-8" else "; if names look wrong, give --encoding"
    return page, (*notes, f"Text read as {page.codec}: {page.how}{hint}.")


def detect(texts: Sequence[bytes]) -> str:
    """Return the code page in which the texts make most sense; UTF-8 if they are valid in it."""
    texts = [text for text in texts if not text.isascii()]
    if _undecodable(texts, "utf-8") <= _UNDECODABLE_UTF8:
        return "utf-8"
    scores = {
        "gb18030": _score(texts, "gb18030", _common_gb),
        "cp950": _score(texts, "cp950", _common_big5),
        "cp932": _score(texts, "cp932", _common_japanese),
        "cp949": _score(texts, "cp949", _common_korean),
        "cp1252": _score_western(texts),
    }
    # The common hangul of KS X 1001 lie where GB 2312 has half of its common characters: where
    # everything is hangul, the usual words of addresses decide.
    if scores["cp949"] >= max(0.95, scores["gb18030"] - 0.02):
        korean = _share(texts, "cp949", _TOPONYMS_KO)
        if korean > _share(texts, "gb18030", _TOPONYMS_ZH):
            return "cp949"
        scores["cp949"] = 0.0
    best = max(scores, key=scores.__getitem__)
    if scores[best] >= _FIT:
        return best
    sample = b"\n".join(texts)[:_SAMPLED_BYTES]
    match = from_bytes(sample, cp_isolation=list(_OTHER_CODECS)).best()
    return (match and known_codec(match.encoding)) or "cp1252"


def of_text_file(path: Path, *, given: str | None) -> tuple[CodePage, tuple[str, ...]]:
    """Find the code page of a text file from its byte-order mark, or from all of its bytes."""
    with path.open("rb") as file:
        start = file.read(4)
    for mark, codec in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
                        (codecs.BOM_UTF16_BE, "utf-16")):  # fmt: skip
        if start.startswith(mark):
            return CodePage(codec, "its byte-order mark"), ()
    if given is None and _is_utf8(path):
        return CodePage("utf-8", "valid UTF-8 from beginning to end", proven=True), ()
    return choose(_sample_lines(path), given=given)


def _declared(dbf: Path, driver: int) -> list[CodePage]:
    pages = []
    for ending in (".cpg", ".CPG", ".cst"):
        beside = dbf.with_suffix(ending)
        if beside.is_file():
            words = beside.read_bytes()[:64].decode("ascii", "ignore").strip("\x00\ufeff \r\n\t")
            codec = known_codec(words) if words else None
            if codec is not None:
                pages.append(CodePage(codec, f"its {ending} says {words}"))
            break
    if driver in LANGUAGE_DRIVERS:
        how = f"the language driver 0x{driver:02X} of its .dbf"
        pages.append(CodePage(LANGUAGE_DRIVERS[driver], how))
    return pages


def _sample_dbf(dbf: Path) -> tuple[list[bytes], int]:
    """Return names of fields and texts of records spread over a DBF, and its driver byte."""
    with dbf.open("rb") as file:
        head = file.read(32)
        if len(head) < 32:
            return [], 0
        count, head_size, record_size = struct.unpack("<IHH", head[4:12])
        fields = file.read(max(head_size - 32, 0))
        texts, spans, at = [], [], 1
        for start in range(0, len(fields) - 31, 32):
            if fields[start] == 0x0D:
                break
            texts.append(fields[start : start + 11].split(b"\0")[0])
            width = fields[start + 16]
            if fields[start + 11 : start + 12] == b"C":
                spans.append((at, at + width))
            at += width
        size = 0
        for number in range(0, count, max(1, count // _SAMPLED_RECORDS)):
            file.seek(head_size + number * record_size)
            record = file.read(record_size)
            for begin, end in spans:
                text = record[begin:end].rstrip(b" \0")
                if not text.isascii():
                    texts.append(text)
                    size += len(text)
            if size > _SAMPLED_BYTES:
                break
    return texts, head[29]


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _sample_lines(path: Path) -> list[bytes]:
    lines: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        for line in file:
            if not line.isascii():
                lines.append(line.rstrip(b"\r\n"))
                size += len(line)
            if size > _SAMPLED_BYTES:
                break
    return lines


def _undecodable(texts: Sequence[bytes], codec: str) -> float:
    """Return the share of texts that are not in a code page; a cut last character is allowed."""
    if not texts:
        return 0.0
    failed = 0
    for text in texts:
        try:
            codecs.getincrementaldecoder(codec)().decode(text)
        except UnicodeDecodeError:
            failed += 1
    return failed / len(texts)


def _letters(texts: Iterable[bytes], codec: str) -> list[str]:
    """Decode to the characters that tell code pages apart: no ASCII, no CJK punctuation."""
    decoded = "".join(text.decode(codec, errors="replace") for text in texts)
    return [
        c for c in decoded
        if ord(c) >= 0x80 and not 0x3000 <= ord(c) <= 0x303F and not 0xFF01 <= ord(c) <= 0xFF5E
    ]  # fmt: skip


def _score(texts: Sequence[bytes], codec: str, common: "re.Pattern[bytes]") -> float:
    """Return the share of characters that are common ones of the language of a code page."""
    letters = _letters(texts, codec)
    if not letters:
        return 0.0
    encoded = {c: c.encode(codec, errors="replace") for c in set(letters)}
    return sum(common.fullmatch(encoded[c]) is not None for c in letters) / len(letters)


# Rows of each national set that hold its everyday characters.
_common_gb: Final = re.compile(rb"[\xb0-\xd7][\xa1-\xfe]")
_common_big5: Final = re.compile(rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]")
_common_japanese: Final = re.compile(rb"[\x82\x83][\x40-\xf1]|[\x88-\x97][\x40-\xfc]")
_common_korean: Final = re.compile(rb"[\xb0-\xc8][\xa1-\xfe]")


def _score_western(texts: Sequence[bytes]) -> float:
    """Return how much the high bytes look like accents: letters that stand alone or in twos."""
    worth, total = 0.0, 0
    for text in texts:
        for run in re.findall(rb"[\x80-\xff]+", text):
            total += len(run)
            if len(run) <= 2 and run.decode("cp1252", errors="replace").isalpha():
                worth += 1.0 if len(run) == 1 else 1.4
    return worth / total if total else 0.0


def _share(texts: Sequence[bytes], codec: str, words: frozenset[str]) -> float:
    letters = _letters(texts, codec)
    return sum(c in words for c in letters) / len(letters) if letters else 0.0
