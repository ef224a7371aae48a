"""What was refused, in the words of the desk: in Chinese and in English.

An error carries one sentence, for the command line. Here stand, in one place, those that somebody
at the desk can meet: each as it is raised, with what changes named in braces, its Chinese, and its
English where the desk has other means than the command line. What is not here keeps its own words.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final


@dataclass(frozen=True)
class Sentence:
    """A sentence as it is raised, and as the desk says it."""

    raised: str
    zh: str
    en: str | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What the raised sentence looks like with its names filled in."""
        parts = re.split(r"\{(\w+)\}", self.raised)
        return re.compile(
            "".join(
                f"(?P<{part}>.*?)" if place % 2 else re.escape(part)
                for place, part in enumerate(parts)
            ),
            re.DOTALL,
        )


@dataclass(frozen=True)
class Refusal:
    """What was refused and what to do, in both languages."""

    message_zh: str
    message_en: str


FILES: Final = (
    Sentence(
        "The file's name is longer than {count} bytes, or has characters that cannot be written. "
        "Give it a shorter, plain name.",
        "文件名超过 {count} 字节，或含有无法写出的字符。请改成简短的普通名称。",
    ),
    Sentence(
        "{name}: a shapefile is several files. Send its .shp, .shx, .dbf and .prj in one zip.",
        "{name}：shapefile 由几个文件组成。请把 .shp、.shx、.dbf 和 .prj 打包成一个 zip 再上传。",
    ),
    Sentence(
        "{name}: the ending “{ending}” is none that can be read. Readable: {endings}; a shapefile "
        "as a zip.",
        "{name}：无法读取扩展名为“{ending}”的文件。可以读取：{endings}；shapefile 请打包成 zip。",
    ),
    Sentence("{name} is empty (0 bytes).", "{name} 是空文件（0 字节）。请重新导出。"),
    Sentence(
        "{name} unpacks into {size} bytes; at most {most} are taken.",
        "{name} 解压后有 {size} 字节，最多接受 {most} 字节。",
    ),
    Sentence(
        "{name} cannot be read: it is damaged, or is not what its ending says.",
        "无法读取 {name}：文件已损坏，或内容与扩展名不符。请重新导出。",
    ),
    Sentence(
        "{name} is locked by a password: unpack it first.", "{name} 有密码保护，请先解压再打包。"
    ),
    Sentence(
        "{name} holds no .shp. Name the file inside it, unpacked.",
        "{name} 里没有 .shp。请解压后直接上传里面的文件。",
        "{name} holds no .shp. Unpack it and send the file inside it.",
    ),
    Sentence(
        "{name} has {count} layers: {layers}. Name one, as in {example}.",
        "{name} 有 {count} 个图层：{layers}。请另存为只含网格图层的文件再上传。",
        "{name} has {count} layers: {layers}. Send a file of the layer of grids alone.",
    ),
    Sentence(
        "{name} does not say in which CRS its coordinates are. Add --datum with wgs84, cgcs2000, "
        "gcj02, bd09, EPSG:n or ESRI:n.",
        "{name} 没有写明坐标系。请在“坐标系”里选择。",
        "{name} does not say in which CRS its coordinates are. Choose its datum in the form.",
    ),
    Sentence(
        "{name} declares {crs} ({title}), but --datum says {asked}. Leave --datum out if the file "
        "is right; else correct the file's own CRS.",
        "{name} 写明的坐标系是 {crs}（{title}），表单里选的却是 {asked}。"
        "文件正确就不要选；否则请改正文件。",
        "{name} declares {crs} ({title}), but the form says {asked}. Leave the datum as the file "
        "says if that is right; else correct the file's own CRS.",
    ),
    Sentence(
        "The file has no column “{wanted}”.{meant} Its columns: {columns}.",
        "文件里没有“{wanted}”这一列。{meant}现有的列：{columns}。",
    ),
    Sentence(
        "{name} has no column “{wanted}”.{meant} Its columns: {columns}.",
        "{name} 里没有“{wanted}”这一列。{meant}现有的列：{columns}。",
    ),
    Sentence(
        "No column is known to hold the field {field}. Name it with --map {map}=COLUMN, or one "
        "value for all rows with --set {set}=VALUE.{meant} The file's columns: {columns}.",
        "认不出哪一列是 {field}，请在表单里填写列名。{meant}文件里的列：{columns}。",
        "No column is known to hold the field {field}: name it in the form.{meant} "
        "The file's columns: {columns}.",
    ),
    Sentence(
        "No row of {name} can be taken as a grid. Row {row}: {reason}.",
        "{name} 里没有一行可以作为网格。第 {row} 行：{reason}。",
    ),
    Sentence("No row of {name} can be taken as a grid.", "{name} 里没有一行可以作为网格。"),
    Sentence(
        "The body is larger than {most} bytes ({setting}). Send less at once, or have the limit "
        "raised.",
        "文件太大：最多接受 {most} 字节（设置 {setting}）。请压缩成 zip，或请管理员调高上限。",
        "The file is too large: at most {most} bytes are taken ({setting}). Send it zipped, or "
        "have the limit raised.",
    ),
)

