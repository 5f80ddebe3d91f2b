"""Uploads the model, deploys it, and has all houses priced on a schedule.

`rondo login` first; `python examples/houseprice/run.py http://127.0.0.1:8099` is where
data_server.py serves. Doing it again uploads new versions and starts one more schedule.
"""

import sys
from pathlib import Path

import rondo
from rondo.errors import ConnectionNotFound

HERE = Path(__file__).parent
FIRST = {"tensor": [3, 2, 1800, 7500, 1.5, 4, 8, 30]}


def deployed(client: rondo.Client) -> rondo.Pipeline:
    """The pipeline with the model, running."""
    model = client.upload_model("houseprice", HERE / "houseprice.onnx")
    pipeline = client.build_pipeline("houseprice").add_model_step(model)
    return pipeline.deploy(replicas=1, cpus=1, memory="512Mi")


def connect(client: rondo.Client, name: str, url: str) -> None:
    """A connection to that URL, for the current workspace."""
    try:
        client.get_connection(name)
    except ConnectionNotFound:
        client.create_connection(name, "HTTP", {"url": url})
        client.get_current_workspace().add_connection(name)


def batch_job(client: rondo.Client, data_url: str) -> tuple[rondo.Orchestration, dict[str, str]]:
    """The orchestration that prices all houses, and its arguments."""
    workspace = client.get_current_workspace()
    source, target = f"{workspace.name()}-houses", f"{workspace.name()}-prices"
    connect(client, source, f"{data_url}/houses.csv")
    connect(client, target, f"{data_url}/prices.json")
    job = client.upload_orchestration(path=HERE / "job", name="price all houses").wait()
    return job, {"pipeline": "houseprice", "source": source, "target": target}


def main(data_url: str, schedule: str = "* * * * *") -> None:
    client = rondo.Client()
    workspace = client.get_workspace("houses", create_if_not_exist=True)
    client.set_current_workspace(workspace)
    pipeline = deployed(client)
    (result,) = pipeline.infer([FIRST])
    print("one house:", result["out.price"][0], "at", pipeline.url())
    job, arguments = batch_job(client, data_url)
    task = job.run_scheduled("price all houses", schedule, arguments, timeout=300)
    print("the next batches:", *task.upcoming())
    print("waiting for the first one")
    print("\n".join(task.wait().logs().texts()))


if __name__ == "__main__":
    main(*sys.argv[1:])
