"""Users: as members of a workspace see each other, and as the platform knows them."""

from datetime import datetime, timezone

from rondo.models import Record


class User(Record):
    def id(self) -> str:
        return str(self._data["id"])

    def email(self) -> str:
        return str(self._data["email"])

    def username(self) -> str:
        return str(self._data["username"])

    def shown(self) -> dict[str, str]:
        return {"ID": self.id(), "Email": self.email(), "Username": self.username()}


class Member(User):
    """Of a workspace."""

    def id(self) -> str:
        return str(self._data["user_id"])

    def user_type(self) -> str:
        """`owner` or `collaborator`."""
        return str(self._data["user_type"])

    def shown(self) -> dict[str, str]:
        return {**super().shown(), "User Type": self.user_type()}


class Account(User):
    def enabled(self) -> bool:
        """Whether they may log in."""
        return bool(self._data["enabled"])

    def admin(self) -> bool:
        return bool(self._data["admin"])

    def created_at(self) -> datetime:
        return datetime.fromtimestamp(self._data["createdTimestamp"] / 1000, timezone.utc)

    def password(self) -> str | None:
        """The one that the platform has just made up for them; nobody can read it again."""
        password: str | None = self._data.get("password")
        return password

    def to_json(self) -> dict[str, object]:
        """As the platform answered it, save the password."""
        return {name: value for name, value in self._data.items() if name != "password"}

    def shown(self) -> dict[str, str]:
        return {
            **super().shown(),
            "Enabled": str(self.enabled()),
            "Admin": str(self.admin()),
            "Created At": self._time(self.created_at()),
        }
