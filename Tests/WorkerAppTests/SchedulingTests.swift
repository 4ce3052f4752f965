import Foundation
import JobModel
import JobStore
import Testing
import WorkerApp

/// Records who is inside the gate, and the most that ever were.
private actor Witness {
    private(set) var inside = 0
    private(set) var most = 0
    private(set) var companyOfLoners = 0

    func enter(alone: Bool) {
        inside += 1
        most = max(most, inside)
        if alone { companyOfLoners = max(companyOfLoners, inside) }
    }

    func leave() { inside -= 1 }
}

@Suite struct AloneGateTests {
    @Test func aLonerHasNoCompanyAndTheOthersDo() async {
        let gate = AloneGate()
        let witness = Witness()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask {
                    let alone = index % 7 == 0
                    #expect(await gate.enter(alone: alone))
                    await witness.enter(alone: alone)
                    for _ in 0..<20 { await Task.yield() }
                    await witness.leave()
                    await gate.leave()
                }
            }
        }
        #expect(await witness.companyOfLoners == 1)
        #expect(await witness.most > 1)
        #expect(await witness.inside == 0)
    }

    @Test func whoeverIsCancelledLeavesTheQueueToThoseBehind() async {
        let gate = AloneGate()
        #expect(await gate.enter(alone: false))
        let loner = Task { await gate.enter(alone: true) }
        let other = Task { await gate.enter(alone: false) }
        loner.cancel()
        #expect(await loner.value == false)
        #expect(await other.value)
        await gate.leave()
        await gate.leave()
        #expect(await gate.enter(alone: true))
    }
}

@Suite struct HeldJobsTests {
    private func lease() -> JobLease { JobLease(job: .make(), epoch: 1) }

    @Test func aHeldJobIsRenewedUntilItIsReleased() async {
        let held = HeldJobs(stageSeconds: [:])
        let lease = lease()
        _ = await held.hold(lease)
        #expect(await held.renewable() == [lease])
        await held.release(lease)
        #expect(await held.renewable().isEmpty)
    }

    @Test func aStageOverItsDeadlineEndsTheRenewal() async {
        let held = HeldJobs(stageSeconds: [.decoding: -1, .drawing: 3600])
        let lease = lease()
        var interruptions = await held.hold(lease).makeAsyncIterator()
        await held.enter(.drawing, lease)
        #expect(await held.renewable() == [lease])
        await held.enter(.decoding, lease)
        #expect(await held.renewable().isEmpty)
        #expect(await interruptions.next() == .overdue)
    }

    @Test func theFirstInterruptionCounts() async {
        let held = HeldJobs(stageSeconds: [:])
        let lease = lease()
        var interruptions = await held.hold(lease).makeAsyncIterator()
        await held.interrupt(job: lease.job, .cancelRequested)
        await held.interruptAll(.draining)
        #expect(await interruptions.next() == .cancelRequested)
        await held.release(lease)
        #expect(await interruptions.next() == nil)
    }
}

@Suite struct SlotsTests {
    @Test func closingEndsTheWaitForAFreeSlot() async {
        let slots = Slots(count: 1)
        await slots.take()
        async let free = slots.free()
        await slots.close()
        #expect(await free == 0)
    }

    @Test func moreThanTheSlotsIsNeverNegative() async {
        let slots = Slots(count: 1)
        await slots.take()
        await slots.take()
        async let free = slots.free()
        await slots.giveBack()
        await slots.giveBack()
        #expect(await free >= 0)
        await slots.take()
        await slots.take()
        await slots.close()
        #expect(await slots.free() == 0)
    }

    @Test func noMoreThanTheSlotsAreTaken() async {
        let slots = Slots(count: 3)
        let witness = Witness()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                #expect(await slots.free() >= 1)
                await slots.take()
                group.addTask {
                    await witness.enter(alone: false)
                    for _ in 0..<10 { await Task.yield() }
                    await witness.leave()
                    await slots.giveBack()
                }
            }
        }
        #expect(await witness.most <= 3)
        #expect(await slots.free() == 3)
    }
}
