"""One platform and one browser for all tests of pages; each test works in workspaces of its own."""

import asyncio
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect, sync_playwright

from tests.dashboard.visitor import FLAGS, PATIENCE, Visitor, sign_in
from tests.platform import Platform, running

# The one without windows first: it does the same in a fifth of the time.
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(Platform(tmp_path_factory.mktemp("platform"))) as platform:
        yield platform


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Function) -> Generator[None, bool, bool]:
    """While there is a browser this thread counts as one whose event loop runs, so no coroutine
    could. For a test without the browser it does not count as such."""
    if "browser" in item.fixturenames:
        return (yield)
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        asyncio._set_running_loop(None if loop is None or loop.is_closed() else loop)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    expect.set_options(timeout=PATIENCE)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            loop = asyncio._get_running_loop()
            yield browser
            asyncio._set_running_loop(loop)  # it may be a test without it that is the last
            browser.close()
    finally:  # whatever becomes of the browser, other tests are coroutines
        asyncio._set_running_loop(None)


@pytest.fixture(scope="module")
def signed_in(platform: Platform, browser: Browser) -> StorageState:
    """The administrator's cookies."""
    context = browser.new_context(base_url=platform.access["url"])
    page = context.new_page()
    sign_in(page, platform.access["user"], platform.access["password"])
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures go: RONDO_SCREENSHOTS, to look at them afterwards."""
    folder = Path(os.environ.get("RONDO_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def visitor(
    platform: Platform,
    browser: Browser,
    signed_in: StorageState,
    screenshots: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Visitor]:
    """The administrator at their browser, in a workspace of the test's own."""
    # With the file, for others have tests of the same name.
    name = f"{request.path.stem} {request.node.name}"
    visitor = Visitor(platform, browser, signed_in, screenshots, name)
    failed = request.session.testsfailed
    try:
        yield visitor
        if request.session.testsfailed > failed:
            visitor.shot("failed")
    finally:
        visitor.close()
    assert visitor.complaints == []


@pytest.fixture
def page(visitor: Visitor) -> Page:
    """On the workloads of the test's workspace."""
    visitor.page.goto(f"/workloads?workspace={visitor.workspace}")
    return visitor.page
