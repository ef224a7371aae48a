"""Every error of the spatial core; messages say what is wrong, where, and what to do."""


class GisError(Exception):
    """Root of the core's errors."""


class UnknownDatum(GisError):
    """A datum or CRS name that nobody can place on the earth."""


class MissingCrs(GisError):
    """A layer that does not say in which CRS its coordinates are."""


class InvalidGrids(GisError):
    """Grids from which no index can be made: wrong shapes, types, or no code."""


class InvalidPoints(GisError):
    """Points that cannot be routed: wrong shapes, lengths or types."""


class SnapshotInvalid(GisError):
    """A snapshot file that is damaged, or none."""


class InvalidChart(GisError):
    """A chart's definition or data that cannot be drawn."""
