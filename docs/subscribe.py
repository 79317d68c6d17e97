#!/usr/bin/python3
"""subscribe.py ENDPOINT [PREFIX]: prints what a vigia publishes, one JSON object a line (pyzmq)."""
import sys
import zmq

telling = zmq.Context().socket(zmq.SUB)
telling.setsockopt_string(zmq.SUBSCRIBE, sys.argv[2] if len(sys.argv) > 2 else "hit.")
telling.connect(sys.argv[1])
while True:
    topic, message = telling.recv_multipart()
    print(message.decode(), flush=True)
