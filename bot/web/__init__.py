"""The web chat: a page of its own on Gradio's server, queue and sign-in.

No other package imports Gradio.
"""

from bot.web.app import WebSettings, build_app
from bot.web.server import serve

__all__ = ["WebSettings", "build_app", "serve"]
