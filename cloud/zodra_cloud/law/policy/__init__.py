"""The room's rules, pure: periods, withdrawals, refunds, honest reductions, proofs."""
