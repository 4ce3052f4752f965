#!/usr/bin/env bash
# Checks the model of the job's protocol (docs/model/job.pml) with Spin: first that its names are the schema's, then every
# configuration to its end, then that the model can fail: with each guard dropped in turn, Spin must find what breaks.
# Exit code 1 if a property is violated or a dropped guard goes unnoticed.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/deployment.sh"

model=$root/docs/model/job.pml
products=$state/model
# Two at a time need half of the 4 GB each.
memory_megabytes=1900
run_seconds=300
at_once=2

usage() {
    cat <<'USAGE'
usage: deploy/model.sh [--quick] [NAME …]
       deploy/model.sh --trail NAME

  --quick  smaller worlds and every dropped guard; well under a minute on two idle cores
  --trail  finds the shortest way to what NAME breaks, a dropped guard or a configuration, and tells it step by step
  NAME     only these, of the lines below

USAGE
    list | awk '{ printf "  %s %s\n", $1, $2 }'
}

# kind, name, what is expected to break (- for nothing), options of the model.
#   all     every property but the end of every run, to the end of the state space
#   ends    no run goes on for ever, however faults and steps fall: then "nothing can happen any more" is reached always
#   broken  one guard less: the property must break
list() {
    if [[ -n ${quick-} ]]; then
        cat <<'LIST'
all lease - -DJOBS=1 -DFAULTS=2 -DCANCELS=1 -DERASURES=1 -DRETRIES=1 -DMAX_ATTEMPTS=2
all sharing - -DNO_STREAM -DJOBS=3 -DFAULTS=0 -DCANCELS=1 -DERASURES=1
all dispatch - -DDISTINCT -DNO_POLL -DJOBS=2 -DFAULTS=1 -DDRAINS=1
all poison - -DDISTINCT -DONE_WORKER -DPOISON=2 -DJOBS=2 -DFAULTS=0 -DMAX_ATTEMPTS=2
ends lease-ends - -DJOBS=1 -DFAULTS=2 -DCANCELS=1 -DRETRIES=1 -DDRAINS=1
LIST
    else
        cat <<'LIST'
all lease - -DJOBS=1 -DFAULTS=3 -DCANCELS=1 -DRETRIES=1 -DMAX_ATTEMPTS=2
all sharing - -DNO_STREAM -DJOBS=3 -DFAULTS=1 -DCANCELS=1 -DERASURES=1
all sharing-retried - -DNO_STREAM -DJOBS=3 -DFAULTS=0 -DCANCELS=1 -DERASURES=1 -DRETRIES=1
all whole - -DJOBS=2 -DFAULTS=1 -DCANCELS=1 -DERASURES=1 -DRETRIES=1 -DDRAINS=1
all dispatch - -DDISTINCT -DNO_POLL -DJOBS=2 -DFAULTS=2 -DDRAINS=1
all poison - -DDISTINCT -DONE_WORKER -DPOISON=2 -DJOBS=2 -DFAULTS=1 -DMAX_ATTEMPTS=2
ends lease-ends - -DJOBS=1 -DFAULTS=2 -DCANCELS=1 -DERASURES=1 -DRETRIES=1 -DDRAINS=1 -DMAX_ATTEMPTS=2
ends sharing-ends - -DNO_STREAM -DJOBS=3 -DFAULTS=0 -DCANCELS=1 -DRETRIES=1
ends dispatch-ends - -DDISTINCT -DNO_POLL -DJOBS=2 -DFAULTS=1
LIST
    fi
    cat <<'LIST'
broken NO_FENCE one_verdict -DJOBS=1
broken NO_FENCE fenced -DJOBS=1
broken RETRY_RESETS_EPOCH fenced -DJOBS=1 -DRETRIES=1
broken RETRY_RESETS_EPOCH epoch_never_falls -DJOBS=1 -DRETRIES=1
broken VERDICT_UNCHECKED one_verdict -DJOBS=1
broken VERDICT_UNCHECKED erased_stays_erased -DJOBS=1 -DERASURES=1
broken CANCEL_ANY_STATE transition_allowed -DJOBS=1 -DCANCELS=1
broken COMPLETE_DESPITE_CANCEL cancel_stands -DJOBS=1 -DCANCELS=1
broken SWEEP_DESPITE_CANCEL cancel_stands -DJOBS=1 -DCANCELS=1
broken SWEEP_WITHOUT_LEASE worker_lost_means_alone -DJOBS=1
broken COUNT_EVERY_LOSS worker_lost_means_alone -DJOBS=1
broken NO_SWEEP every_job_ends -DJOBS=1
broken NO_STALE every_job_ends -DJOBS=1 -DNO_POLL
broken NEVER_ALONE every_job_ends -DJOBS=1 -DPOISON=1
broken CLAIM_FOLLOWERS one_running -DNO_STREAM
broken NO_LEADER_INDEX one_leader -DNO_STREAM
broken NO_LEADER_LOCK live_leader -DNO_STREAM
broken NO_PROMOTION live_leader -DNO_STREAM -DCANCELS=1
broken NO_RELINK live_leader -DNO_STREAM -DCANCELS=1 -DJOBS=3
broken SETTLE_BEFORE_END live_leader -DNO_STREAM
broken SETTLE_LATER live_leader -DNO_STREAM
broken RETRY_AS_LEADER one_leader -DNO_STREAM -DRETRIES=1
broken RETRY_LOOKS_ONCE one_leader -DNO_STREAM -DRETRIES=1
broken GATE_LEFT_EARLY worker_lost_means_alone -DDISTINCT -DONE_WORKER -DPOISON=2 -DFAULTS=0
LIST
}

