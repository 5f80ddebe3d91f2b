"""Users: as members of a workspace, and with their accounts."""

from datetime import datetime, timezone

from rondo.records import Record


class User(Record):
    """A user."""

    def id(self) -> str:
        """Their id, a UUID."""
        return str(self._data["id"])

    def email(self) -> str:
        """Their email."""
        return str(self._data["email"])

    def username(self) -> str:
        """The name that they log in with."""
        return str(self._data["username"])

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {"ID": self.id(), "Email": self.email(), "Username": self.username()}


class Member(User):
    """A user as a member of a workspace."""

    def id(self) -> str:
        """Their id, a UUID."""
        return str(self._data["user_id"])

    def user_type(self) -> str:
        """Their role in the workspace: `owner` or `collaborator`."""
        return str(self._data["user_type"])

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {**super().shown(), "User Type": self.user_type()}


class Account(User):
    """A user as administrators see them."""

    def enabled(self) -> bool:
        """Whether they may log in."""
        return bool(self._data["enabled"])

    def admin(self) -> bool:
        """Whether they are an administrator."""
        return bool(self._data["admin"])

    def created_at(self) -> datetime:
        """When the account was created, in UTC."""
        return datetime.fromtimestamp(self._data["createdTimestamp"] / 1000, timezone.utc)

    def password(self) -> str | None:
        """The password that the platform has just made up, else None. Nobody can read it again."""
        password: str | None = self._data.get("password")
        return password

    def to_json(self) -> dict[str, object]:
        """The data, as the platform sent it, without the password."""
        return {name: value for name, value in self._data.items() if name != "password"}

    def shown(self) -> dict[str, str]:
        """What people see of it: titles and texts, in order."""
        return {
            **super().shown(),
            "Enabled": str(self.enabled()),
            "Admin": str(self.admin()),
            "Created At": self._time(self.created_at()),
        }
