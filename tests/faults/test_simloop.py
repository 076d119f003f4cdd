"""The simulated loop itself, on the Python that runs it."""

import asyncio
import random
import threading

import pytest

from faults.simloop import Deadlock, run


def test_time_passes_without_waiting() -> None:
    async def main() -> float:
        await asyncio.sleep(7 * 24 * 3600)
        return asyncio.get_running_loop().time()

    assert run(random.Random(1), main()) == pytest.approx(7 * 24 * 3600)


def trace(seed: int) -> list[tuple[str, float]]:
    draw = random.Random(seed)
    seen: list[tuple[str, float]] = []

    async def worker(name: str) -> None:
        for _ in range(3):
            await asyncio.sleep(draw.choice((0, 0, 1.5)))
            seen.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        tasks = {asyncio.create_task(worker(name)) for name in "abcd"}
        await asyncio.wait(tasks)
        seen.extend((task.get_name()[:4], 0.0) for task in tasks)

    run(draw, main())
    return seen


def test_the_same_seed_gives_the_same_run_and_others_give_others() -> None:
    assert trace(5) == trace(5)
    assert len({str(trace(seed)) for seed in range(20)}) > 15


def test_a_race_that_a_real_loop_hides_is_found() -> None:
    """Check, wait, act: in order of arrival it works, in others it does not."""

    async def main() -> int:
        taken: list[int] = []
        free = asyncio.Event()

        async def take(number: int) -> None:
            await free.wait()
            if not taken or number > taken[-1]:
                taken.append(number)

        tasks = [asyncio.create_task(take(number)) for number in range(3)]
        await asyncio.sleep(1)
        free.set()
        await asyncio.gather(*tasks)
        return len(taken)

    assert {run(random.Random(seed), main()) for seed in range(40)} == {1, 2, 3}
    assert asyncio.run(main()) == 3


def test_time_limits_and_cancelling_work() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(60)
        return asyncio.get_running_loop().time()

    assert run(random.Random(1), main()) == pytest.approx(30, abs=0.1)


def test_waiting_for_ever_is_told() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run(random.Random(1), main())


def test_no_thread_is_started() -> None:
    async def main() -> int:
        await asyncio.sleep(1)
        return threading.active_count()

    before = threading.active_count()
    assert run(random.Random(1), main()) == before
