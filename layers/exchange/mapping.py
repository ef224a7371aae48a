"""Which column of a file is which field of a layer: as told, by its name, or by a usual one."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pandas as pd

from layers.errors import FileUnreadable, MappingInvalid
from layers.exchange.fields import FieldSpec

# Headers that mean a field without being told, beyond what the layer's own fields say.
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "code": ("编码", "编号", "代码", "网格编码", "网格编号", "网格代码", "grid_code", "区划代码",
             "行政区划代码", "统计用区划代码", "area_code"),
    "name": ("名称", "名字", "网格名称", "小区名称", "楼栋名称", "区划名称", "name_zh", "grid_name",
             "area_name"),
    "name_en": ("英文名称", "英文名", "english_name"),
    "level": ("级别", "层级", "区划级别"),
    "parent_code": ("上级编码", "上级代码", "父级编码", "上级区划代码", "parent"),
    "kind": ("类型", "网格类型", "grid_kind"),
    "community_code": ("社区编码", "社区代码", "所属社区编码"),
    "responsible": ("负责人", "网格长", "网格员", "责任人"),
    "compound_code": ("小区编码", "小区编号", "小区代码", "所属小区编码"),
    "building_code": ("楼栋编码", "楼栋编号", "楼栋代码", "所属楼栋编码"),
    "address": ("地址", "详细地址", "事发地址", "addr", "addr:full"),
    "floors": ("层数", "楼层数", "地上层数", "building:levels", "levels", "storeys", "stories"),
    "units": ("单元数",),
    "unit": ("单元", "单元号"),
    "floor": ("楼层", "所在楼层"),
    "room": ("房号", "室号", "房间号", "户号"),
    "resident_count": ("人数", "人口", "人口数", "常住人口", "residents", "population"),
    "category": ("类别", "案件类别", "小类", "小类编码", "类别编码", "案件类型"),
    "description": ("描述", "问题描述", "案件描述", "内容"),
    "occurred_at": ("发生时间", "事发时间", "发现时间"),
    "accuracy_m": ("精度", "定位精度", "accuracy"),
    "reporter_kind": ("来源", "上报来源", "案件来源"),
    "state": ("状态", "案件状态"),
    "source_id": ("案件编号", "案件编码", "工单号", "工单编号", "case_id", "request_id"),
})  # fmt: skip


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True)
class ColumnMapping:
    """Fields and the columns, constants and translated values that fill them."""

    columns: Mapping[str, str] = field(default_factory=_nothing)
    constants: Mapping[str, str] = field(default_factory=_nothing)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.columns:
            if name in self.constants:
                raise MappingInvalid(
                    f"The field {name} is both mapped to the column “{self.columns[name]}” and set "
                    f"to “{self.constants[name]}”. Keep one of them."
                )

    @classmethod
    def from_flags(
        cls, columns: Sequence[str] = (), constants: Sequence[str] = ()
    ) -> "ColumnMapping":
        """Make a mapping from ``--map field=COLUMN`` and ``--set field=value``."""
        return cls(_pairs(columns, "--map", "COLUMN"), _pairs(constants, "--set", "value"))

    @classmethod
    def from_toml(cls, path: Path) -> "ColumnMapping":
        """Read a mapping from the tables ``[columns]``, ``[constants]``, ``[values.FIELD]``."""
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError as error:
            raise FileUnreadable(f"There is no file {path}.") from error
        except OSError as error:
            raise FileUnreadable(f"{path} cannot be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise MappingInvalid(f"{path} is no valid TOML: {error}.") from error
        unknown = sorted(set(tables) - {"columns", "constants", "values"})
        if unknown:
            raise MappingInvalid(
                f"{path}: nothing is known of [{unknown[0]}]. A mapping has the tables [columns], "
                "[constants] and [values.FIELD]."
            )
        values = tables.get("values", {})
        if not isinstance(values, dict):
            raise MappingInvalid(f"{path}: write the values of a field under [values.FIELD].")
        return cls(
            _texts(tables.get("columns", {}), f"{path}, [columns]"),
            _texts(tables.get("constants", {}), f"{path}, [constants]"),
            {name: _texts(table, f"{path}, [values.{name}]") for name, table in values.items()},
        )

    def overridden_by(self, other: "ColumnMapping") -> "ColumnMapping":
        """Return both mappings as one in which the other's word counts."""
        columns = {k: v for k, v in self.columns.items() if k not in other.constants}
        constants = {k: v for k, v in self.constants.items() if k not in other.columns}
        return ColumnMapping(
            {**columns, **other.columns},
            {**constants, **other.constants},
            {**self.values, **other.values},
        )

    def resolve(self, columns: Sequence[str], fields: Sequence[FieldSpec]) -> dict[str, str]:
        """Return the column that fills each field, for those that have one.

        Raises
        ------
        MappingInvalid
            Where a field or column that was named does not exist, or a required field stays empty.
        """
        self._check_fields(fields)
        columns = [name for name in columns if name != "geometry"]
        found = {
            name: find_column(columns, column, file="The file")
            for name, column in self.columns.items()
        }
        open_fields = [f for f in fields if f.name not in found and f.name not in self.constants]
        for spec in open_fields:
            if spec.name in columns:
                found[spec.name] = spec.name
        plain: dict[str, str] = {}
        for name in columns:
            if name not in found.values():
                plain.setdefault(_plain(name), name)
        for spec in open_fields:
            if spec.name in found:
                continue
            for header in (spec.name, *spec.synonyms, *SYNONYMS.get(spec.name, ())):
                if _plain(header) in plain:
                    found[spec.name] = plain.pop(_plain(header))
                    break
        for spec in open_fields:
            if spec.required and spec.name not in found:
                raise MappingInvalid(_missing_message(spec, columns))
        return found

    def apply(self, frame: pd.DataFrame, fields: Sequence[FieldSpec]) -> pd.DataFrame:
        """Return the layer's fields, each a column; one that nothing fills is all missing."""
        found = self.resolve([str(name) for name in frame.columns], fields)
        filled: dict[str, object] = {}
        for spec in fields:
            if spec.name in self.constants:
                filled[spec.name] = pd.Series(self.constants[spec.name], frame.index, dtype="str")
            elif spec.name in found:
                filled[spec.name] = self._translated(spec.name, frame[found[spec.name]])
            else:
                filled[spec.name] = pd.Series(None, frame.index, dtype=object)
        return pd.DataFrame(filled, index=frame.index)

    def _translated(self, name: str, column: "pd.Series[str]") -> "pd.Series[str]":
        translations = self.values.get(name)
        if not translations:
            return column
        text = column.map(written, na_action="ignore").astype(object)
        return text.map(lambda value: translations.get(value, value), na_action="ignore")

    def _check_fields(self, fields: Sequence[FieldSpec]) -> None:
        names = [spec.name for spec in fields]
        for name in (*self.columns, *self.constants, *self.values):
            if name not in names:
                raise MappingInvalid(
                    f"The layer has no field “{name}”.{_meant(name, names)} "
                    f"Its fields: {', '.join(names)}."
                )


