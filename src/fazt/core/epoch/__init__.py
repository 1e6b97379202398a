"""Which life of the data this is: a new epoch begins whenever the file goes back to an earlier state."""

from fazt.core.epoch.store import Epoch, begin_epoch, get_epoch

__all__ = ["Epoch", "begin_epoch", "get_epoch"]
