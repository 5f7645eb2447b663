"""Debian's Chromium without a window, told what to do by the DevTools protocol over two pipes: pages, clicks, keys, pictures. Standard library only."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from queue import Queue

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless=new --no-sandbox --use-angle=swiftshader --disable-quic --no-first-run --disable-sync --disable-background-networking "
    "--disable-component-update --disable-extensions --disable-dev-shm-usage --force-device-scale-factor=1 --remote-debugging-pipe"
).split()
_SECONDS = 60
KEY_CODES = {"ArrowRight": 39, "ArrowLeft": 37, "Escape": 27, "Home": 36, "Tab": 9}


class Chromium:
    """A browser with a page; use it in a `with`. folder: for its profile. requests: URLs that pages asked for; errors: what consoles and pages complained of."""

    def __init__(self, folder: Path, width: int = 1280, height: int = 800, dark: bool = False) -> None:
        to_it, from_us = os.pipe()
        from_it, to_us = os.pipe()
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank"]
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 100) for end in (to_it, to_us)]

        def place_ends() -> None:
            for end, wanted in zip(ends, (3, 4), strict=True):
                os.dup2(end, wanted)

        self._process = subprocess.Popen(command, pass_fds=(3, 4), preexec_fn=place_ends, stderr=subprocess.DEVNULL)
        for end in ends:
            os.close(end)
        os.close(to_it)
        os.close(to_us)
        self._out, self._in, self._number = os.fdopen(from_us, "wb", 0), os.fdopen(from_it, "rb"), 0
        self._answers: Queue[dict] = Queue()
        self.requests, self.errors, self._pending = [], [], set()
        self._session = None
        threading.Thread(target=self._listen, daemon=True).start()
        target = next(one for one in self.send("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.resize(width, height, dark)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._session = None
        self._out.write(json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def resize(self, width: int, height: int, dark: bool = False) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def send(self, method: str, **parameters):
        """One command; its answer."""
        self._number += 1
        words = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            words["sessionId"] = self._session
        self._out.write(json.dumps(words).encode() + b"\0")
        while True:
            answer = self._answers.get(timeout=_SECONDS)
            if answer["id"] == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _listen(self) -> None:
        rest = b""
        while piece := self._in.read1(1 << 16):
            *whole, rest = (rest + piece).split(b"\0")
            for text in whole:
                said = json.loads(text)
                if "id" in said:
                    self._answers.put(said)
                else:
                    self._note(said["method"], said.get("params", {}))

    def _note(self, method: str, said: dict) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
            self._pending.add(said["requestId"])
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            self._pending.discard(said["requestId"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(
                said["exceptionDetails"].get("exception", {}).get("description", said["exceptionDetails"]["text"])
            )
        elif method == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.errors.append(said["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "assert"):
            self.errors.append(str(said["args"]))

    def open(self, url: str) -> None:
        """A page, until it is loaded."""
        self.send("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def value(self, expression: str):
        """Of an expression of JavaScript, a promise's too."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, (expression, answer["exceptionDetails"])
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = _SECONDS):
        """Until an expression is true."""
        end = time.monotonic() + seconds
        while not (found := self.value(f"(() => {{ try {{ return {expression} }} catch (e) {{ return false }} }})()")):
            assert time.monotonic() < end, f"not true after {seconds} s: {expression}; {self.errors}"
            time.sleep(0.05)
        return found

    def mouse(self, kind: str, x: float, y: float, button: str = "none") -> None:
        self.send(
            "Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, button=button, clickCount=0 if kind == "Moved" else 1,
            buttons=1 if button == "left" and kind != "Released" else 0,
        )  # fmt: skip

    def click(self, x: float, y: float) -> None:
        for kind in ("Moved", "Pressed", "Released"):
            self.mouse(kind, x, y, "none" if kind == "Moved" else "left")

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 5) -> None:
        self.mouse("Moved", *start)
        self.mouse("Pressed", *start, "left")
        for step in range(1, steps + 1):
            self.mouse("Moved", *(a + (b - a) * step / steps for a, b in zip(start, end, strict=True)), "left")
        self.mouse("Released", *end, "left")

    def middle(self, selector: str) -> tuple[float, float]:
        """Of the first element of a selector, scrolled into view."""
        box = self.value(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'nearest'}}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2] })()"
        )
        return box[0], box[1]

    def key(self, key: str) -> None:
        """Press and release."""
        code = KEY_CODES.get(key, ord(key[0].upper()))
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                **(text if kind == "keyDown" else {}),
            )

    def picture(self, path: Path, whole: bool = False) -> bytes:
        """Write what is seen (or the whole page) as PNG."""
        data = base64.b64decode(self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])
        path.write_bytes(data)
        return data

    def quiet(self, seconds: float = 0.5) -> None:
        """Until all that was asked for is there, nothing more was asked for so long, and it is drawn."""
        count, since, end = -1, time.monotonic(), time.monotonic() + _SECONDS
        while time.monotonic() - since < seconds:
            assert time.monotonic() < end, "requests go on and on"
            if len(self.requests) != count or self._pending:
                count, since = len(self.requests), time.monotonic()
            time.sleep(0.05)
            self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
