"""The one endpoint by wire: a request comes, an answer goes."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from hub import ingest
from hub.storage import Hub
from shared.access import allow
from sync.messages import MAX_MESSAGE
from sync.transport.http import MEDIA_TYPE

blueprint = Blueprint("wire", __name__)


@blueprint.get("/hub")
@allow.public
def describe() -> Response:
    """Whose hub this is: its public keys."""
    return Response(ingest.describe(_hub()), mimetype=MEDIA_TYPE)


@blueprint.post("/sync")
@allow.machine
def exchange() -> Response:
    """One exchange of a sync; who asks, the signature says."""
    request.max_content_length = MAX_MESSAGE
    return Response(ingest.receive(_hub(), request.get_data(cache=False)), mimetype=MEDIA_TYPE)


def _hub() -> Hub:
    hub: Hub = current_app.extensions["mektep-hub"]
    return hub
