"""Every algorithm, several limits and all options: random operations, the clock moved about, against the models."""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.limits_run import EARLIEST, SECOND, START, UNITS, Limit, Options, Run

YEAR_2100 = 4_102_444_800_000_000
#: KEYWRIGHT_EXAMPLES=5000 looks longer.
EXAMPLES = int(os.environ.get("KEYWRIGHT_EXAMPLES", "200"))
THOROUGH = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ALGORITHMS = ["gcra", "fixed_window", "sliding_counter", "sliding_log", "concurrency"]

nudges = st.integers(-1, 1)
costs = st.one_of(st.integers(1, 3), st.integers(0, 40), st.integers(0, 1200))
which = st.integers(0, 7)
client_steps = [
    st.tuples(st.just("hit"), costs),
    st.tuples(st.just("hit"), costs),
    st.tuples(st.just("fill"), nudges),  # as much as there is, or one more or less
    st.tuples(st.just("up_to"), costs),
    st.tuples(st.just("peek"), costs),
    st.tuples(st.just("refund"), which, st.integers(0, 40)),
    st.tuples(st.just("refund"), which, st.integers(0, 40)),
    st.tuples(st.just("renew"), which),
    st.tuples(st.just("reset")),
    st.tuples(st.just("persist"), which),
    st.tuples(st.just("advance"), st.one_of(st.integers(0, 10), st.integers(0, 3 * SECOND), st.integers(0, 10**13))),
    st.tuples(st.just("interval"), st.integers(1, 5), nudges),  # the time of some hits
    st.tuples(st.just("retry"), nudges),  # as long as the last denial said
    st.tuples(st.just("settle"), nudges),  # until the state has passed
    st.tuples(st.just("back"), st.one_of(st.integers(1, SECOND), st.integers(1, 10**14))),
]
operations = st.lists(st.tuples(st.sampled_from([0, 0, 1]), st.one_of(client_steps)), min_size=5, max_size=40)
starts = st.sampled_from([START, START + 12_345_678, YEAR_2100 - 2 * SECOND, EARLIEST])


@st.composite
def limit(draw, algorithm, label, shadows, calendar):
    if algorithm == "concurrency" or draw(st.integers(0, 4)) == 4:
        return Limit(draw(st.integers(1, 12)), label=label, concurrent=True, shadow=draw(shadows))
    units = ["d", "w", "month", "year"] if calendar else ["ms", "s", "s", "m", "d"]
    # Rates whose interval is whole, has a remainder, and is rounded.
    many = [7, 60, 997, 1000, 1009] + ([100_003] if algorithm == "gcra" else [])
    count = draw(st.one_of(st.integers(1, 12), st.sampled_from(many)))
    unit, burst = draw(st.sampled_from([*units, "us"] if algorithm == "gcra" else units)), None
    if algorithm == "gcra":
        burst = draw(st.one_of(st.none(), st.integers(1, 40), st.integers(1, 1100)))
        if count > 1000 * UNITS[unit]:
            unit = "s"
    return Limit(count, draw(st.integers(1, 3)), unit, burst, label, draw(shadows))


@st.composite
def setups(draw, algorithm):
    """Options and two texts of limits that share their labels: what two clients have while limits are changed."""
    align = draw(st.sampled_from(["first_hit", "clock", "calendar"])) if algorithm == "fixed_window" else "first_hit"
    zone = 0 if align == "first_hit" else draw(st.sampled_from([0, 60, -300, 345, 840]))
    block = draw(st.sampled_from([0, 0, SECOND // 2, 10 * SECOND]))
    block_max = draw(st.sampled_from([0, 4 * block, 100 * block]))
    labels = ["a"] if algorithm == "concurrency" else draw(st.sampled_from([["a"], ["a"], ["a", "b"], ["a", "b", "c"]]))
    shadows = st.sampled_from([False, False, False, True]) if len(labels) > 1 else st.just(False)
    texts = []
    for _ in range(2):
        limits, leases = [], 0
        for label in labels:
            made = draw(limit(algorithm, label, shadows, align == "calendar"))
            leases += made.concurrent
            if leases > 1 and made.concurrent and algorithm != "concurrency":
                made = Limit(5, label=label)
            limits.append(made)
        texts.append(limits)
    concurrent = any(made.concurrent for limits in texts for made in limits)
    charge = not concurrent and draw(st.sampled_from([False, False, True]))
    lease = draw(st.sampled_from([SECOND, 60 * SECOND, 86_400 * SECOND]))
    return Options(algorithm, align, zone, lease, charge, block, block_max), texts


def one_step(run, who, kind, args):
    if kind == "fill":
        run.hit(who, max(0, run.room(who) + args[0]))
    elif kind == "hit":
        run.hit(who, args[0])
    elif kind == "up_to":
        run.hit(who, args[0], up_to=True)
    elif kind == "peek":
        run.peek(who, args[0])
    elif kind == "refund":
        run.refund(*args)
    elif kind == "renew":
        run.renew(*args)
    elif kind == "reset":
        run.reset(who)
    elif kind == "persist":
        run.persist(*args)
    elif kind == "advance":
        run.move(args[0])
    elif kind == "interval":
        period = run.limits[who][0].period_us
        run.move(max(0, args[0] * period // run.limits[who][0].count + args[1]))
    elif kind == "retry":
        run.move(max(0, run.retry_after + args[0]))
    elif kind == "settle":
        run.move(max(0, run.limiters[who][1].peek(run.keys, run.now).reset_after_us + args[0]))
    else:
        run.move(-args[0])


def follow(client, server, clock, setup, start, done):
    options, texts = setup
    limiters = [(options.open(client, "model", limits), options.model(limits)) for limits in texts]
    run = Run(server, clock, limiters, start)
    run.limits = texts
    plain = not options.charge_denials and not options.block_us
    for who, (kind, *args) in done:
        before = dict(run.keys.held)
        sound = all(
            not shape.amiss(run.keys, run.now) and not run.keys.lasts_forever(shape.part)
            for shape in limiters[who][1].shapes
        )
        one_step(run, who, kind, args)
        run.check()
        if kind in ("hit", "fill", "up_to"):
            decision = run.made[-1][0]
            if not decision and plain and sound:
                assert run.keys.held == before
            if decision.amount or (not decision and decision.retry_after < float("inf")):
                run.nothing_forever(who)


def promise(algorithm):
    @given(setup=setups(algorithm), start=starts, done=operations)
    @THOROUGH
    def test(client, server, clock, setup, start, done):
        follow(client, server, clock, setup, start, done)

    return test


test_gcra = promise("gcra")
test_fixed_windows = promise("fixed_window")
test_the_sliding_counter = promise("sliding_counter")
test_the_sliding_log = promise("sliding_log")
test_concurrency = promise("concurrency")
