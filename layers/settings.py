"""What can be set from outside: environment variables ``LIANXIN_*`` and ``lianxin.toml``."""

import os
import re
import tomllib
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from layers.errors import SettingsInvalid

FILE = Path("lianxin.toml")
PREFIX = "LIANXIN_"


def default_data_dir() -> Path:
    """Where the private database lives: a server user must reach it, so never under root's home."""
    if os.geteuid() == 0:
        return Path("/var/lib/lianxin")
    base = os.environ.get("XDG_DATA_HOME", "")
    home = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share"
    return home / "lianxin"


class Settings(BaseSettings):
    """Every setting; read when asked for, never at import."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, toml_file=FILE
    )

    database_url: str | None = Field(
        default=None,
        description="所用 PostgreSQL 的地址；不设则在数据目录中运行私有数据库 · "
        "the PostgreSQL to use, postgresql://user:password@host:5432/name; "
        "without it a private one runs in the data folder",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="私有数据库和网格索引快照所在目录 · "
        "the folder of the private database, and of snapshots of the grids' index",
    )
    host: str = Field(
        default="127.0.0.1",
        description="服务监听的地址 · the address that the service listens on",
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=8000, description="服务监听的端口 · the port that the service listens on"
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1,
        description="用几个进程提供服务；每个进程各有自己的数据库连接 · "
        "by how many processes the service is served; each has connections of its own",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="日志详细程度 · how much the service writes to its log"
    )
    language: Literal["zh", "en"] = Field(
        default="zh",
        description="未选语言时页面与作战图所用语言 · "
        "the language of pages and charts where nobody chose one",
    )
    pool_size: Annotated[int, Field(ge=1, le=200)] = Field(
        default=10,
        description="数据库连接数上限 · how many connections to the database are kept at most",
    )
    statement_timeout_s: Annotated[int, Field(ge=0)] = Field(
        default=30,
        description="单条查询的秒数上限，0 为不限 · "
        "after how many seconds the database gives up on one query; 0 for never",
    )

    timezone: str = Field(
        default="Asia/Shanghai",
        description="页面与作战图所用时区 · the time zone in which pages and charts tell the time",
    )
    route_rows_max: Annotated[int, Field(ge=1)] = Field(
        default=100_000_000,
        description="一次 POST /route 最多几个点 · how many points one POST /route may bring",
    )
    route_bytes_max: Annotated[int, Field(ge=1)] = Field(
        default=32 * 1024**3,
        description="一次 POST /route 请求体字节数上限 · "
        "how many bytes the body of one POST /route may have",
    )
    route_seconds_max: Annotated[int, Field(ge=1)] = Field(
        default=3600,
        description="一次 POST /route 最多几秒 · how many seconds one POST /route may take",
    )
    route_spool_bytes_max: Annotated[int, Field(ge=0)] = Field(
        default=8 * 1024**3,
        description="客户端先发完再读时，一次 POST /route 的答复最多在磁盘暂存的字节数 · "
        "how many bytes of an answer to POST /route may wait on disk for a client that sends "
        "everything before it reads",
    )
    spool_dir: Path | None = Field(
        default=None,
        description="暂存所在目录；不设则用系统临时目录 · "
        "the folder where answers wait; without it the system's for temporary files",
    )
    upload_bytes_max: Annotated[int, Field(ge=1)] = Field(
        default=512 * 1024 * 1024,
        description="一次上传网格文件的字节数上限 · "
        "how many bytes an uploaded file of grids may have",
    )
    body_bytes_max: Annotated[int, Field(ge=1)] = Field(
        default=32 * 1024 * 1024,
        description="其他请求体字节数上限 · how many bytes the body of any other request may have",
    )
    audit_seal_seconds: Annotated[int, Field(ge=0)] = Field(
        default=60,
        description="审计记录每隔几秒封印一次，0 为不封印 · "
        "every how many seconds the audit is sealed while the service runs; 0 for never",
    )

    oidc_issuer: str | None = Field(
        default=None,
        description="统一认证（OpenID Connect）的签发者地址；不设则不用 · "
        "the issuer whose OpenID Connect tokens are taken, https://…; without it none are",
    )
    oidc_audience: str = Field(
        default="lianxin",
        description="统一认证令牌的受众 · the audience that those tokens must name",
    )
    oidc_role_claim: str = Field(
        default="lianxin_role",
        description="令牌中表示角色的字段 · the claim that names the role, as worker or street",
    )
    oidc_area_claim: str = Field(
        default="lianxin_area",
        description="令牌中表示区域编码的字段，* 为全部 · "
        "the claim with the code of the area, * for everywhere",
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        local = r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/.*)?"
        if value is None or value.startswith("https://") or re.fullmatch(local, value):
            return value
        raise ValueError("must begin with https://")

    unmask_per_hour: Annotated[int, Field(ge=0)] = Field(
        default=30,
        description="每个账号每小时最多查看几人的未遮盖信息 · "
        "how many persons an account may see unmasked in an hour",
    )
    unmask_per_day: Annotated[int, Field(ge=0)] = Field(
        default=120,
        description="每个账号每天最多查看几人的未遮盖信息 · "
        "how many persons an account may see unmasked in 24 hours",
    )
    search_per_hour: Annotated[int, Field(ge=0)] = Field(
        default=60,
        description="每个账号每小时最多按姓名或证件号查找几次 · "
        "how often an account may look for a person by name or ID number in an hour",
    )

    body_seconds_max: Annotated[int, Field(ge=1)] = Field(
        default=300,
        description="其他请求体须在几秒内到齐 · "
        "within how many seconds the body of any other request must have come",
    )
    rate_address_per_minute: Annotated[int, Field(ge=0)] = Field(
        default=6000,
        description="一个来源地址每分钟请求数上限（按进程），0 为不限 · "
        "how many requests a minute one address may send to each process; 0 for any number",
    )
    rate_account_per_minute: Annotated[int, Field(ge=0)] = Field(
        default=1200,
        description="一个账号每分钟请求数上限（按进程），0 为不限 · "
        "how many requests a minute one account may send to each process; 0 for any number",
    )
    rate_loopback_exempt: bool = Field(
        default=True,
        description="本机来源是否不计次数 · "
        "whether requests from this machine itself are not counted by address",
    )
    trusted_proxies: str = Field(
        default="",
        description="可信反向代理的地址或网段，逗号分隔；只信它们的 X-Forwarded-For · "
        "addresses or networks of reverse proxies, with commas between, whose X-Forwarded-For "
        "is believed",
    )

    csv_raw: bool = Field(
        default=False,
        description="CSV 中形似公式的文字是否原样写出（供程序读取） · "
        "whether texts that a spreadsheet would run as formulas are written to CSV as they are, "
        "for programs to read",
    )

    demo_password: SecretStr | None = Field(
        default=None,
        description="演示账号的密码；不设则自动生成，启动时显示 · "
        "the password of the demo's accounts; without it one is made, and shown at the start",
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("must be a time zone such as Asia/Shanghai") from None
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _known_networks(cls, value: str) -> str:
        for part in value.split(","):
            try:
                ip_network(part.strip() or "::1", strict=False)
            except ValueError:
                raise ValueError("must be addresses or networks such as 10.0.0.0/8") from None
        return value

    @field_validator("data_dir")
    @classmethod
    def _make_absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("spool_dir")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        folder = value.expanduser().absolute()
        if not folder.is_dir():
            raise ValueError("must be a folder that exists")
        return folder

    @field_validator("database_url")
    @classmethod
    def _check_scheme(cls, value: str | None) -> str | None:
        if value is None or value.startswith(
            ("postgresql://", "postgres://", "postgresql+psycopg://")
        ):
            return value
        raise ValueError("must look like postgresql://user:password@host:5432/name")

    @field_validator("log_level", "language", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic names them)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the command line beat the environment, and the environment the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting as a person reads it."""

    name: str
    variable: str
    value: str | int | None
    source: str
    meaning: str


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; ``overrides`` that aren't None beat every other source."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(f"{FILE} is not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{FILE} cannot be read: {error}") from None
    except ValidationError as error:
        # `from None`: pydantic's own message repeats the value, which may hold a password.
        lines = [_explain(problem, given) for problem in error.errors()]
        raise SettingsInvalid("\n".join(lines)) from None


