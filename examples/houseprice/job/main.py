"""Prices for all houses of a list, each time that it runs: a batch inference.

The connection `source` has the `url` of a CSV with the houses, `target` the `url` that takes the
prices by PUT, as JSON. Arguments: `pipeline`, `source`, `target`.
"""

import csv
import io
import json
import urllib.request

import rondo

BATCH_ROWS = 1000
COLUMNS = ("bedrooms", "bathrooms", "living", "lot", "floors", "condition", "grade", "age")

client = rondo.Client()
arguments = rondo.task_args()
source = client.get_connection(arguments["source"]).details()
target = client.get_connection(arguments["target"]).details()

with urllib.request.urlopen(source["url"], timeout=60) as answer:
    houses = list(csv.DictReader(io.TextIOWrapper(answer, "utf-8")))
print(len(houses), "houses to price")

pipeline = client.get_pipeline(arguments["pipeline"])
if pipeline.status()["status"] != "Running":
    pipeline.deploy()

prices = []
for start in range(0, len(houses), BATCH_ROWS):
    batch = houses[start : start + BATCH_ROWS]
    rows = [{"tensor": [float(house[name]) for name in COLUMNS]} for house in batch]
    results = pipeline.infer(rows, dataset=["time", "out"])
    for house, result in zip(batch, results, strict=True):
        prices.append({"id": house["id"], "time": result["time"], "price": result["out.price"][0]})

request = urllib.request.Request(
    target["url"],
    data=json.dumps(prices).encode(),
    method="PUT",
    headers={"Content-Type": "application/json"},
)
with urllib.request.urlopen(request, timeout=60):
    print("wrote", len(prices), "prices, the first:", prices[0]["id"], prices[0]["price"])