ROWS: Final = (
    Sentence(
        "code {code} is not {what} (for codes of your own: --codes free)",
        "编码 {code} 不符合国家编码规则（自有编码请在表单里选择“自有编码”）",
        "code {code} is not {what} (for codes of your own choose so in the form)",
    ),
    Sentence(
        "its community {code} is not loaded; import the areas first",
        "所属社区 {code} 尚未装入，请先装入区划",
    ),
    Sentence("{field} is empty", "{field} 为空"),
    Sentence("a grid is a polygon; this is a {kind}", "网格应是面，这一行却是 {kind}"),
    Sentence("its ring is invalid and encloses no area", "边界无效，围不出面积"),
    Sentence("has no geometry", "没有图形"),
    Sentence(
        "the code {code} is taken by row {row} with other content{advice}",
        "编码 {code} 已用于第 {row} 行，内容不同",
    ),
    Sentence(
        "names {community} as its community, but its code {code} says {prefix}",
        "写明的社区是 {community}，编码 {code} 却属于 {prefix}",
    ),
)

EDITIONS: Final = (
    Sentence(
        "There is no edition {number}; see: lianxin edition list",
        "没有版本 {number}。现有的版本见下表。",
        "There is no edition {number}. Those that there are stand below.",
    ),
    Sentence("Edition {number} is in force already.", "版本 {number} 已经生效。"),
    Sentence(
        "Edition {number} was in force and has ended. To go back to its boundaries: {command}, and "
        "publish that draft.",
        "版本 {number} 曾经生效，现已结束。要退回这一版，请先把它恢复为草案，再发布那份草案。",
        "Edition {number} was in force and has ended. To go back to its boundaries, make a draft "
        "of it again, and publish that.",
    ),
    Sentence("Edition {number} has no grids.", "版本 {number} 没有网格。"),
    Sentence(
        "Edition {found} is in force now, not {known} as it was before. Look again at what would "
        "move, and then publish.",
        "现在生效的是版本 {found}，不再是您比较时的版本 {known}。"
        "没有发布：请重新看一遍变化，再发布。",
    ),
    Sentence(
        "None is in force now, not {known} as it was before. Look again at what would move, and "
        "then publish.",
        "现在没有生效的版本，您比较时是版本 {known}。没有发布：请重新看一遍变化，再发布。",
    ),
    Sentence(
        "The checks found {count} errors in edition {number}:\n{listed}\nCorrect the file and "
        "import it again, or publish with a reason why this may be so (--accept-findings “…”).",
        "没有发布：版本 {number} 有 {count} 个错误（见检查发现）。"
        "请改正文件后重新上传，或写明仍要发布的原因。",
        "Nothing was published: edition {number} has {count} errors (see what the checks found). "
        "Correct the file and upload it again, or give a reason why it may be published.",
    ),
    Sentence(
        "Edition {number} was published: cases refer to it, and it stays for ever.",
        "版本 {number} 已经发布，案件要以它为据，永久保留。",
    ),
    Sentence(
        "Edition {number} is a draft: lianxin edition publish {again}",
        "版本 {number} 本来就是草案，可以直接发布。",
        "Edition {number} is a draft already: publish it.",
    ),
    Sentence(
        "The grids of edition {former} are in force already, as edition {number}.",
        "版本 {former} 的网格已在生效，即版本 {number}。",
    ),
)

_MEANT: Final = Sentence(" Did you mean “{name}”?", "是不是“{name}”？")
_NONE: Final = Sentence("none", "无")


def in_both_languages(message: str) -> Refusal | None:
    """Return what the desk says for a sentence that was raised; None where it is not known here.

    Examples
    --------
    >>> in_both_languages("Edition 3 is in force already.").message_zh
    '版本 3 已经生效。'
    >>> in_both_languages("Something else went wrong.") is None
    True
    """
    return _told(message, (*FILES, *EDITIONS))


def row_in_both_languages(reason: str) -> Refusal:
    """Return why a row of a file fell out; a reason that is not known here stays as it is."""
    return _told(reason, ROWS) or Refusal(reason, reason)


def _told(message: str, sentences: Iterable[Sentence]) -> Refusal | None:
    straight = message.replace('"…"', "“…”")
    for sentence in sentences:
        found = sentence.pattern.fullmatch(straight)
        if found is not None:
            return _filled(sentence, found.groupdict())
    return None


def _filled(sentence: Sentence, parts: dict[str, str]) -> Refusal:
    """Fill in the names, themselves in both languages where they are sentences."""
    inner = {name: _told(part, (_MEANT, _NONE, *ROWS)) for name, part in parts.items()}
    zh = {name: part if (told := inner[name]) is None else told.message_zh
          for name, part in parts.items()}  # fmt: skip
    en = {name: part if (told := inner[name]) is None else told.message_en
          for name, part in parts.items()}  # fmt: skip
    return Refusal(sentence.zh.format(**zh), (sentence.en or sentence.raised).format(**en))
