"""One simulated home: its devices, the air and the broker they speak over, their memory."""
