"""Commands of sites."""

from fazt.apps.sites.cli.deploy import deploy
from fazt.apps.sites.cli.sites import sites

COMMANDS = (deploy, sites)
