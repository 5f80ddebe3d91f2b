# One image for every service; the command says which: python -P -m services.<name>
# The packager and the executors must run the same Python at the same path: one image sees to it.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /build
COPY requirements/platform.txt requirements/
RUN python -m venv /opt/rondo \
 && /opt/rondo/bin/pip install --no-cache-dir --require-hashes -r requirements/platform.txt
COPY . .
RUN /opt/rondo/bin/uv pip install --no-cache --no-deps --compile-bytecode \
      --python /opt/rondo/bin/python .

FROM python:${PYTHON}
ARG UID=10001
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 # Volumes mounted here take the owner over.
 && install -d -o "${UID}" -g "${UID}" /var/lib/rondo /srv/environments
COPY --from=build /opt/rondo /opt/rondo
ENV PATH=/opt/rondo/bin:$PATH HOME=/var/lib/rondo PYTHONUNBUFFERED=1
USER ${UID}:${UID}
WORKDIR /var/lib/rondo
EXPOSE 8000
ENTRYPOINT ["tini", "--"]
CMD ["python", "-P", "-m", "services.api"]
