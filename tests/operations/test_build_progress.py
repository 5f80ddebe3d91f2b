"""While an environment is fetched slowly: who looks sees how far it is, and others' runs go on."""

from pathlib import Path

from tests.packager.slow_index import NAME, SHOWN, SlowIndex, serving
from tests.platform import Platform, api, running, until

MIB = 1 << 20


async def test_a_slow_build_shows_how_far_it_is(tmp_path: Path) -> None:
    async with serving(SlowIndex(max_bytes=MIB)) as index:  # half of what is wanted
        with running(Platform(tmp_path, variables={"UV_DEFAULT_INDEX": index.url})) as platform:
            async with api(platform, "slow") as client:
                quick = await client.ready({"main.py": "print('quick')"})
                assert "progress" not in await client.post("orchestration/get_by_id", {"id": quick})
                slow = await client.upload({"main.py": "", "requirements.txt": NAME})

                async def fetching() -> bool:
                    found = await client.post("orchestration/get_by_id", {"id": slow})
                    return f"fetching {SHOWN}: " in found.get("progress", "")

                await until(fetching, "the progress of a build")
                [run] = await client.ended(await client.run(quick))
                assert run["status"] == "success"
                found = await client.post("orchestration/get_by_id", {"id": slow})
                assert found["status"] == "packaging"
