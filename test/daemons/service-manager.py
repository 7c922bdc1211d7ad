"""Listens on a datagram socket as a service manager does (sd_notify(3)) and prints each message as one JSON line."""
import json
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print("READY", flush=True)
while True:
    # Descriptors that come along (a barrier) have no room here: the kernel closes them, which is what the sender waits for.
    print(json.dumps(listener.recv(65536).decode().splitlines()), flush=True)
