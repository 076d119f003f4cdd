"""What holds for every test."""

from hypothesis import HealthCheck, settings

# Time is not what a property is about: on a busy machine one example of a hundred takes longer
# than Hypothesis's 200 ms, and the next run does not.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")
