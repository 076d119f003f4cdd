"""Brokers for the demo and the tests: amqtt, mosquitto or NATS behind one set of promises.

Each is the real program with a password and a list of allowed topics for every client.
"""
