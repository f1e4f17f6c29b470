"""Draws docs/images/page.png: the search page over the demo's catalog, in Debian's chromium.

datacat demo && python scripts/page_picture.py demo
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image

TARGET = Path(__file__).parents[1] / "docs" / "images" / "page.png"
QUESTION = "slate roofs in good condition"
_SIZE = "1180,820"
_COLOURS = 128  # of a palette: a quarter of the bytes


def main() -> None:
    """Serves the catalog, asks the question, keeps what is seen."""
    catalog = sys.argv[1] if len(sys.argv) > 1 else "demo"
    command = [sys.executable, "-m", "datacat", "serve", "--port", "0", "-C", catalog]
    patient = {**os.environ, "DATACAT_SERVE_TIMEOUT_S": "600"}
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=patient) as process,
        tempfile.TemporaryDirectory() as folder,
    ):
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found
            shot = Path(folder) / "page.png"
            asked = urlencode({"q": QUESTION})
            urllib.request.urlopen(f"{found[0]}/v1/ask?{asked}").close()  # loads the model
            _shoot(f"{found[0]}/?{asked}", shot, profile=Path(folder) / "profile")
        finally:
            process.terminate()
        TARGET.parent.mkdir(exist_ok=True)
        Image.open(shot).convert("RGB").quantize(_COLOURS).save(TARGET, optimize=True)
    print(TARGET, TARGET.stat().st_size, "bytes")


def _shoot(address: str, target: Path, *, profile: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={profile}",
    ]
    options += [f"--window-size={_SIZE}", "--virtual-time-budget=30000", f"--screenshot={target}"]
    subprocess.run([browser, *options, address], check=True, capture_output=True, timeout=180)


if __name__ == "__main__":
    main()
