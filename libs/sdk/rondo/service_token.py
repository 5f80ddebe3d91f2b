"""A token that a program calls with, for some of its owner's workspaces."""

from rondo.models import Record, when


class ServiceToken(Record):
    def id(self) -> str:
        return str(self._data["id"])

    def name(self) -> str:
        return str(self._data["name"])

    def owner(self) -> str:
        """A user's id."""
        return str(self._data["owner"])

    def workspace_ids(self) -> list[int]:
        return list(self._data["workspaces"])

    def revoked(self) -> bool:
        return self._data["revoked_at"] is not None

    def secret(self) -> str | None:
        """The token itself, if it has just been made; nobody can read it again."""
        secret: str | None = self._data.get("secret")
        return secret

    def to_json(self) -> dict[str, object]:
        """As the platform answered it, save the secret."""
        return {name: value for name, value in self._data.items() if name != "secret"}

    def shown(self) -> dict[str, str]:
        return {
            "ID": self.id(),
            "Name": self.name(),
            "Workspaces": ", ".join(map(str, self.workspace_ids())),
            "Created At": self._when("created_at"),
            "Expires At": self._when("expires_at"),
            "Revoked At": self._when("revoked_at"),
        }

    def _when(self, what: str) -> str:
        instant = self._data[what]
        return "-" if instant is None else self._time(when(instant))
