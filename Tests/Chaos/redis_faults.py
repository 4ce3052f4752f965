"""Redis loses what it holds, goes away, or is set up wrongly. It only wakes workers, so nothing may be lost."""

from faults import fault
from fleet import Fleet
from moments import is_claim
from postgres_wire import PostgresProxy
from redis_wire import RedisProxy
from waiting import Breach, expect, holds_for, wait_for
from wire import Call, Decision, Proxy, Seen

# A stale dispatch is found after 2 s here, and a sweep settles what is pending.
RECOVERY_SECONDS = 20.0


def use_until_recovered(fleet: Fleet, jobs: int = 30) -> None:
    """More load after the fault, all of which ends while it goes on."""
    ids = fleet.tally.ids()
    fleet.wait_for_load(fleet.tally.count() + jobs)

    def have_ended() -> bool:
        return fleet.value("SELECT count(*) FROM jobs WHERE id = ANY(%s) AND state IN ('queued', 'running')", list(ids)) == 0

    wait_for("what was accepted before the fault ends", have_ended, RECOVERY_SECONDS)


@fault("13", "FLUSHALL under load", is_quick=True, recovery_seconds=RECOVERY_SECONDS)
def flush_all(fleet: Fleet) -> str:
    queue = fleet.redis()
    with fleet.load(rate=40, longest=0.3):
        fleet.wait_for_load(20)
        for _ in range(5):
            fleet.pause_between(0.1, 0.5)
            fleet.mark_fault()
            queue.flushall()
        use_until_recovered(fleet)
        wait_for("the group is there again", lambda: queue.exists(fleet.stream) and queue.xinfo_groups(fleet.stream), 10)
    return "FLUSHALL 5 times under load"


@fault("14", "SIGKILL Redis, restart with AOF", is_quick=True, recovery_seconds=RECOVERY_SECONDS)
def kill_redis(fleet: Fleet) -> str:
    with fleet.load(rate=40, longest=0.3):
        fleet.wait_for_load(20)
        fleet.mark_fault()
        fleet.servers.kill("Redis")
        fleet.pause_between(0.0, 1.0)
        told = [fleet.client(gateway).send("GET", "/api/stats") for gateway in fleet.gateways]
        fleet.servers.start()
        use_until_recovered(fleet)
    for answer in told:
        stored = fleet.value("SELECT count(*) FROM jobs")
        counted = sum(answer.json()["jobs"].values()) if answer.status == 200 else -1
        expect(0 < counted <= stored, f"without Redis /api/stats says {answer.status} {answer.body[:200]!r}")
    return "Redis killed under load and restarted from its append-only file; /api/stats asked in between"


@fault("15", "Redis restarts empty", is_quick=True, recovery_seconds=RECOVERY_SECONDS)
def lose_redis(fleet: Fleet) -> str:
    with fleet.load(rate=40, longest=0.3):
        fleet.wait_for_load(20)
        fleet.pause_between(0.0, 0.5)
        fleet.mark_fault()
        fleet.servers.kill("Redis")
        fleet.servers.forget_redis()
        fleet.servers.start()
        use_until_recovered(fleet)
    return "Redis killed under load and restarted without its data"


def says(text: str) -> bool:
    return "maxmemory-policy" in text


@fault("16", "Redis with an evicting policy")
def evicting_policy(fleet: Fleet) -> str:
    queue = fleet.redis()
    identity = fleet.submit(fleet.clips.script())
    fleet.wait_for_state(identity, "succeeded")
    fleet.mark_fault()
    queue.config_set("maxmemory-policy", "allkeys-lru")
    try:
        wait_for("the gateways are degraded and say why", lambda: all(_is_degraded(fleet, gateway) for gateway in fleet.gateways), 15)
        wait_for("the workers are not ready and say why", lambda: _workers_complain(fleet), 15)
        expect(all(fleet.operators(gateway).send("GET", "/readyz").status == 200 for gateway in fleet.gateways), "a gateway is not ready")
        fleet.submit(fleet.clips.script())
    finally:
        queue.config_set("maxmemory-policy", "noeviction")
    wait_for("all is well again", lambda: not any(_is_degraded(fleet, gateway) for gateway in fleet.gateways), 15)
    return "maxmemory-policy set to allkeys-lru, and back"


def _is_degraded(fleet: Fleet, gateway) -> bool:
    answer = fleet.client(gateway).send("GET", "/api/health")
    return answer.json().get("status") == "degraded" and says(answer.body.decode())


