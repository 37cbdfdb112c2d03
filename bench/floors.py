"""What the work costs without notify: a loop of aiosmtplib, Mako and a CSS inliner, and rows committed to SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiosmtplib

__all__ = ["bare_renderer", "smtp_loop"]


def smtp_loop(port: int, connections: int, mails: list[tuple[str, bytes]]) -> None:
    """Sends mails that are bytes already, over connections that are kept: the least that aiosmtplib can do.

    Args:
        mails: (recipient, message).
    """

    async def work(waiting: Iterator[tuple[str, bytes]]) -> None:
        client = aiosmtplib.SMTP(
            hostname="127.0.0.1", port=port, use_tls=False, start_tls=False, local_hostname="localhost"
        )
        await client.connect()
        for recipient, data in waiting:
            await client.sendmail("office@example.com", [recipient], data)
        await client.quit()

    async def run() -> None:
        waiting = iter(mails)
        await asyncio.gather(*(work(waiting) for _ in range(connections)))

    asyncio.run(run())


def bare_renderer(templates: Path, name: str) -> Callable[[Mapping[str, Any]], tuple[str, str, str]]:
    """Mako with markupsafe's escaping, CSS inlined once in the template's source: fields → subject, HTML, text.

    Inlining each mail instead would cost more than all the rest, so the floor is the least that anybody could do.
    """
    import css_inline
    from mako.template import Template

    from notify.filters import money

    source = (templates / f"{name}.html.mako").read_text(encoding="utf-8")
    head, separator, page = source.partition("<!DOCTYPE html>")
    # Mako's own lines and expressions are text to the inliner.
    inlined = css_inline.CSSInliner(keep_style_tags=True).inline(separator + page)
    html = Template(head + inlined, default_filters=["h"])
    subject = html.get_def("subject")
    text = Template((templates / f"{name}.text.mako").read_text(encoding="utf-8"), default_filters=["str"])

    def render(fields: Mapping[str, Any]) -> tuple[str, str, str]:
        context = {**fields, "money": money}
        return (
            subject.render_unicode(**context),
            html.render_unicode(**context),
            text.render_unicode(**context),
        )

    return render
