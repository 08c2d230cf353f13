# Everything Opportune needs, in one image; what it keeps lies in the volume /data.
FROM python:3.13-slim

RUN useradd --create-home --uid 10001 opportune \
    && install --directory --owner=opportune --group=opportune --mode=0700 /data
COPY . /app
RUN pip install --no-cache-dir "/app[postgres]" && rm -rf /app

USER opportune
ENV OPPORTUNE_DATA=/data OPPORTUNE_HOST=0.0.0.0 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8400
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8400/health/ready', timeout=4)"]
# In exec form, so that SIGTERM reaches it and it ends in good order.
ENTRYPOINT ["opportune"]
CMD ["serve"]
