/* The protocol of claim, lease, sweep, sharing, cancelling and erasing, for Spin. README.md says how to read it.
 *
 * Each statement or transaction of PostgreSQL is one atomic step, guarded by its WHERE. Names are the schema's. A comment
 * that begins with "sql", a file's name and a colon quotes that file; deploy/check-model.py fails when it no longer says so.
 * A name in #ifndef or #ifdef that is no number drops one guard, and deploy/model.sh requires that this is noticed.
 */

/* How large a world: jobs, slots of workers, and how often something goes wrong. */
#ifndef JOBS
#define JOBS 2
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef FAULTS
#define FAULTS 2 /* a worker killed, a lease that runs out under a living one, a message lost or doubled, an answer lost */
#endif
#ifndef DRAINS
#define DRAINS 0
#endif
#ifndef RETRIES
#define RETRIES 0 /* by the operator */
#endif
#ifndef CANCELS
#define CANCELS 0
#endif
#ifndef ERASURES
#define ERASURES 0
#endif
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 1
#endif
#ifndef CRASH_LIMIT
#define CRASH_LIMIT 2
#endif

#ifdef DISTINCT
#define EQUAL(a, b) ((a) == (b))
#else
#define EQUAL(a, b) true /* all jobs are about the same bytes */
#endif
#ifdef ONE_WORKER
#define COLLEAGUES(a, b) true /* the slots are those of one worker */
#else
#define COLLEAGUES(a, b) ((a) == (b)) /* each slot is a worker */
#endif

#if JOBS == 1
#define EACH_JOB(option) option(1)
#elif JOBS == 2
#define EACH_JOB(option) option(1) option(2)
#else
#define EACH_JOB(option) option(1) option(2) option(3)
#endif
#if SLOTS == 1
#define EACH_SLOT(option) option(1)
#else
#define EACH_SLOT(option) option(1) option(2)
#endif

mtype = { queued, running, succeeded, failed, cancelled, dead };
mtype = { idle, waiting, working, storing };
mtype = {
    one_verdict, fenced, transition_allowed, one_leader, one_running, live_leader, every_job_ends, epoch_never_falls,
    worker_lost_means_alone, cancel_stands, erased_stays_erased, lease_while_running };

/* With -DONLY=name one property is looked at and the others are not. */
#ifdef ONLY
#define WATCHED(name) (name == ONLY)
#else
#define WATCHED(name) true
#endif
#define MUST(name, condition) if :: WATCHED(name) && !(condition) -> assert(!(name)) :: else fi

/* A row of jobs, and of verdicts. Ids begin at 1; 0 is NULL. A job's id is also its age: 1 is the oldest. */
typedef Job {
    mtype state;
    bit exists;
    unsigned lease_epoch : 4;
    unsigned lease_owner : 2;      /* the slot */
    bit lease_over;                /* lease_until < now() */
    bit cancel_requested;
    unsigned leader_id : 2;
    unsigned attempt : 2;
    unsigned crash_count : 2;
    bit runs_alone;
    bit stage;                     /* IS NOT NULL */
    bit due;                       /* run_at <= now() */
    bit dispatched;                /* dispatched_at IS NOT NULL, and not stale */
    bit verdict;                   /* a row of verdicts, and its columns */
    unsigned verdict_epoch : 4;
    bit reused;
    bit began_alone;               /* what is true, whatever the row says: its last run was let in alone ... */
    unsigned lost_alone : 2        /* ... and so many such runs were lost */
}
Job job[JOBS];
#define J(id) job[(id) - 1]

/* What a worker knows of the job in one of its slots. */
typedef Slot {
    mtype phase;
    unsigned held : 2;             /* the job */
    unsigned epoch : 4;
    bit alone;                     /* runs_alone, as it was claimed */
    bit told;                      /* of the cancellation, by the heart or by an unwritten verdict */
    bit draining
}
Slot slot[SLOTS];
#define S(number) slot[(number) - 1]

bit stream[JOBS];                  /* the job's id is on Redis' stream */
#define ON_STREAM(id) stream[(id) - 1]

byte faults = FAULTS, drains = DRAINS, retries = RETRIES, cancels = CANCELS, erasures = ERASURES;

byte found, changed;               /* between two steps of one atomic sequence; 0 otherwise */
#ifdef SHORTEST
#define hidden /* which Spin does not allow in a search for the shortest way */
#endif
hidden byte i, heir, crashed, next; /* within one step: set before they are read */

/* The schema ------------------------------------------------------------------------------------------------------- */

