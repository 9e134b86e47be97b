"""How fast this machine is: Starlette under uvicorn, answering two bytes to everybody who asks. Does nothing else.

The house chose its libraries by such figures (25,000 requests a second from one core). A machine on which this is slower
is slower for the gateway by as much.
"""

import sys
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

PATH: Final = "/api/v3/ping"


async def _ping(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("{}")


app = Starlette(routes=[Route(PATH, _ping)])

if __name__ == "__main__":
    uvicorn.run(
        app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="error", access_log=False
    )
