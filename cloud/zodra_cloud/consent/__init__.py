"""What a household agreed to, per purpose, as rows that are only ever added."""
