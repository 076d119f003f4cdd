"""Letters about subscriptions: announcements of charges, and what a household must know."""
