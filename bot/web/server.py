"""Serving the page: where, to whom, and what Gradio leaves out."""

import os
import socket
from typing import Any

from bot.web.app import ChatApp
from bot.web.theme import paper_theme
from bot.web.uploads import upload_route
from corpus.errors import SettingsError


def launch_options() -> dict[str, Any]:
    """Return the keyword arguments for `gr.Blocks.launch` that make the page what it is.

    Nothing is shared, tracked, monitored or kept by Gradio, and uploads by its own route, which the
    page has no use for, are refused.
    """
    return {
        "theme": paper_theme(),
        "head": '<meta name="color-scheme" content="light dark">',
        "share": False,
        "quiet": True,
        "inline": False,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": 1,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "prevent_thread_lock": True,
    }


def serve(
    app: ChatApp, *, host: str, port: int, sign_in: tuple[str, str] | None, open_browser: bool
) -> str:
    """Start the server in the background.

    Args:
        app: From `build_app`.
        host: The address to listen on.
        port: The port to listen on.
        sign_in: User name and password that visitors need, or None to let everyone in.
        open_browser: Whether to show the page in the default browser.

    Returns:
        The page's address.

    Raises:
        SettingsError: The port is taken, or the address is not this machine's.
    """
    check_port(host, port)
    _bypass_proxies()
    try:
        _, url, _ = app.launch(
            **launch_options(),
            server_name=f"[{host}]" if ":" in host else host,
            server_port=port,
            auth=sign_in,
            auth_message="Sign in to question the document.",
            inbrowser=open_browser,
            app_kwargs={"routes": [upload_route(app.chat)]},
        )
    except OSError as error:
        raise SettingsError(
            f"the server did not start on {host} port {port}; try again or choose another port"
        ) from error
    return url


def check_port(host: str, port: int) -> None:
    """Make sure that a server can listen here.

    Raises:
        SettingsError: The port is taken, or the address is not this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise SettingsError(f"--host {host}: is no address of this machine") from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {host} port {port}: {error.strerror}; choose another with "
                f"--port {port + 1}"
            ) from error


def _bypass_proxies() -> None:
    """Let Gradio's start-up check of its own address past any proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        known = os.environ.get(name, "")
        os.environ[name] = ",".join(filter(None, (known, "127.0.0.1", "localhost", "::1")))
