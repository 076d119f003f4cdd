"""OAuth 2.0 for device makers: codes with PKCE, rotating refresh tokens, revocation."""
