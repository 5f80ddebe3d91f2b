"""A user, as the members of a workspace see each other."""

from rondo.models import Record


class User(Record):
    def id(self) -> str:
        return str(self._data["user_id"])

    def email(self) -> str:
        return str(self._data["email"])

    def username(self) -> str:
        return str(self._data["username"])

    def user_type(self) -> str:
        """`owner` or `collaborator`."""
        return str(self._data["user_type"])

    def shown(self) -> dict[str, str]:
        return {
            "ID": self.id(),
            "Email": self.email(),
            "Username": self.username(),
            "User Type": self.user_type(),
        }
