"""The route that takes documents: their bytes go straight into the session's folder."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.web.service import WebChat
from corpus.errors import ObserverError

SECRET_HEADER = "x-library"


def upload_route(chat: WebChat) -> Route:
    """Return the route `POST /library/documents?name=NAME`, the document as its body.

    Whoever has the secret of a session has signed in where that is asked for: the call that gives
    it asks for it. Gradio's own uploads would lie in a folder that all sessions can read.
    """

    async def receive(request: Request) -> JSONResponse:
        secret = request.headers.get(SECRET_HEADER, "")
        library = chat.libraries.find(secret) if chat.libraries else None
        if chat.libraries is None or library is None:
            return JSONResponse({"detail": "your documents were deleted; add them again"}, 404)
        name = request.query_params.get("name", "")
        try:
            upload = await chat.libraries.add(library, name, request.stream(), chat.view.documents)
        except ObserverError as error:
            return JSONResponse({"detail": str(error)}, 400)
        return JSONResponse(upload.as_json())

    return Route("/library/documents", receive, methods=["POST"])
