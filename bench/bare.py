"""The baseline: an aiohttp handler that reads the body and answers. Arguments: port [cert key]."""

import asyncio
import ssl
import sys

from aiohttp import web


async def _answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=b'{"ok":true}', content_type="application/json")


async def _serve(port: int, pair: list[str]) -> None:
    app = web.Application()
    app.router.add_post("/api/ingest", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context = None
    if pair:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*pair)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2:]))
