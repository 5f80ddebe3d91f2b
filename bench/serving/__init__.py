"""What `bench.inference` measures with: a lean client, the servers beside ours, our platform."""
