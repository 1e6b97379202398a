"""Commands of functions."""

from fazt.apps.runtime.cli.dev import dev
from fazt.apps.runtime.cli.functions import functions
from fazt.apps.runtime.cli.kv import kv
from fazt.apps.runtime.cli.logs import logs

COMMANDS = (functions, kv, logs, dev)
