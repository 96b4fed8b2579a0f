"""How computes become kernels: functions on flat buffers, with integers whose ranges are known."""