def describe(settings: Settings, **overrides: Any) -> list[SettingLine]:
    """Return each setting with its value, where it came from and what it means."""
    lines = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = value if value is None or isinstance(value, int) else str(value)
        if name == "database_url" and isinstance(shown, str):
            shown = mask_password(shown)
        variable = f"{PREFIX}{name.upper()}"
        lines.append(
            SettingLine(name, variable, shown, _source(name, overrides), field.description or "")
        )
    return lines


def mask_password(url: str) -> str:
    """Return a database address without its password, wherever in it that stands.

    Examples
    --------
    >>> mask_password("postgresql://li:p@ss:w@db:5432/grid?sslpassword=x&sslmode=require")
    'postgresql://li:***@db:5432/grid?sslpassword=***&sslmode=require'
    >>> mask_password("postgresql:///grid")
    'postgresql:///grid'
    """
    head, _, query = url.partition("?")
    scheme, _, rest = head.partition("://")
    account, at, place = rest.rpartition("@")
    user, colon, _ = account.partition(":")
    parameters = [
        f"{key}=***" if "password" in key.lower() and equals else f"{key}{equals}{value}"
        for key, equals, value in (part.partition("=") for part in query.split("&") if query)
    ]
    masked = f"{scheme}://{user}{':***' if colon else ''}{at}{place}"
    return masked + (f"?{'&'.join(parameters)}" if query else "")


def _source(name: str, overrides: dict[str, Any]) -> str:
    if overrides.get(name) is not None:
        return "command line"
    # Names of variables are taken in any case, as pydantic-settings does.
    if any(key.upper() == f"{PREFIX}{name.upper()}" and value for key, value in os.environ.items()):
        return "environment"
    if FILE.is_file() and name in tomllib.loads(FILE.read_text("utf-8")):
        return str(FILE)
    return "default"


def _explain(problem: Any, given: dict[str, Any]) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else "settings"
    if problem["type"] == "extra_forbidden":
        known = ", ".join(Settings.model_fields)
        return f"{FILE}: there is no setting {name}. There are: {known}."
    source = _source(name, given)
    where = {"environment": f"{PREFIX}{name.upper()}", "default": name}.get(
        source, f"{name} ({source})"
    )
    reason = problem["msg"].removeprefix("Value error, ")
    # A database address is never repeated: it may hold a password.
    value = "" if name == "database_url" else f" is {problem['input']!r}, which does not fit"
    return f"{where}{value or ' does not fit'}: {reason[0].lower()}{reason[1:]}."
