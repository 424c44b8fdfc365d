# lissnas on CPUs, with the exact versions that `make` installs.
#
#   docker build --tag lissnas .
#   docker run --rm --volume "$PWD/results:/results" lissnas
#   docker run --rm --volume "$PWD/results:/results" lissnas locality digits-cells --out /results/locality
#
# `make docker` runs the RUN steps below in an empty environment, because continuous integration has no Docker.
FROM python:3.11-slim
ENV LISSNAS_CACHE=/var/cache/lissnas PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /lissnas
COPY . .
RUN python -m pip install --quiet --require-hashes --requirement requirements/reproduce.txt
RUN python -m pip install --quiet --no-deps --no-build-isolation .
RUN mkdir -p "$LISSNAS_CACHE" && lissnas benchmarks digits-cells
RUN chmod -R a+rwX "$LISSNAS_CACHE"
WORKDIR /results
ENTRYPOINT ["lissnas"]
CMD ["reproduce", "--out", "/results"]
