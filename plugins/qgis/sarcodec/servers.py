"""`sarcodec serve` of the folders that layers come from: started when the first file of a folder is opened, ended with the plugin. Knows no QGIS."""

import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

ENDING = ".sarc"
_SIDE_FILES = (".aux.xml", ".msk")
_SECONDS = 30


class CannotServe(Exception):
    """Words for a person: what was tried and what to do."""


class Servers:
    """command: gives the words that start sarcodec, such as ["sarcodec"]."""

    def __init__(self, command):
        self._command, self._running = command, {}

    def source(self, path):
        """What GDAL opens for a compressed file. Raises CannotServe."""
        path = Path(path).resolve()
        url = self._url(path.parent) + quote(path.with_suffix(".tif").name)
        # Without files beside it GDAL need not look for them, which it would do once for every name it knows.
        return f"/vsicurl/{url}" if _has_side_files(url) else f"/vsicurl?empty_dir=yes&url={quote(url, safe='')}"

    def close(self):
        """End all servers."""
        for process, _ in self._running.values():
            process.terminate()
        for process, _ in self._running.values():
            try:
                process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self._running.clear()

    def _url(self, folder):
        process, url = self._running.get(folder, (None, ""))
        if process is None or process.poll() is not None:
            process, url = self._start(folder)
            self._running[folder] = process, url
        return url

    def _start(self, folder):
        words = [*self._command(), "serve", str(folder), "--port", "0"]
        hidden = {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}
        try:
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **hidden)
        except OSError as error:
            raise CannotServe(f"{words[0]} did not start ({error}); install sarcodec, or set where it is") from error
        line = process.stdout.readline()
        found = re.search(r"is at (http://\S+/);", line)
        if not found:
            process.terminate()
            raise CannotServe(f"{words[0]} serve said: {(line + process.communicate()[1]).strip()}")
        return process, found[1]


def _has_side_files(url):
    return any(_answers(url + ending) for ending in _SIDE_FILES)


def _answers(url):
    request = urllib.request.Request(url, method="HEAD")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is this machine
    try:
        with opener.open(request, timeout=_SECONDS):
            return True
    except urllib.error.URLError:
        return False
