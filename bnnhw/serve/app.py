"""The page and what it asks for, over HTTP on the loopback address."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.errors import BnnhwError, RequestError
from bnnhw.serve.workbench import Workbench
from bnnhw.templates import render

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.serving import BaseWSGIServer

__all__ = ["PORT", "Page", "make_app", "open_page"]

HOST = "127.0.0.1"
"""The only address that is listened on."""

PORT = 8765
"""The port where nothing else was asked for and nobody else is."""

LARGEST = 64 << 20
"""Bytes of the largest file that is taken."""

_HERE = Path(__file__).parent

SCRIPTS = (
    # The report has this one too.
    _HERE.parent / "report" / "way.js",
    *(_HERE / name for name in ("picture.js", "draw.js", "sound.js", "main.js")),
)
"""In the order in which the page has them."""

RULES = (
    "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may load: nothing from elsewhere."""


def make_app(workbench: Workbench) -> Flask:
    """The application: ``/`` is the page, all else answers in JSON, errors as ``{"error": ...}``."""
    from flask import Flask, Response, abort, request

    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    page = _page(workbench)

    @app.before_request
    def only_here() -> None:
        # A name that somebody else's page made to point here is not ours, and such a page may not post.
        if request.host.rsplit(":", 1)[0] not in (HOST, "localhost"):
            abort(403)
        if request.method == "POST" and request.mimetype != "application/octet-stream":
            abort(415)

    @app.after_request
    def strict(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = RULES
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.errorhandler(BnnhwError)
    def told(error: BnnhwError) -> tuple[dict[str, Any], int]:
        return {"error": str(error)}, 400

    @app.get("/")
    def show() -> str:
        return page

    @app.post("/draw")
    def draw() -> dict[str, Any]:
        return workbench.draw(request.get_data())

    @app.post("/drop")
    def drop() -> dict[str, Any]:
        return workbench.drop(request.args.get("name", "file"), request.get_data())

    @app.get("/frame/<source>/<int:number>")
    def frame(source: str, number: int) -> dict[str, Any]:
        return workbench.frame(source, number)

    return app


def _page(workbench: Workbench) -> str:
    # In a script element no text may end it.
    about = json.dumps(workbench.describe(), ensure_ascii=True).replace("<", "\\u003c")
    return render(
        "bnnhw.serve",
        "page.html.j2",
        title=workbench.title,
        about=about,
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        scripts=[path.read_text(encoding="utf-8") for path in SCRIPTS],
    )


@dataclass(frozen=True)
class Page:
    """A page that can be asked for.

    Parameters
    ----------
    url : str
    server : werkzeug server
    """

    url: str
    server: BaseWSGIServer

    def serve(self) -> None:
        """Answers until a signal, or :meth:`close` from another thread."""
        self.server.serve_forever()

    def close(self) -> None:
        """Ends :meth:`serve` and frees the port."""
        self.server.shutdown()
        self.server.server_close()


def open_page(workbench: Workbench, port: int | None = None) -> Page:
    """Listens, and answers from :meth:`Page.serve` on.

    Parameters
    ----------
    workbench : Workbench
    port : int, optional
        0 for any that is free; when not given :data:`PORT`, or any if somebody has that.

    Raises
    ------
    RequestError
        When somebody else has the port.
    """
    import socket

    from werkzeug.serving import make_server

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            listener.bind((HOST, PORT if port is None else port))
        except OSError:
            if port is not None:
                raise
            listener.bind((HOST, 0))
        listener.listen()
    except OSError as error:
        listener.close()
        raise RequestError(
            f"port {port} can't be listened on: {error.strerror or error}; --port 0 takes any that is free"
        ) from None
    # Requests are no news.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with listener:
        # The server listens on a duplicate.
        chosen: int = listener.getsockname()[1]
        server = make_server(HOST, chosen, make_app(workbench), threaded=True, fd=listener.fileno())
    return Page(f"http://{HOST}:{server.port}/", server)