/* jobs_guard_transition; `leads` is leader_id IS NULL. deploy/check-model.py compares it with the trigger, line by line. */
#define MAY_GO(from, leads, to) ( \
    (from == queued && to == cancelled) \
    || (from == queued && leads && to == running) \
    || (from == queued && !leads && (to == succeeded || to == failed || to == dead)) \
    || (from == running && (to == queued || to == succeeded || to == failed || to == cancelled || to == dead)) \
    || (from == dead && to == queued))

#define IS_LIVE(id) (J(id).exists && (J(id).state == queued || J(id).state == running))
#define HAS_ENDED(id) (J(id).exists && !IS_LIVE(id))
/* sql 0003_queue.up.sql: WHERE state IN ('queued', 'running') AND leader_id IS NULL AND NOT fresh */
#define LEADS(id) (IS_LIVE(id) && J(id).leader_id == 0)
#define FOLLOWS(id, leader) (J(id).exists && J(id).leader_id == leader && J(id).state == queued)
#define IS_JUDGED(id) (J(id).exists && J(id).state == succeeded)

inline go(id, to) {
    MUST(transition_allowed, MAY_GO(J(id).state, (J(id).leader_id == 0), to));
    /* sql 0003_queue.up.sql: IF NEW.state <> 'queued' THEN NEW.leader_id := NULL; END IF; */
    if
    :: to != queued -> J(id).leader_id = 0
    :: else
    fi;
    J(id).state = to;
    /* What nobody reads in this state is set to zero: fewer states that differ in nothing. */
    if
    :: to == running -> J(id).due = 0
    :: to == succeeded || to == failed || to == cancelled || to == dead ->
        J(id).due = 0;
        J(id).attempt = 0;
        J(id).crash_count = 0;
        J(id).began_alone = 0;
        J(id).lost_alone = 0;
        if
        :: to != dead -> J(id).runs_alone = 0
        :: else
        fi
    :: else
    fi
}

inline set_epoch(id, epoch_) {
    MUST(epoch_never_falls, epoch_ >= J(id).lease_epoch);
    /* There is no end to the runs of a job that could be claimed so often. */
    MUST(every_job_ends, epoch_ < 15);
    J(id).lease_epoch = epoch_
}

inline insert_verdict(id, epoch_, reused_) {
    MUST(one_verdict, !J(id).verdict);
    MUST(erased_stays_erased, J(id).exists);
    J(id).verdict = 1;
    J(id).verdict_epoch = epoch_;
    J(id).reused = reused_
}

/* sql 0003_queue.up.sql: PERFORM 1 FROM jobs WHERE leader_id = gone AND state = 'queued' ORDER BY id FOR UPDATE; */
inline jobs_promote_follower(gone) {
    heir = 0;
    for (i : 1 .. JOBS) {
        if
        :: heir == 0 && FOLLOWS(i, gone) -> heir = i
        :: else
        fi
    };
    if
    :: heir != 0 ->
        J(heir).leader_id = 0;
        J(heir).dispatched = 0;
        printf("    job %d leads instead of job %d\n", heir, gone);
#ifndef NO_RELINK
        /* sql 0003_queue.up.sql: UPDATE jobs SET leader_id = heir, revision = revision + 1 WHERE leader_id = gone AND state = 'queued'; */
        for (i : 1 .. JOBS) {
            if
            :: FOLLOWS(i, gone) ->
                J(heir).due = J(heir).due | J(i).due;
                J(i).leader_id = heir
            :: else
            fi
        }
#endif
    :: else
    fi
}

inline jobs_settle_followers(id) {
    if
    :: J(id).state == cancelled ->
#ifndef NO_PROMOTION
        jobs_promote_follower(id)
#else
        skip
#endif
    :: else ->
        for (i : 1 .. JOBS) {
            if
            :: FOLLOWS(i, id) ->
                go(i, J(id).state);
                J(i).dispatched = 0;
                if
                :: J(id).state == succeeded -> insert_verdict(i, 0, 1)
                :: else
                fi;
                printf("    and job %d with it: %e\n", i, J(i).state)
            :: else
            fi
        }
    fi
}

/* The constraint trigger runs when the transaction ends. */
inline commit(id) {
#ifdef SETTLE_LATER
    skip
#else
    if
    :: HAS_ENDED(id) -> jobs_settle_followers(id)
    :: else
    fi
#endif
}

inline let_go_of_lease(id) {
    J(id).lease_owner = 0;
    J(id).lease_over = 0;
    J(id).stage = 0
}