def _workers_complain(fleet: Fleet) -> bool:
    """In the table of workers, which operators see through the gateways, or in their logs."""
    columns = {row["column_name"] for row in fleet.rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'workers'")}
    if "unready_reason" in columns:
        reasons = [row["unready_reason"] or "" for row in fleet.rows("SELECT unready_reason FROM workers")]
        return len(reasons) == len(fleet.living_workers) and all(says(reason) for reason in reasons)
    return all(says(worker.text()) for worker in fleet.living_workers)


@fault("17", "Redis out of memory", recovery_seconds=RECOVERY_SECONDS)
def out_of_memory(fleet: Fleet) -> str:
    queue = fleet.redis()
    with fleet.load(rate=25, longest=0.1):
        fleet.wait_for_load(20)
        queue.config_set("maxmemory", "1mb")
        try:
            refused_before = sum(count for words, count in fleet.tally.answers.items() if not words.startswith("202"))
            fleet.mark_fault()
            fleet.wait_for_load(fleet.tally.count() + 60)
            refused = sum(count for words, count in fleet.tally.answers.items() if not words.startswith("202")) - refused_before
            expect(refused == 0, f"{refused} clips were not accepted: {dict(fleet.tally.answers)}")
        finally:
            queue.config_set("maxmemory", "0")
    return "maxmemory below what Redis uses, for 60 accepted clips"


@fault("18", "Redis down for minutes", recovery_seconds=30.0)
def redis_down(fleet: Fleet) -> str:
    with fleet.load(rate=15, longest=0.1):
        fleet.wait_for_load(20)
        fleet.mark_fault()
        fleet.servers.kill("Redis")
        before = fleet.tally.ids()
        fleet.wait_for_load(fleet.tally.count() + 60, seconds=60)
        during = list(fleet.tally.ids() - before)[:20]
        for identity in during:
            fleet.wait_for_state(identity, "succeeded", seconds=30)
        fleet.servers.start()
        use_until_recovered(fleet, 10)
    silent = fleet.tally.answers["no answer"]
    expect(silent == 0, f"{silent} clients got no answer: {dict(fleet.tally.answers)}")
    return "Redis killed and away for 60 accepted clips, of which workers found the first 20 in PostgreSQL; then restarted"


BOUND = 40


@fault("18b", "Redis is down and the queue fills to its bound", workers=0, settings={"JOBS_MAX_QUEUED": str(BOUND)})
def fill_the_queue(fleet: Fleet) -> str:
    fleet.mark_fault()
    fleet.servers.kill("Redis")

    def is_refused() -> bool:
        answer = fleet.any_client(fleet.random).post(fleet.clips.script())
        fleet.tally.note(answer)
        expect(answer.status in (202, 503), f"a clip for a full queue is answered {answer.status} {answer.code}")
        if answer.status == 503:
            expect(answer.code == "queue_full", f"a clip for a full queue is refused as {answer.code}")
            expect("retry-after" in answer.headers, "the 503 says nothing about when to try again")
        return answer.status == 503

    wait_for("a clip is refused", is_refused, 60)
    # The gateways count once a second, so what came in that second may be more.
    taken = fleet.tally.count()
    expect(taken >= BOUND, f"a clip is refused after {taken} already, and the bound is {BOUND}")
    fleet.start_worker()
    wait_for("clips are accepted again", lambda: not is_refused(), 30)
    fleet.servers.start()
    return f"without Redis and workers {taken} clips were accepted, then the next was refused; the bound is {BOUND}"


@fault("22", "a half-open Redis socket", workers=0)
def half_open(fleet: Fleet) -> str:
    proxies = []
    for _ in range(2):
        proxy = fleet.through(RedisProxy(fleet.servers.redis_port))
        proxies.append(proxy)
        fleet.start_worker(queue=proxy)
    with fleet.load(rate=20, longest=0.1):
        fleet.wait_for_load(20)
        fleet.mark_fault()
        frozen = [proxy.freeze() for proxy in proxies]
        for proxy, count in zip(proxies, frozen, strict=True):
            wait_for_a_new_reader(proxy, count)
    return f"{sum(map(len, frozen))} connections of 2 workers stopped passing anything, and stayed open"


def wait_for_a_new_reader(proxy: Proxy, old: set[int]) -> None:
    def has_one() -> bool:
        return proxy.record.count(lambda seen: is_read(seen) and seen.call.connection not in old) > 0

    wait_for("the worker reads the stream on a new connection", has_one, 10)


def is_read(seen: Seen) -> bool:
    return seen.call.texts[0].upper() == "XREADGROUP"


@fault("23", "an operator trims the stream", recovery_seconds=RECOVERY_SECONDS)
def trim(fleet: Fleet) -> str:
    queue = fleet.redis()
    trimmed = 0
    with fleet.load(rate=40, longest=0.3):
        fleet.wait_for_load(40)
        for _ in range(10):
            fleet.pause_between(0.05, 0.3)
            fleet.mark_fault()
            trimmed += queue.xtrim(fleet.stream, maxlen=0)
        use_until_recovered(fleet)
    return f"XTRIM to nothing 10 times under load; {trimmed} entries gone"


@fault("24", "XGROUP DELCONSUMER with entries pending", workers=1, recovery_seconds=RECOVERY_SECONDS)
def delete_consumers(fleet: Fleet) -> str:
    queue = fleet.redis()
    dropped: list[int] = []

    def judge(call: Call) -> Decision:
        # As the claim leaves its worker, what was read for it is pending.
        return Decision(before=delete) if is_claim(call) and len(dropped) < 5 else Decision()

    def delete() -> None:
        for consumer in queue.xinfo_consumers(fleet.stream, "workers"):
            lost = queue.xgroup_delconsumer(fleet.stream, "workers", consumer["name"])
            if lost:
                dropped.append(lost)

    proxy = fleet.through(PostgresProxy(fleet.servers.postgres_port, judge))
    victim = fleet.start_worker(database=proxy)
    with fleet.load(rate=40, longest=0.2):
        wait_for("entries were dropped with their consumers", lambda: len(dropped) >= 5, 30)
        fleet.mark_fault()
        use_until_recovered(fleet)
        # Half of the drops are followed by the death of the worker that had read the entries.
        if fleet.random.random() < 0.5:
            victim.kill()
    if not holds_for(lambda: fleet.workers[0].is_running, 0.5):
        raise Breach("a worker ended because its consumer was deleted")
    return f"consumers deleted with {sum(dropped)} entries pending, as the claims were on their way"
