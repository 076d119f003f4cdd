"""What runs on the gateway: radio and home broker in, kept need-moments and a light out."""
