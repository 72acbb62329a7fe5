"""The guides are true: their Python runs, in the order of the page, and prints what they say."""

import contextlib
import io
import re
from pathlib import Path

import pytest

GUIDES = sorted((Path(__file__).resolve().parents[3] / "docs" / "guides").glob("*.md"))
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(guide: Path):
    """Each piece of Python with its line, and what the page says it prints."""
    text = guide.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] == "python":
            said = following[2] if following is not None and following[1] == "text" else ""
            yield text[: block.start(2)].count("\n"), block[2], said


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_guide(guide, server, monkeypatch):
    monkeypatch.setenv("KEYWRIGHT_URL", server.url)
    names = {"__name__": "guide"}
    found = list(examples(guide))
    assert found
    for line, program, said in found:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * line + program, str(guide), "exec"), names)
        assert printed.getvalue() == said, f"{guide.name}, line {line + 1}"
