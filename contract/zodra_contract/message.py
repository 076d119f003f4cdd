"""What all messages have in common."""

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """A frozen value that crosses the wire.

    A field that this build does not know is ignored, so that an older reader survives a newer
    writer; a field is never renamed and its name is never used again. Our own tests refuse
    unknown fields when they check what we send (`tests/contract`).
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_bytes="base64")
