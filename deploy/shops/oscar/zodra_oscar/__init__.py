"""What a django-oscar shop with oscarapi lacks, so that a service may order there on its own.

One order under a reference, search by it, cancelling, refunds, and signed order events.
"""
