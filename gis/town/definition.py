"""What the demo town is called: real areas of 准格尔旗, and invented words for all else.

Names and codes of the banner, its three urban streets and their communities are real.
Compounds, roads, people and their homes are invented; any likeness to a real person, home or
address is chance.
"""

from dataclasses import dataclass
from typing import Final

CENTRE: Final = (111.238, 39.865)
"""Longitude and latitude around which the town is laid out (薛家湾)."""

METRIC_CRS: Final = "EPSG:4546"
"""CGCS2000 in the 3° Gauss-Krüger zone of 111°E, in which the town is planned."""


@dataclass(frozen=True)
class Place:
    """A real area: its code, and its name in both languages."""

    code: str
    name: str
    name_en: str


BANNER: Final = Place("150622", "准格尔旗", "Jungar Banner")

STREETS: Final = (
    Place("150622003", "蓝天街道", "Lantian Subdistrict"),
    Place("150622002", "迎泽街道", "Yingze Subdistrict"),
    Place("150622001", "兴隆街道", "Xinglong Subdistrict"),
)

COMMUNITIES: Final = (
    Place("150622003003", "白云社区", "Baiyun Community"),
    Place("150622002005", "南苑社区", "Nanyuan Community"),
    Place("150622001003", "站北社区", "Zhanbei Community"),
    Place("150622003002", "阳光社区", "Yangguang Community"),
    Place("150622002002", "南山社区", "Nanshan Community"),
    Place("150622001001", "中心社区", "Zhongxin Community"),
    Place("150622003001", "铁北社区", "Tiebei Community"),
    Place("150622002004", "湖东社区", "Hudong Community"),
    Place("150622001005", "嘉烨社区", "Jiaye Community"),
    Place("150622003004", "贾家湾社区", "Jiajiawan Community"),
    Place("150622002003", "湖西社区", "Huxi Community"),
    Place("150622001006", "新雅社区", "Xinya Community"),
    Place("150622003005", "张家塔社区", "Zhangjiata Community"),
    Place("150622002001", "曙光社区", "Shuguang Community"),
    Place("150622001002", "鑫凯社区", "Xinkai Community"),
    Place("150622003006", "关地塔社区", "Guandita Community"),
    Place("150622002006", "广和社区", "Guanghe Community"),
    Place("150622001004", "周家湾社区", "Zhoujiawan Community"),
)
"""In the order in which a growing town takes them: one of each street in turn."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COMPOUND_FIRST: Final = _words(
    "幸福 和谐 阳光 金桥 富民 安居 锦绣 翠湖 龙泉 天骄 鼎盛 福泰 康乐 丽景 滨河 金色 世纪 玉泉 "
    "书香 华府 明珠 紫荆 银河 瑞丰 文汇 百合 东方 星光 景泰 永安 祥和 兴业 民生 团结 新城 望湖 "
    "千禧 长青 水岸 春晖"
)
COMPOUND_LAST: Final = _words("家园 小区 花园 佳苑 名邸 新村 嘉园 华庭 雅居 公寓")
PHASES: Final = ("", "二期", "三期", "四期", "五期")

ROADS: Final = _words(
    "准格尔路 迎宾街 鄂尔多斯路 滨河路 体育街 文化路 建设街 民族路 育才街 健康路 工业街 友谊路 "
    "和平街 光明路 长征街 青年路 新华街 团结路 公园街 胜利路"
)

SURNAMES: Final = _words("王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 高 郭 马 郝 白 乔 折 苏")
GIVEN_NAMES: Final = _words(
    "明 丽 强 敏 静 磊 洋 艳 勇 杰 娟 涛 超 霞 平 刚 桂英 建国 志强 秀兰 小红 海燕 晓东 永胜 "
    "凤英 文斌 雪梅 国庆 慧芳 利军"
)


@dataclass(frozen=True)
class DedicatedKind:
    """What fills a dedicated grid, and how much land it takes beside a basic grid."""

    key: str
    name: str
    name_en: str
    weight: float


DEDICATED: Final = (
    DedicatedKind("park", "公园", "Park", 1.3),
    DedicatedKind("school", "学校", "School", 0.9),
    DedicatedKind("market", "市场", "Market", 0.7),
    DedicatedKind("hospital", "医院", "Hospital", 0.9),
    DedicatedKind("employer", "产业园", "Business Park", 1.3),
)


def chinese_number(number: int) -> str:
    """Return a number from 1 to 99 as Chinese writes it.

    Examples
    --------
    >>> [chinese_number(n) for n in (1, 10, 12, 20, 35)]
    ['一', '十', '十二', '二十', '三十五']
    """
    digits = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    if not 1 <= number <= 99:
        return str(number)
    head = "" if tens == 0 else ("十" if tens == 1 else f"{digits[tens]}十")
    return head + (digits[ones] if ones or not tens else "")
