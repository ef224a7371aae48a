"""The field's closed vocabularies, each value as stored, sent and written in code."""

from enum import StrEnum

SERVICE_ROLE = "lianxin_app"
"""The database role that serves, in every database: it owns nothing and bypasses nothing."""


class AreaLevel(StrEnum):
    """Levels above the grid (旗/县 · 街道 · 社区)."""

    BANNER = "banner"
    STREET = "street"
    COMMUNITY = "community"


class CodeScheme(StrEnum):
    """How codes are made: by the national 6+3+3+3 structure, or by the place's own habit."""

    NATIONAL = "national"
    FREE = "free"


class GridKind(StrEnum):
    """基础网格 or 专属网格 (a park, market, school, hospital, big employer)."""

    BASIC = "basic"
    DEDICATED = "dedicated"


class EditionStatus(StrEnum):
    """The life of a set of boundaries: ``checked`` says that the checks saw it as it is now."""

    DRAFT = "draft"
    CHECKED = "checked"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"


UNPUBLISHED = frozenset({EditionStatus.DRAFT, EditionStatus.CHECKED})
"""States in which an edition may still change; in any other the database refuses it."""


class CaseState(StrEnum):
    """The states of a case."""

    REPORTED = "reported"
    REGISTERED = "registered"
    DISPATCHED = "dispatched"
    IN_PROGRESS = "in_progress"
    AWAITING_VERIFICATION = "awaiting_verification"
    REWORK = "rework"
    ON_HOLD = "on_hold"
    ESCALATED = "escalated"
    IN_DELIBERATION = "in_deliberation"
    CLOSED = "closed"
    VOID = "void"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


ENDED_STATES = frozenset(
    {CaseState.CLOSED, CaseState.VOID, CaseState.DUPLICATE, CaseState.REJECTED}
)
"""States in which nothing more is to be done; a case in any other is open."""


class ReporterKind(StrEnum):
    """Who reported a case."""

    WORKER = "worker"
    RESIDENT = "resident"
    HOTLINE = "hotline"
    SENSOR = "sensor"
    IMPORT = "import"


class SubjectKind(StrEnum):
    """What can bear a status."""

    HOUSEHOLD = "household"
    BUILDING = "building"
    COMPOUND = "compound"


class Duty(StrEnum):
    """What a grid worker does: 信息搜集 · 便民服务 · 隐患排查 · 纠纷调解 · 政策宣讲."""

    COLLECTOR = "collector"
    SERVICE = "service"
    HAZARD = "hazard"
    MEDIATION = "mediation"
    POLICY = "policy"


class TokenKind(StrEnum):
    """Tokens of which a hash is stored; access tokens are signed instead."""

    REFRESH = "refresh"
    SESSION = "session"
    KIOSK = "kiosk"


class Role(StrEnum):
    """What an account is for; with its area it decides what is seen."""

    WORKER = "worker"
    COMMUNITY = "community"
    STREET = "street"
    BANNER = "banner"
    DEPARTMENT = "department"
    ANALYST = "analyst"
    WALL = "wall"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"
    """The service itself, and whoever works on the machine: never an account's."""


class Sex(StrEnum):
    """As the register has it; where it has nothing, nothing is guessed."""

    MALE = "male"
    FEMALE = "female"


class ReadingKind(StrEnum):
    """How somebody came to read of a person."""

    UNMASK = "unmask"
    FILE = "file"
    SEARCH = "search"


class Purpose(StrEnum):
    """What a person's unmasked data are read for; words go with each."""

    VISIT = "visit"
    SERVICE = "service"
    EMERGENCY = "emergency"
    MEDIATION = "mediation"
    CORRECTION = "correction"
    SUBJECT_REQUEST = "subject_request"
