"""The grants of our clients, as a plugin of amqtt.

amqtt's own topic list has a publish list, a subscribe list and a receive list that are each "allow
all" when left out. This plugin refuses what is not granted, whatever the action.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseTopicPlugin
from amqtt.session import Session

from zodra_sim.brokers.access import covers
from zodra_sim.logs import logger


class AccessPlugin(BaseTopicPlugin):  # type: ignore[misc]
    """Allows what the access file grants, and nothing else."""

    @dataclass
    class Config:
        """Options in amqtt's configuration file."""

        access_file: str = ""
        """JSON: `{"<user name>": {"publish": [filters], "subscribe": [filters]}}`."""

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        path = Path(self._get_config_option("access_file"))
        self._grants: dict[str, dict[str, list[str]]] = json.loads(path.read_text())
        self._refused: Counter[str] = Counter()

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        """Decide about one action on one topic or filter."""
        username = (session.username if session else None) or ""
        granted = self._grants.get(username)
        if granted is None or not topic:
            return False
        # What may be subscribed may be received. The second question is asked again because a
        # session outlives a connection, and the next connection may have other rights.
        filters = granted["publish" if action is Action.PUBLISH else "subscribe"]
        allowed = any(covers(one, topic) for one in filters)
        if not allowed and action is not Action.RECEIVE:
            self._refuse(username, action, topic)
        return allowed

    def _refuse(self, username: str, action: Action | None, topic: str) -> None:
        self._refused[username] += 1
        count = self._refused[username]
        # Every refusal is counted; only the 1st, 2nd, 4th, 8th ... of a user is a line in the log,
        # since a client that goes on asking would otherwise fill the disk.
        if count & (count - 1) == 0:
            logger().warning(
                "topic_refused",
                reason="topic_not_granted",
                action=action,
                user=username,
                topic=topic[:140],
                count=count,
            )
