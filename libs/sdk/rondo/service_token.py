"""A token with which a program acts for its owner."""

from rondo.instants import parse_instant
from rondo.records import Record


class ServiceToken(Record):
    """A token with which a program acts for its owner, in some of their workspaces."""

    def id(self) -> str:
        """Its id, a UUID. It is no secret."""
        return str(self._data["id"])

    def name(self) -> str:
        """Its name."""
        return str(self._data["name"])

    def owner(self) -> str:
        """The id of the user whom it acts for."""
        return str(self._data["owner"])

    def workspace_ids(self) -> list[int]:
        """The numbers of the workspaces that it is good for."""
        return list(self._data["workspaces"])

    def revoked(self) -> bool:
        """Whether somebody has revoked it."""
        return self._data["revoked_at"] is not None

    def secret(self) -> str | None:
        """The token itself when it has just been created, else None. Nobody can read it again."""
        secret: str | None = self._data.get("secret")
        return secret

    def to_json(self) -> dict[str, object]:
        """Its data, as the platform sent it, without the secret."""
        return {name: value for name, value in self._data.items() if name != "secret"}

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            "ID": self.id(),
            "Name": self.name(),
            "Workspaces": ", ".join(map(str, self.workspace_ids())),
            "Created At": self._instant("created_at"),
            "Expires At": self._instant("expires_at"),
            "Revoked At": self._instant("revoked_at"),
        }

    def _instant(self, field: str) -> str:
        instant = self._data[field]
        return "-" if instant is None else self._time(parse_instant(instant))
