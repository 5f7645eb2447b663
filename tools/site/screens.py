"""Pictures of the viewer for the documentation: python tools/site/screens.py writes docs/assets/view-*.webp.

A simulated scene, compressed at quality 50, in Debian's Chromium without a window. Needs the extra docs (Pillow).
"""

from __future__ import annotations

import io
import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import sarcodec  # noqa: E402
from sarcodec.simulate.product import simulate  # noqa: E402
from sarcodec.viewer.server import Server  # noqa: E402
from sarcodec.viewer.shown import Shown  # noqa: E402
from viewer.chromium import Chromium  # noqa: E402

ASSETS = ROOT / "docs" / "assets"
PLACE = "row=800&col=1100&side=1"


def shoot(browser: Chromium, name: str, *, whole: bool = False, quality: int = 80) -> None:
    """What is seen, as WebP."""
    browser.quiet(1)
    with tempfile.TemporaryDirectory() as folder:
        data = browser.picture(Path(folder, "a.png"), whole)
    target = ASSETS / f"view-{name}.webp"
    Image.open(io.BytesIO(data)).convert("RGB").save(target, quality=quality, method=6)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size:,} bytes")


def main() -> None:
    """Simulate, compress, look."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        scene, packed = folder / "scene.tif", folder / "scene.sarc"
        simulate(scene, 2000, 2000, seed=0)
        sarcodec.compress(scene, packed, quality=50)
        with Shown(packed, scene) as shown, Server(shown, port=0) as server, Chromium(folder / "profile") as browser:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            browser.open(f"{server.url}#kind=swipe&{PLACE}")
            browser.until("document.querySelectorAll('#kinds input').length")
            browser.quiet()
            browser.mouse("Moved", 500, 400)
            shoot(browser, "swipe", quality=55)
            browser.resize(760, 620)
            browser.key("e")
            shoot(browser, "error", quality=30)
            browser.resize(400, 760, dark=True)
            for key in "sf":
                browser.key(key)
            shoot(browser, "narrow")
            server.shutdown()


if __name__ == "__main__":
    main()
