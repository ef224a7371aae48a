"""Every error of the stored layers; messages say what is wrong, where, and what to do."""


class LayersError(Exception):
    """Root of the layers' errors."""


class DatabaseUnreachable(LayersError):
    """No server answers, or it refuses the name or password."""


class DatabaseBusy(LayersError):
    """The database is there, but did not get to an answer in time; nothing was changed."""


class ServerTooOld(LayersError):
    """PostgreSQL or PostGIS is older than what the service needs."""


class ExtensionMissing(LayersError):
    """The database has no PostGIS, and we may not create it."""


class RightsMissing(LayersError):
    """The database user may not do what the service must."""


class SchemaUnknown(LayersError):
    """The schema was made by something that this version doesn't know."""


class SchemaOutdated(LayersError):
    """The schema is older than this version."""


class ClusterFailed(LayersError):
    """The private PostGIS cannot be made or started."""


class SettingsInvalid(LayersError):
    """A setting has a value that cannot be used."""


class DataFolderTaken(LayersError):
    """The data folder holds something that Lianxin did not make."""


class FileUnreadable(LayersError):
    """A file that is not there, is damaged, or has no known format."""


class ExtraMissing(LayersError):
    """Something optional that the command needs is not installed."""


class WorkersUnreachable(LayersError):
    """No scheduler of workers answers, it has none, or they cannot do the work."""


class MappingInvalid(LayersError):
    """A column mapping that doesn't fit the file or the layer."""


class LayerRefused(LayersError):
    """A layer that cannot be loaded as a whole; nothing was changed."""


class EditionNotFound(LayersError):
    """No edition has that number."""


class EditionConflict(LayersError):
    """The edition's state doesn't allow what was asked."""


class EditionHasErrors(LayersError):
    """The coverage checks found errors and nobody took responsibility for them."""


class NoEditionInForce(LayersError):
    """Nothing can be routed before the first edition is published."""


class InstantInvalid(LayersError):
    """A text that is no date or time."""


class CaseNotFound(LayersError):
    """No case has that number."""


class CategoryUnknown(LayersError):
    """A category code that is not in the table."""


class ReportInvalid(LayersError):
    """A report that contradicts itself or lies in the future."""


class IdempotencyConflict(LayersError):
    """The same idempotency key came with another report."""


class CursorInvalid(LayersError):
    """A paging cursor that this service did not give out."""


class PasswordRefused(LayersError):
    """A password that is too short, or that is guessed first."""


class AccountNotFound(LayersError):
    """No account has that name."""


class AccountConflict(LayersError):
    """The name is taken."""


class AccountInvalid(LayersError):
    """An account whose name, role, area, categories or duties don't go together."""


class SignInRefused(LayersError):
    """Name and password, or token, do not let anybody in; why is not said."""


class SignInTooSoon(LayersError):
    """Too many wrong passwords just now; ``wait_s`` says how long to wait."""

    def __init__(self, message: str, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class IssuerUnreachable(LayersError):
    """Whoever issues the OpenID Connect tokens does not answer as it should."""


class NotAllowed(LayersError):
    """Whoever is signed in may not do that."""


class SecretUnusable(LayersError):
    """A secret is no base64url text, is too short, or others may read its file."""


class AuditBroken(LayersError):
    """The audit is not what was sealed, so that nothing more can be sealed on top of it."""


class ChartNotFound(LayersError):
    """No chart has that name."""


class ResidentNotFound(LayersError):
    """No resident has that number, or none whom the viewer may see."""


class ReadingRefused(LayersError):
    """The viewer may not read this field of this person."""


class TooManyReadings(LayersError):
    """The account has read as much of persons as it may for now."""


class KeyMissing(LayersError):
    """A value is sealed under a key that is not here."""


class SealBroken(LayersError):
    """A sealed value was changed, or moved from another row."""