/* Workers ---------------------------------------------------------------------------------------------------------- */

/* sql JobStore+claim.swift: state = 'queued' AND leader_id IS NULL AND run_at <= now() */
#ifdef CLAIM_FOLLOWERS
#define IS_CLAIMABLE(id) (J(id).exists && J(id).state == queued && J(id).due)
#else
#define IS_CLAIMABLE(id) (J(id).exists && J(id).state == queued && J(id).leader_id == 0 && J(id).due)
#endif

inline claim(s, job_id) {
    go(job_id, running);
    set_epoch(job_id, J(job_id).lease_epoch + 1);
    J(job_id).lease_owner = s;
    J(job_id).lease_over = 0;
    J(job_id).attempt = J(job_id).attempt + 1;
    J(job_id).dispatched = 0;
    /* sql JobStore+claim.swift: stage = CASE WHEN NOT runs_alone THEN 'fetching' END */
    J(job_id).stage = !J(job_id).runs_alone;
    J(job_id).began_alone = 0;
    S(s).phase = waiting;
    S(s).held = job_id;
    S(s).epoch = J(job_id).lease_epoch;
    S(s).alone = J(job_id).runs_alone;
    printf("slot %d claims job %d, epoch %d\n", s, job_id, S(s).epoch)
}

inline leave(s) {
    S(s).phase = idle;
    S(s).held = 0;
    S(s).epoch = 0;
    S(s).alone = 0;
    S(s).told = 0
}

/* sql JobStore+lease.swift: WHERE id = $1 AND lease_epoch = $2 AND state = 'running' */
#ifdef NO_FENCE
#define STANDS(s) (J(S(s).held).exists && J(S(s).held).state == running)
#else
#define STANDS(s) (J(S(s).held).exists && J(S(s).held).lease_epoch == S(s).epoch && J(S(s).held).state == running)
#endif

/* Whatever the WHERE says: the row is this slot's, and this run's. */
#define wrote(s) MUST(fenced, J(S(s).held).lease_owner == s && J(S(s).held).lease_epoch == S(s).epoch)

/* AloneGate: one job alone, or many side by side; a job leaves it once its end is written. */
#ifdef GATE_LEFT_EARLY
#define IN_GATE(s) (S(s).phase == working)
#else
#define IN_GATE(s) (S(s).phase == working || S(s).phase == storing)
#endif
#define IN_THE_WAY(other, s) \
    (other <= SLOTS && other != s && COLLEAGUES(other, s) && IN_GATE(other) && (S(s).alone || S(other).alone))
#if SLOTS == 1
#define HAS_ROOM(s) true
#else
#define HAS_ROOM(s) (!IN_THE_WAY(1, s) && !IN_THE_WAY(2, s))
#endif

/* The job's turn has come. What had to be alone says so first, in a report. */
inline begin(s) {
    if
    :: !S(s).alone || STANDS(s) ->
        if
        :: S(s).alone ->
            wrote(s);
            J(S(s).held).stage = 1;
            J(S(s).held).began_alone = 1
        :: else
        fi;
        S(s).phase = working;
        printf("slot %d begins job %d, epoch %d\n", s, S(s).held, S(s).epoch)
    :: else ->
        printf("slot %d finds that job %d, epoch %d, is not its own\n", s, S(s).held, S(s).epoch);
        leave(s)
    fi
}

/* sql JobStore+complete.swift: WHERE jobs.id = j.id AND jobs.lease_epoch = j.epoch AND jobs.state = 'running' AND NOT jobs.cancel_requested */
#ifdef COMPLETE_DESPITE_CANCEL
#define MAY_COMPLETE(s) STANDS(s)
#else
#define MAY_COMPLETE(s) (STANDS(s) && !J(S(s).held).cancel_requested)
#endif

inline complete(s) {
    if
    :: MAY_COMPLETE(s) ->
        wrote(s);
        printf("slot %d stores the verdict of job %d, epoch %d\n", s, S(s).held, S(s).epoch);
        go(S(s).held, succeeded);
        insert_verdict(S(s).held, S(s).epoch, 0);
        let_go_of_lease(S(s).held);
#ifndef SETTLE_BEFORE_END
        commit(S(s).held);
#endif
        changed = 1
    :: else ->
        printf("slot %d may not store the verdict of job %d, epoch %d\n", s, S(s).held, S(s).epoch);
#ifdef VERDICT_UNCHECKED
        insert_verdict(S(s).held, S(s).epoch, 0);
#endif
        changed = 0
    fi
}

