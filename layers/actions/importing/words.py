"""Words that files use for the vocabularies, each with the word that is stored."""

from collections.abc import Mapping

from layers.vocabulary import AreaLevel, CaseState, GridKind, ReporterKind

ABOVE_BANNER = "above"


def _spellings(meanings: Mapping[str, str]) -> dict[str, str]:
    """Turn "word: spelling spelling …" into a map of every spelling to its word."""
    return {
        spelling.replace("_", " ").lower(): word
        for word, spellings in meanings.items()
        for spelling in spellings.split()
    }


AREA_LEVELS = _spellings(
    {
        ABOVE_BANNER: "country nation province prefecture city municipality 国家 省 省级 自治区 "
        "直辖市 市 市级 地级 地级市 地区 盟 自治州",
        AreaLevel.BANNER: "banner county district 旗 县 区 旗县 旗县区 区县 县级 县区 自治县 "
        "自治旗 市辖区 县级市",
        AreaLevel.STREET: "street subdistrict town township sumu 街道 街道办 街道办事处 镇 乡 苏木 "
        "乡镇 苏木镇 苏木乡镇 乡级 镇街 乡镇街道 民族乡",
        AreaLevel.COMMUNITY: "community neighbourhood neighborhood village gacha 社区 居委会 "
        "居民委员会 村 嘎查 嘎查村 社区村 村委会 村级",
    }
)

GRID_KINDS = _spellings(
    {
        GridKind.BASIC: "basic ordinary 基础 基础网格 普通 普通网格 一般网格",
        GridKind.DEDICATED: "dedicated special 专属 专属网格 专项 专项网格",
    }
)

CASE_STATES = _spellings(
    {
        CaseState.REPORTED: "reported new open 已上报 上报 待受理",
        CaseState.REGISTERED: "registered accepted 已立案 立案 已受理",
        CaseState.DISPATCHED: "dispatched assigned 已派遣 派遣 已派单",
        CaseState.IN_PROGRESS: "in_progress in_process pending 处理中 处置中 办理中",
        CaseState.AWAITING_VERIFICATION: "awaiting_verification 待核查",
        CaseState.REWORK: "rework reopened 返工",
        CaseState.ON_HOLD: "on_hold 挂账",
        CaseState.ESCALATED: "escalated 已升级",
        CaseState.IN_DELIBERATION: "in_deliberation 议事中",
        CaseState.CLOSED: "closed completed resolved done 已结案 结案 办结 已办结 已完成",
        CaseState.VOID: "void cancelled canceled 作废 已作废",
        CaseState.DUPLICATE: "duplicate 重复",
        CaseState.REJECTED: "rejected 不予受理 已拒绝",
    }
) | {state.value: state.value for state in CaseState}

REPORTER_KINDS = _spellings(
    {
        ReporterKind.WORKER: "worker staff 网格员 工作人员",
        ReporterKind.RESIDENT: "resident citizen app web internet 居民 群众 市民",
        ReporterKind.HOTLINE: "hotline phone call 热线 电话 12345",
        ReporterKind.SENSOR: "sensor device 传感器 设备",
        ReporterKind.IMPORT: "import 导入",
    }
)