def _pairs(flags: Sequence[str], flag: str, right: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in flags:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or (flag == "--map" and not value.strip()):
            raise MappingInvalid(f"{flag} {text}: write it as {flag} field={right}.")
        if name.strip() in pairs:
            raise MappingInvalid(f"{flag} names the field {name.strip()} twice.")
        pairs[name.strip()] = value if flag == "--set" else value.strip()
    return pairs


def _texts(table: object, where: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise MappingInvalid(f"{where}: write it as a table of name = value.")
    for name, value in table.items():
        if isinstance(value, (dict, list)):
            raise MappingInvalid(f"{where}: {name} must be one value.")
    return {str(name): written(value) for name, value in table.items()}


def written(value: object) -> str:
    """Return a value as a person writes it: 5, not 5.0."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _plain(header: str) -> str:
    """Return a header without case, spaces, underscores, and what stands in brackets.

    >>> _plain("Grid Code"), _plain("层数（层）")
    ('gridcode', '层数')
    """
    return re.sub(r"[\s_\-]+|[（(\[].*?[)）\]]", "", header).lower()


def find_column(columns: Sequence[str], wanted: str, *, file: str) -> str:
    """Return the column that somebody named, or the only one so called but for case and spaces."""
    columns = [name for name in columns if name != "geometry"]
    if wanted in columns:
        return wanted
    same = [name for name in columns if _plain(name) == _plain(wanted)]
    if len(same) == 1:
        return same[0]
    raise MappingInvalid(
        f"{file} has no column “{wanted}”.{_meant(wanted, columns)} "
        f"Its columns: {', '.join(columns) or 'none'}."
    )


def _missing_message(spec: FieldSpec, columns: Sequence[str]) -> str:
    near = _meant(spec.name, columns)
    listed = ", ".join(columns) or "none"
    return (
        f"No column is known to hold the field {spec.name}. Name it with --map {spec.name}=COLUMN, "
        f"or one value for all rows with --set {spec.name}=VALUE.{near} "
        f"The file's columns: {listed}."
    )


def _meant(name: str, candidates: Sequence[str]) -> str:
    plain = {_plain(candidate): candidate for candidate in candidates}
    near = difflib.get_close_matches(_plain(name), list(plain), n=1, cutoff=0.5)
    return f" Did you mean “{plain[near[0]]}”?" if near else ""