/* `to` is what the outcome asks for; the rest is the statement's. */
inline end_run(s, to, counts) {
    if
    :: STANDS(s) ->
        wrote(s);
        if
        /* sql JobStore+lease.swift: WHEN $3 = 'cancelled' OR cancel_requested THEN 'cancelled' */
        :: J(S(s).held).cancel_requested -> next = cancelled
        /* sql JobStore+lease.swift: WHEN $3 = 'retried' AND attempt >= max_attempts THEN 'dead' */
        :: else ->
            if
            :: to == queued && counts && J(S(s).held).attempt >= MAX_ATTEMPTS -> next = dead
            :: else -> next = to
            fi
        fi;
        printf("slot %d ends job %d, epoch %d: %e\n", s, S(s).held, S(s).epoch, next);
        if
        :: next == queued && counts -> J(S(s).held).due = 0
        :: next == queued && !counts ->
            J(S(s).held).due = 1;
            /* sql JobStore+lease.swift: attempt = CASE WHEN $3 = 'handedBack' THEN greatest(attempt - 1, 0) ELSE attempt END */
            J(S(s).held).attempt = (J(S(s).held).attempt > 0 -> J(S(s).held).attempt - 1 : 0)
        :: else
        fi;
        go(S(s).held, next);
        let_go_of_lease(S(s).held);
        commit(S(s).held)
    :: else ->
        printf("slot %d has nothing to write about job %d, epoch %d\n", s, S(s).held, S(s).epoch)
    fi
}

/* The connection broke and the answer was lost: the slot does not know whether it wrote, and writes again. */
inline written(s) {
    if
    :: leave(s)
    :: faults > 0 -> faults = faults - 1; printf("    its answer is lost\n")
    fi
}

/* A verdict that may not be stored was cancelled, or its job is another's: in both cases the run ends as cancelled. */
inline store_verdict(s) {
    d_step { complete(s) };
    if
    :: changed -> changed = 0; written(s)
    :: else -> S(s).told = 1
    fi
}

#define CLAIM_FROM_STREAM(id_) \
    :: atomic { ON_STREAM(id_) && S(s).phase == idle && !S(s).draining -> \
        if \
        :: ON_STREAM(id_) = 0 \
        :: faults > 0 -> faults = faults - 1; printf("a message is doubled\n") \
        fi; \
        d_step { if :: IS_CLAIMABLE(id_) -> claim(s, id_) :: else fi } }

/* A worker that begins to drain gives back what it has just read: markUndispatched, then settle. */
#define GIVE_BACK_MESSAGE(id_) \
    :: d_step { drains > 0 && ON_STREAM(id_) && !S(s).draining -> \
        drains = drains - 1; \
        printf("the worker of slot %d drains, and gives back the message of job %d\n", s, id_); \
        S(s).draining = 1; \
        ON_STREAM(id_) = 0; \
        if :: J(id_).exists && J(id_).state == queued -> J(id_).dispatched = 0 :: else fi }

#if JOBS == 1
#define QUIET (!ON_STREAM(1))
#elif JOBS == 2
#define QUIET (!ON_STREAM(1) && !ON_STREAM(2))
#else
#define QUIET (!ON_STREAM(1) && !ON_STREAM(2) && !ON_STREAM(3))
#endif

/* The stream is quiet, or Redis is away: claimNext. */
#define CLAIM_FROM_QUEUE(id_) \
    :: d_step { QUIET && S(s).phase == idle && !S(s).draining && IS_CLAIMABLE(id_) -> claim(s, id_) }

#ifdef POISON
#define KILLS_ITS_WORKER(s) (S(s).held == POISON)
#else
#define KILLS_ITS_WORKER(s) false
#endif

#define DIES_WITH(other, s) if :: other <= SLOTS && COLLEAGUES(other, s) -> leave(other); S(other).draining = 0 :: else fi
#if SLOTS == 1
#define kill_worker(s) DIES_WITH(1, s)
#else
#define kill_worker(s) DIES_WITH(1, s); DIES_WITH(2, s)
#endif

