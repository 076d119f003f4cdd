"""localstripe on loopback, as a process of its own: PORT. Nothing else here imports it (GPL)."""

import sys

from aiohttp import web
from localstripe import resources
from localstripe.server import app


def main() -> None:
    # It would write every card to one file that all of its processes on a machine share.
    resources.Store.dump_to_disk = lambda self: None
    # Its own command listens on every interface.
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
