"""Orchestrations: uploaded by path and by bytes, listed, shown, refused."""

import hashlib
import os

from tests.sdk_acceptance.scripts.common import archive, client, ready, refusal, until

wl = client()
workspace = wl.get_current_workspace()
path = os.path.join(os.environ["HOME"], "by path.zip")
with open(path, "wb") as file:
    file.write(archive(main="print(1)"))
by_path = wl.upload_orchestration(path=path)
assert by_path.file_name() == "by path.zip"
assert by_path.name() is None
assert by_path.workspace_id() == workspace.id()
until(lambda: by_path.status() == "ready", "it is packaged")
by_bytes = ready(wl, "print(2)", "by bytes")
assert (by_bytes.name(), by_bytes.file_name()) == ("by bytes", "sample.zip")
assert by_bytes.sha() == hashlib.sha256(archive(main="print(2)")).hexdigest()
nameless = wl.upload_orchestration(bytes_buffer=archive(main="print(3)"))
assert nameless.file_name() == "_"

ids = [str(one.id()) for one in (by_path, by_bytes, nameless)]
by_id = wl.list_orchestrations(workspace_id=workspace.id())
assert [str(one.id()) for one in by_id] == ids
by_name = wl.list_orchestrations(workspace_name=workspace.name())
assert [str(one.id()) for one in by_name] == ids
assert set(ids) <= {str(one.id()) for one in wl.list_orchestrations()}
assert "Error" in refusal(lambda: wl.list_orchestrations(workspace_id="1"))
assert "Error" in refusal(lambda: wl.list_orchestrations(workspace_name=1))
assert "by bytes" in by_bytes._repr_html_()
assert "by path.zip" in by_id._repr_html_()
assert by_bytes.created_at() <= by_bytes.updated_at()

assert "main.py" in refusal(lambda: wl.upload_orchestration(bytes_buffer=archive(one="1", two="2")))
assert "ZIP" in refusal(lambda: wl.upload_orchestration(bytes_buffer=b"no archive")).upper()
assert "requires either bytes or path" in refusal(wl.upload_orchestration)
print("done")
