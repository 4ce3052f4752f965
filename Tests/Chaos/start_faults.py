"""Programs that start before their servers."""

from client import NoAnswer
from faults import fault
from fleet import Fleet
from program import Program
from waiting import expect, holds_for, wait_for


def readiness(fleet: Fleet, gateway: Program) -> int:
    try:
        return fleet.operators(gateway).send("GET", "/readyz").status
    except NoAnswer:
        return 0


def first_readiness(fleet: Fleet, gateway: Program) -> int:
    return wait_for("the gateway answers", lambda: readiness(fleet, gateway), 20)


def wait_until_ready(fleet: Fleet, gateway: Program) -> None:
    wait_for("the gateway is ready", lambda: readiness(fleet, gateway) == 200, 20)


@fault("35", "gateway and worker start before Redis and PostgreSQL do", gateways=0, workers=0)
def start_first(fleet: Fleet) -> str:
    fleet.servers.stop()
    gateways = [fleet.launch_gateway() for _ in range(2)]
    workers = [fleet.launch_worker() for _ in range(2)]
    programs = gateways + workers
    ready = [first_readiness(fleet, gateway) for gateway in gateways]
    expect(set(ready) == {503}, f"without servers /readyz says {ready}")
    answer = fleet.client(gateways[0]).post(fleet.clips.script())
    expect(answer.status == 503, f"without servers a clip is answered {answer.status} {answer.code}")
    expect(holds_for(lambda: all(program.is_running for program in programs), 3), "a program ended because its servers were away")
    expect(all("ready" not in (record.get("message") for record in worker.records()) for worker in workers), "a worker is ready too soon")
    fleet.mark_fault()
    fleet.servers.start()
    for gateway in gateways:
        wait_until_ready(fleet, gateway)
    for worker in workers:
        fleet.wait_until_ready(worker, 20)
    with fleet.load(rate=20, longest=0.1):
        fleet.wait_for_load(30)
    return "2 gateways and 2 workers started without any server, which came 3 s later"
