"""Files of a chat: POST /api/chats/{chat}/files and GET /api/chats/{chat}/files/{file}.

The backend keeps no list of files. A file's id is random and stands in a message that only the
chat's members can read; besides, only members may ask for it.
"""

import re

from lambdas.api.call import Call, Response
from lambdas.errors import ChatError, not_found
from lambdas.files import DOWNLOAD_SECONDS, PREFIX, UPLOAD_SECONDS
from lambdas.limits import DOWNLOADS, Limits, file_bytes, file_number
from lambdas.messages.heads import read_head

FILE = re.compile(r"[A-Za-z0-9_-]{22,64}")
RANDOM_BYTES = 24
MIB = 2**20
UNIT = 64 * 1024  # bytes that one token of the limit in bytes stands for


def upload(call: Call) -> Response:
    """A form by which one file is put into the bucket, and the id to get it by."""
    size, settings = call.body["size"], call.aws.settings
    if size > settings.file_mib * MIB:
        raise ChatError("too_large", f"a file has at most {settings.file_mib} MiB, encrypted")
    read_head(call.aws.chats, call.chat, call.user)
    limits = Limits(call.aws.users, call.aws.now)
    limits.take(call.user, "files", file_number(settings.files_per_day))
    units = settings.file_mib_per_day * MIB // UNIT
    limits.take(call.user, "file-bytes", file_bytes(units), -(-size // UNIT))
    file = call.aws.random(RANDOM_BYTES)
    form = call.aws.files.upload(_key(call.chat, file), size)
    body = {"file": file, "url": form.url, "fields": form.fields, "expires_in": UPLOAD_SECONDS}
    return Response(201, body)


def download(call: Call) -> Response:
    """A URL for a file of the chat. S3 responds with 404 where there is no such file."""
    file = call.path["file"]
    if not FILE.fullmatch(file):
        raise not_found("there is no such file")
    read_head(call.aws.chats, call.chat, call.user)
    Limits(call.aws.users, call.aws.now).take(call.user, "downloads", DOWNLOADS)
    url = call.aws.files.download(_key(call.chat, file))
    return Response(200, {"url": url, "expires_in": DOWNLOAD_SECONDS})


def _key(chat: str, file: str) -> str:
    """Contains the chat, so that a member of another chat can't get the file through that chat."""
    return f"{PREFIX}{chat}/{file}"
