"""The secrets as deploy/make-secrets.sh makes them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.compose import ROOT


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("deploy/make-secrets.sh needs openssl, which is not here")
    folder = tmp_path_factory.mktemp("deploy") / "secrets"
    environment = os.environ | {"RONDO_UID": str(os.getuid())}
    subprocess.run([ROOT / "deploy/make-secrets.sh", folder], env=environment, check=True)
    return folder