proctype worker(byte s) {
end:
    do
#ifndef NO_STREAM
    EACH_JOB(CLAIM_FROM_STREAM)
    EACH_JOB(GIVE_BACK_MESSAGE)
#endif
#ifndef NO_POLL
    EACH_JOB(CLAIM_FROM_QUEUE)
#endif
    :: d_step { S(s).phase == waiting && HAS_ROOM(s) -> begin(s) }
    :: d_step { S(s).phase == working && KILLS_ITS_WORKER(s) ->
        printf("job %d kills the worker of slot %d\n", S(s).held, s);
        kill_worker(s) }
    :: d_step { S(s).phase == working && !KILLS_ITS_WORKER(s) -> S(s).phase = storing }
#ifdef SETTLE_BEFORE_END
    /* The followers end in a transaction of their own, before their leader. */
    :: d_step { S(s).phase == storing && !S(s).told && MAY_COMPLETE(s) ->
        for (i : 1 .. JOBS) {
            if
            :: FOLLOWS(i, S(s).held) -> go(i, succeeded); insert_verdict(i, 0, 1)
            :: else
            fi
        } };
        if
        :: atomic { S(s).phase == storing -> store_verdict(s) }
        :: S(s).phase != storing
        fi
#else
    :: atomic { S(s).phase == storing && !S(s).told -> store_verdict(s) }
#endif
#ifndef ONLY_VERDICTS
    :: atomic { S(s).phase == storing && !S(s).told -> d_step { end_run(s, failed, false) }; written(s) }
    :: atomic { S(s).phase == storing && !S(s).told -> d_step { end_run(s, queued, true) }; written(s) }
#endif
    :: atomic { S(s).phase == storing && S(s).told -> d_step { end_run(s, cancelled, false) }; written(s) }
    :: atomic { S(s).phase == storing && S(s).draining -> d_step { end_run(s, queued, false) }; written(s) }
    :: d_step { S(s).phase == idle && S(s).draining -> printf("the worker of slot %d starts anew\n", s); S(s).draining = 0 }
    od
}

/* sql JobStore+lease.swift: ON jobs.id = held.id AND jobs.lease_epoch = held.epoch AND jobs.state = 'running' */
/* renew: it changes something only where the lease had run out, was lost, or is to be cancelled. In `storing` nobody
 * listens to the heart any more; the write decides. */
#define BEAT(s) \
    :: d_step { S(s).phase != idle && STANDS(s) && J(S(s).held).lease_over -> \
        printf("the heart of slot %d renews the lease of job %d, epoch %d\n", s, S(s).held, S(s).epoch); \
        J(S(s).held).lease_over = 0 } \
    :: d_step { (S(s).phase == waiting || S(s).phase == working) && STANDS(s) && J(S(s).held).cancel_requested && !S(s).told -> \
        S(s).told = 1 } \
    :: d_step { (S(s).phase == waiting || S(s).phase == working) && !STANDS(s) -> \
        printf("the heart of slot %d finds that job %d, epoch %d, is lost\n", s, S(s).held, S(s).epoch); \
        leave(s) }

proctype heart() {
end:
    do
    EACH_SLOT(BEAT)
    od
}

inline dispatch(id) {
#ifndef NO_STREAM
    J(id).dispatched = 1;
    ON_STREAM(id) = 1
#else
    skip
#endif
}

/* Gateways --------------------------------------------------------------------------------------------------------- */

/* sql JobStore+upkeep.swift: FROM jobs WHERE state = 'running' AND lease_until < now() */
#ifdef SWEEP_WITHOUT_LEASE
#define IS_LOST(id) (J(id).exists && J(id).state == running)
#elif defined(NO_SWEEP)
#define IS_LOST(id) false
#else
#define IS_LOST(id) (J(id).exists && J(id).state == running && J(id).lease_over)
#endif

/* sql JobStore+upkeep.swift: SELECT id, lease_epoch, runs_alone AND stage IS NOT NULL AS crashed, CASE WHEN cancel_requested THEN 'cancelled' WHEN runs_alone AND stage IS NOT NULL AND crash_count + 1 >= $1::int THEN 'dead' ELSE 'queued' END AS next */
inline take_back(id) {
#ifdef COUNT_EVERY_LOSS
    crashed = 1;
#else
    crashed = J(id).runs_alone && J(id).stage;
#endif
    J(id).lost_alone = J(id).lost_alone + (J(id).began_alone && J(id).lease_over);
    if
#ifndef SWEEP_DESPITE_CANCEL
    :: J(id).cancel_requested -> next = cancelled
    :: !J(id).cancel_requested && crashed && J(id).crash_count + 1 >= CRASH_LIMIT -> next = dead
#else
    :: crashed && J(id).crash_count + 1 >= CRASH_LIMIT -> next = dead
#endif
    :: else -> next = queued
    fi;
    printf("the sweep takes job %d back: %e\n", id, next);
    J(id).crash_count = J(id).crash_count + crashed;
#ifndef NEVER_ALONE
    J(id).runs_alone = 1;
#endif
    J(id).attempt = (J(id).attempt > 0 -> J(id).attempt - 1 : 0);
    J(id).due = 1;
    J(id).began_alone = 0;
    if
    :: next == dead ->
        MUST(worker_lost_means_alone, J(id).lost_alone >= CRASH_LIMIT);
#ifdef POISON
        MUST(worker_lost_means_alone, id == POISON);
#endif
    :: else
    fi;
    go(id, next);
    let_go_of_lease(id);
    commit(id)
}

