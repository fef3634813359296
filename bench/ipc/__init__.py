"""IPC: queues, pipes and large arrays against multiprocessing, faster-fifo and pyzmq."""

from bench.ipc.session import main as main
