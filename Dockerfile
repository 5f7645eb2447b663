# sarcodec in a container, from the wheel in dist/ (make dist):
#
#     docker build -t sarcodec .
#     docker run --rm -v "$PWD:/data" sarcodec compress scene.tif scene.sarc
#     docker run --rm -p 127.0.0.1:8766:8766 -v "$PWD:/data" sarcodec view scene.sarc --host 0.0.0.0
FROM python:3.13-slim

# libexpat is what rasterio's wheel takes from the system.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/*

COPY dist/*.whl /tmp/wheels/
RUN wheel="$(ls /tmp/wheels/sarcodec-*linux*_"$(uname -m)".whl)" \
    && pip install --no-cache-dir "${wheel}[bounded,remote]" \
    && rm -rf /tmp/wheels

# Files that are written belong to whoever is named here; -u "$(id -u)" makes them yours.
RUN useradd --create-home sarcodec
USER sarcodec
WORKDIR /data
ENTRYPOINT ["sarcodec"]
CMD ["--help"]