#ifdef SETTLE_LATER
#define SWEEP(id_) :: d_step { IS_LOST(id_) -> take_back(id_) } :: d_step { HAS_ENDED(id_) -> jobs_settle_followers(id_) }
#else
#define SWEEP(id_) :: d_step { IS_LOST(id_) -> take_back(id_) }
#endif

proctype sweep() {
end:
    do
    EACH_JOB(SWEEP)
    od
}

/* sql JobStore+upkeep.swift: WHERE dispatched_at IS NULL OR dispatched_at < now() - make_interval(secs => $4) */
/* sql JobStore+upkeep.swift: WHERE jobs.state = 'queued' AND jobs.leader_id IS NULL */
#define RELAY(id_) \
    :: d_step { J(id_).exists && J(id_).state == queued && J(id_).leader_id == 0 && J(id_).due && !J(id_).dispatched -> \
        dispatch(id_) }

proctype relay() {
#ifndef NO_STREAM
end:
    do
    EACH_JOB(RELAY)
    od
#else
    skip
#endif
}

/* Clients and the operator ----------------------------------------------------------------------------------------- */

inline insert_job(id_, state_, leader) {
    J(id_).exists = 1;
    J(id_).state = state_;
    J(id_).leader_id = leader;
    J(id_).due = (state_ == queued);
    printf("job %d begins, %e, leader %d\n", id_, state_, leader)
}

#define IF_JUDGED(id_) :: id_ != whose && IS_JUDGED(id_) && EQUAL(id_, whose) -> found = id_
#define IF_LEADER(id_) :: id_ != whose && LEADS(id_) && EQUAL(id_, whose) -> found = id_
inline find_judged(whose) { found = 0; if EACH_JOB(IF_JUDGED) :: else fi }
inline find_leader(whose) { found = 0; if EACH_JOB(IF_LEADER) :: else fi }

/* Each job has a client. It may cancel, then erase, or leave it at that. */
proctype client(byte id) {
#ifdef NO_LEADER_LOCK
    byte seen;
#endif
look:
    /* The first look. A judged row cannot change, and the lock keeps it from being erased: finding it and using it are one. */
    atomic {
        d_step { find_judged(id) };
        if
        :: found != 0 ->
            d_step { found = 0; insert_job(id, succeeded, 0); insert_verdict(id, 0, 1) };
            goto accepted
        :: else
        fi
    };
    /* The second look. FOR UPDATE makes finding the leader and following it one step; without it they are two. */
    /* sql 0003_queue.up.sql: AND j.state IN ('queued', 'running') AND j.leader_id IS NULL AND NOT j.fresh FOR UPDATE; */
#ifdef NO_LEADER_LOCK
    d_step { find_leader(id); seen = found; found = 0 };
    if
    :: atomic { seen != 0 -> d_step { insert_job(id, queued, seen); seen = 0 }; goto accepted }
    :: seen == 0
    fi;
#else
    atomic {
        d_step { find_leader(id) };
        if
        :: found != 0 -> d_step { insert_job(id, queued, found); found = 0 }; goto accepted
        :: else
        fi
    };
#endif
    /* sql 0003_queue.up.sql: ON CONFLICT (content_key) WHERE state IN ('queued', 'running') AND leader_id IS NULL AND NOT fresh DO NOTHING; */
    atomic {
#ifndef NO_LEADER_INDEX
        d_step { find_leader(id) };
#endif
        if
        :: found != 0 -> found = 0; goto look
        :: else -> d_step { insert_job(id, queued, 0); dispatch(id) }
        fi
    };
accepted:
    if
    /* sql JobStore+control.swift: WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running') AND NOT cancel_requested */
#ifdef CANCEL_ANY_STATE
    :: d_step { cancels > 0 && J(id).exists && !J(id).cancel_requested ->
#else
    :: d_step { cancels > 0 && IS_LIVE(id) && !J(id).cancel_requested ->
#endif
        cancels = cancels - 1;
        printf("job %d is to be cancelled\n", id);
        J(id).cancel_requested = 1;
        J(id).dispatched = 0;
#ifdef CANCEL_ANY_STATE
        if :: J(id).state != running -> go(id, cancelled); commit(id) :: else fi }
#else
        if :: J(id).state == queued -> go(id, cancelled); commit(id) :: else fi }
#endif
    :: true
    fi;
    /* sql JobStore+control.swift: DELETE FROM jobs WHERE tenant = $1 AND id = $2 */
    if
    :: d_step { erasures > 0 && J(id).exists ->
        erasures = erasures - 1;
        printf("job %d is erased\n", id);
        /* sql 0003_queue.up.sql: IF OLD.state IN ('queued', 'running') THEN PERFORM jobs_promote_follower(OLD.id); END IF; */
        found = IS_LIVE(id);
        J(id).exists = 0;
        J(id).state = 0;
        J(id).leader_id = 0;
        J(id).lease_epoch = 0;
        J(id).cancel_requested = 0;
        J(id).attempt = 0;
        J(id).crash_count = 0;
        J(id).runs_alone = 0;
        J(id).due = 0;
        J(id).dispatched = 0;
        J(id).verdict = 0;
        J(id).verdict_epoch = 0;
        J(id).reused = 0;
        J(id).began_alone = 0;
        J(id).lost_alone = 0;
        let_go_of_lease(id);
#ifndef NO_PROMOTION
        if :: found -> jobs_promote_follower(id) :: else fi;
#endif
        found = 0 }
    :: true
    fi
}

