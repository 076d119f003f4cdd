"""What gateways send, stored once and receipted after the commit; needs as the rooms see them."""