# Compiles the model with the options given after the folder and the C compiler's.
compile() {
    local folder=$1 for_pan=$2
    shift 2
    rm -rf "$folder"
    mkdir -p "$folder"
    cd "$folder"
    spin -a "$@" "$model" >spin.log || return
    # shellcheck disable=SC2086 # Several options in one word.
    gcc -w -DMEMLIM="$memory_megabytes" -DNOREDUCE $for_pan -o pan pan.c
}

# pan knows names by numbers only: each mtype's first name has its list's highest.
property_numbered() {
    tr '\n' ' ' <"$model" | grep -o 'mtype = {[^}]*}' | tr -d '{},=' | awk -v number="$1" '
        { for (i = 2; i <= NF; i++) if (before + NF - i + 1 == number) print $i; before += NF - 1 }'
}

# What pan says of one property or of all; `properties` is what it looked at.
judge() {
    local kind=$1 name=$2 property=$3 log=$4 states seconds
    states=$(awk '/states, stored/ { print $1; exit }' "$log")
    seconds=$(sed -n 's/^pan: elapsed time \([0-9.e+-]*\) seconds.*/\1/p' "$log")
    local found=
    if grep -q '^pan:.*assertion violated' "$log"; then
        found=$(property_numbered "$(sed -n 's/^pan:.*assertion violated .*!(\([0-9]*\)).*/\1/p' "$log" | head -n 1)")
    elif grep -q '^pan:.*cycle' "$log"; then
        found=every_job_ends
    elif grep -q '^pan:' "$log" && ! grep -q 'errors: 0' "$log"; then
        found="something else ($(grep -m 1 '^pan:' "$log"))"
    fi
    if [[ $kind == all || $kind == ends ]]; then
        if [[ -n $found ]]; then
            echo "VIOLATED: $name breaks $found; deploy/model.sh --trail $name tells how"
            return 1
        fi
        if ! grep -q 'errors: 0' "$log" || grep -Eq 'max search depth too small|out of memory|memory limit|Search not completed' "$log"; then
            echo "FAILED: $name was not searched to its end; see $log"
            return 1
        fi
        local what="every property"
        if [[ $kind == ends ]]; then what="no run goes on for ever"; fi
        echo "verified: $name: $what, $states states, ${seconds:-0} s"
    elif [[ $found == "$property" ]]; then
        echo "found: $name breaks $property"
    else
        echo "FAILED: $name should break $property, but ${found:-nothing} broke; see $log"
        return 1
    fi
}

check_one() {
    local kind=$1 name=$2 property=$3 folder for_pan
    local -a options run=(-m100000 -w22)
    read -ra options <<<"${4-}"
    folder=$products/$name
    case $kind in
    all)
        for_pan="-O2 -DSAFETY -DCOLLAPSE"
        run=(-m100000 -w24)
        ;;
    ends)
        for_pan="-O2 -DNP -DCOLLAPSE"
        run=(-m100000 -w24 -l)
        ;;
    *)
        folder+=-$property
        options+=("-D$name" "-DONLY=$property")
        options+=(-DSHORTEST)
        for_pan="-O0 -DSAFETY -DBFS"
        ;;
    esac
    if ! compile "$folder" "$for_pan" "${options[@]}" 2>"$folder.log"; then
        echo "FAILED: $name does not compile; see $folder.log"
        return 1
    fi
    rm -f "$folder.log"
    timeout "$run_seconds" "$folder/pan" "${run[@]}" >"$folder/pan.log" 2>&1 || true
    judge "$kind" "$name" "$property" "$folder/pan.log"
}

tell_trail() {
    local kind name property options line
    line=$(list | awk -v name="$1" '$2 == name { print; exit }')
    [[ -n $line ]] || die "there is no $1"
    read -r kind name property options <<<"$line"
    local -a chosen
    read -ra chosen <<<"$options"
    if [[ $kind == broken ]]; then chosen+=("-D$name" "-DONLY=$property"); fi
    local search="-O2 -DSAFETY -DBFS" run="-w24"
    if [[ $kind == ends ]]; then
        search="-O2 -DNP" run="-w24 -l"
    else
        chosen+=(-DSHORTEST)
    fi
    compile "$products/trail" "$search" "${chosen[@]}" || die "the model does not compile"
    # shellcheck disable=SC2086
    timeout "$run_seconds" ./pan -m100000 $run >pan.log 2>&1 || true
    [[ -s job.pml.trail ]] || die "nothing breaks; see $products/trail/pan.log"
    spin -T -B -t -k job.pml.trail "${chosen[@]}" "$model" | sed '/^spin:/d'
}

names=()
while (($# > 0)); do
    case $1 in
    --quick) quick=yes ;;
    --trail)
        (($# == 2)) || { usage >&2; exit 2; }
        trail=$2
        shift
        ;;
    -h | --help)
        usage
        exit
        ;;
    -*)
        usage >&2
        exit 2
        ;;
    *) names+=("$1") ;;
    esac
    shift
done

"$root/deploy/install.sh" model
mkdir -p "$products"
if [[ -n ${trail-} ]]; then
    tell_trail "$trail"
    exit
fi

for name in "${names[@]}"; do
    list | awk -v name="$name" '$2 == name { found = 1 } END { exit !found }' || die "there is no $name"
done
python3 "$root/deploy/check-model.py" "$root"

failures=$products/failures
rm -f "$failures"
while read -r kind name property options; do
    if ((${#names[@]} > 0)) && [[ " ${names[*]} " != *" $name "* ]]; then continue; fi
    while (($(jobs -rp | wc -l) >= at_once)); do wait -n || true; done
    { check_one "$kind" "$name" "$property" "$options" || echo "$name" >>"$failures"; } &
done < <(list)
wait
if [[ -s $failures ]]; then
    echo "model: $(wc -l <"$failures") failed"
    exit 1
fi
echo "model: all as expected"