/* dead → queued: it leads, or follows the one that leads by now, which is locked while it is chosen. */
/* sql JobStore+control.swift: AND l.state IN ('queued', 'running') AND l.leader_id IS NULL AND NOT l.fresh FOR UPDATE OF l */
/* sql JobStore+control.swift: state = 'queued', leader_id = (SELECT id FROM leader), attempt = 0, crash_count = 0, cancel_requested = false */
/* sql JobStore+control.swift: WHERE tenant = $1 AND id = $2 AND state = 'dead' */
#ifdef RETRY_AS_LEADER
#define LOOK_FOR_LEADER(id_)
#else
#define LOOK_FOR_LEADER(id_) find_leader(id_);
#endif
#ifdef RETRY_RESETS_EPOCH
#define RESET_EPOCH(id_) set_epoch(id_, 0);
#else
#define RESET_EPOCH(id_)
#endif
#define RETRY(id_) \
    :: d_step { retries > 0 && J(id_).exists && J(id_).state == dead -> \
        retries = retries - 1; \
        LOOK_FOR_LEADER(id_) \
        go(id_, queued); \
        J(id_).leader_id = found; \
        printf("the operator tries job %d again, leader %d\n", id_, found); \
        found = 0; \
        J(id_).attempt = 0; \
        J(id_).crash_count = 0; \
        J(id_).lost_alone = 0; \
        RESET_EPOCH(id_) \
        J(id_).due = 1; \
        J(id_).dispatched = 0 }

/* Who finds no leader has nothing to lock, and by the time it writes there may be one. */
#define RETRY_ONCE_LOOKED(id_) \
    :: d_step { retries > 0 && J(id_).exists && J(id_).state == dead -> find_leader(id_); late = !found; found = 0 }; \
        if \
        :: d_step { late && J(id_).exists && J(id_).state == dead -> \
            retries = retries - 1; \
            go(id_, queued); \
            printf("the operator tries job %d again, which saw no leader\n", id_); \
            J(id_).due = 1; \
            late = 0 } \
        :: !late || !J(id_).exists || J(id_).state != dead -> late = 0 \
        fi

proctype operator() {
#ifdef RETRY_LOOKS_ONCE
    bit late;
#endif
end:
    do
#ifdef RETRY_LOOKS_ONCE
    EACH_JOB(RETRY_ONCE_LOOKED)
#endif
    EACH_JOB(RETRY)
    :: retries > 0 -> retries = 0
    od
}

/* Time and faults -------------------------------------------------------------------------------------------------- */

#define HOLDS(s, id_) (s <= SLOTS && S(s).phase != idle && S(s).held == id_ && S(s).epoch == J(id_).lease_epoch)
#if SLOTS == 1
#define IS_HELD(id_) HOLDS(1, id_)
#else
#define IS_HELD(id_) (HOLDS(1, id_) || HOLDS(2, id_))
#endif

