"""The API gateway: the platform's HTTP side. Commands become events, reads are rows."""
