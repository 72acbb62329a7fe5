"""Random hits of a joint limiter, the server's clock moved about, against independent models of its limiters."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.joint_model import JointRun, member
from support.limits_run import SECOND, Limit, Options

THOROUGH = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
ALGORITHMS = ["gcra", "fixed_window", "sliding_counter", "sliding_log"]
rates = st.builds(
    Limit,
    count=st.integers(1, 20),
    multiple=st.integers(1, 3),
    unit=st.sampled_from(["s", "m"]),
    shadow=st.booleans(),
)
concurrent = st.builds(Limit, count=st.integers(1, 6), concurrent=st.just(True))
limits = st.lists(st.one_of(rates, rates, concurrent), min_size=1, max_size=3, unique_by=lambda limit: limit.period_us)
limiters = st.tuples(st.builds(Options, algorithm=st.sampled_from(ALGORITHMS), lease_us=st.just(5 * SECOND)), limits)
costs = st.one_of(st.integers(1, 3), st.integers(0, 24))
steps = [
    st.tuples(st.just("hit"), st.lists(costs, min_size=3, max_size=3)),
    st.tuples(st.just("hit"), st.lists(st.integers(1, 4), min_size=3, max_size=3)),
    st.tuples(st.just("fill"), st.integers(0, 2), st.integers(-1, 1)),  # as much as one has, or one more or less
    st.tuples(st.just("peek"), st.lists(costs, min_size=3, max_size=3)),
    st.tuples(st.just("refund"), st.integers(0, 9), st.integers(1, 24)),
    st.tuples(st.just("persist"), st.integers(0, 8)),
    st.tuples(st.just("advance"), st.one_of(st.integers(0, 10), st.integers(0, 3 * SECOND), st.integers(0, 10**9))),
    st.tuples(st.just("retry"), st.integers(-1, 1)),
    st.tuples(st.just("back"), st.one_of(st.integers(1, SECOND), st.integers(1, 10**12))),
]


@given(made=st.lists(limiters, min_size=2, max_size=3), done=st.lists(st.one_of(steps), min_size=5, max_size=30))
@THOROUGH
def test_a_joint_limiter_charges_all_or_none(client, server, clock, made, done):
    members = []
    for i, (options, own) in enumerate(made):
        limiter = options.open(client, f"member{i}", own)
        members.append(member(limiter, options.model(own), f"key{i}"))
    run = JointRun(server, clock, client.joint([one.limiter for one in members]), members)
    for kind, *args in done:
        if kind == "hit":
            run.hit(args[0][: len(members)])
        elif kind == "fill":
            chosen = members[args[0] % len(members)]
            room = chosen.model.peek(chosen.keys, run.now).remaining
            run.hit([max(0, room + args[1]) if one is chosen else 1 for one in members])
        elif kind == "peek":
            run.peek(args[0][: len(members)])
        elif kind == "refund":
            run.refund(*args)
        elif kind == "persist":
            run.persist(args[0])
        elif kind == "advance":
            run.move(args[0])
        elif kind == "retry":
            run.move(max(0, run.retry_after + args[0]))
        else:
            run.move(-args[0])
        run.check()