/* A lease that nobody renews runs out. One whose worker lives does so only by a fault: it was stopped, or cut off. */
#define TIME(id_) \
    :: d_step { J(id_).exists && J(id_).state == running && !J(id_).lease_over && !IS_HELD(id_) -> \
        printf("the lease of job %d, epoch %d, runs out\n", id_, J(id_).lease_epoch); \
        J(id_).lease_over = 1 } \
    :: d_step { faults > 0 && J(id_).exists && J(id_).state == running && !J(id_).lease_over && IS_HELD(id_) -> \
        faults = faults - 1; \
        printf("the lease of job %d, epoch %d, runs out under a living worker\n", id_, J(id_).lease_epoch); \
        J(id_).lease_over = 1 } \
    :: d_step { J(id_).exists && J(id_).state == queued && !J(id_).due -> J(id_).due = 1 } \
    STALE(id_) \
    :: d_step { faults > 0 && ON_STREAM(id_) -> \
        faults = faults - 1; \
        printf("the message of job %d vanishes\n", id_); \
        ON_STREAM(id_) = 0 }

#ifdef NO_STALE
#define STALE(id_)
#else
#define STALE(id_) :: d_step { J(id_).exists && J(id_).state == queued && J(id_).dispatched && !ON_STREAM(id_) -> J(id_).dispatched = 0 }
#endif

#define FATE(s) \
    :: d_step { faults > 0 && S(s).phase != idle -> \
        faults = faults - 1; \
        printf("the worker of slot %d is killed\n", s); \
        kill_worker(s) } \
    :: d_step { drains > 0 && !S(s).draining -> \
        drains = drains - 1; \
        printf("the worker of slot %d drains\n", s); \
        S(s).draining = 1 }

proctype nature() {
end:
    do
    EACH_JOB(TIME)
    EACH_SLOT(FATE)
    /* From now on all goes well. */
    :: faults > 0 -> faults = 0
    :: drains > 0 -> drains = 0
    od
}

/* What holds between transactions ---------------------------------------------------------------------------------- */

#define HOLDS_FOR(id_) \
    :: atomic { WATCHED(live_leader) && J(id_).leader_id != 0 && !( \
            J(id_).state == queued && LEADS(J(id_).leader_id) && EQUAL(id_, J(id_).leader_id)) -> assert(!live_leader) } \
    :: atomic { WATCHED(one_verdict) && J(id_).exists && !( \
            J(id_).verdict == (J(id_).state == succeeded) \
            && (!J(id_).verdict || J(id_).verdict_epoch == (J(id_).reused -> 0 : J(id_).lease_epoch))) -> assert(!one_verdict) } \
    :: atomic { WATCHED(cancel_stands) && J(id_).cancel_requested \
            && J(id_).state != running && J(id_).state != cancelled -> assert(!cancel_stands) } \
    :: atomic { WATCHED(erased_stays_erased) && !J(id_).exists && ( \
            J(id_).state != 0 || J(id_).verdict || J(id_).lease_epoch != 0) -> assert(!erased_stays_erased) } \
    :: atomic { WATCHED(lease_while_running) && ((J(id_).state == running) != (J(id_).lease_owner != 0) \
            || (J(id_).stage && J(id_).state != running)) -> assert(!lease_while_running) }

#define HOLDS_FOR_TWO(a, b) \
    :: atomic { WATCHED(one_leader) && LEADS(a) && LEADS(b) && EQUAL(a, b) -> assert(!one_leader) } \
    :: atomic { WATCHED(one_running) && EQUAL(a, b) && J(a).exists && J(b).exists \
            && J(a).state == running && J(b).state == running -> assert(!one_running) }

#define HAS_NOT_ENDED(id_) || IS_LIVE(id_)

proctype monitor() {
end:
    do
    EACH_JOB(HOLDS_FOR)
#if JOBS > 1
    HOLDS_FOR_TWO(1, 2)
#endif
#if JOBS > 2
    HOLDS_FOR_TWO(1, 3)
    HOLDS_FOR_TWO(2, 3)
#endif
    /* Nothing can happen any more. */
    :: timeout -> MUST(every_job_ends, !(false EACH_JOB(HAS_NOT_ENDED))); break
    od
}

#define START_CLIENT(id_) run client(id_);
#define START_WORKER(s) S(s).phase = idle; run worker(s);

init {
    atomic {
        EACH_SLOT(START_WORKER)
        run heart();
        run sweep();
        run relay();
        run operator();
        run nature();
        EACH_JOB(START_CLIENT)
        run monitor()
    }
}
