#!/usr/bin/env bash
# A SLURM cluster of one node on the loopback interface, for the tests of the cluster profiles.
# Debian or Ubuntu, as root; no systemd, no cgroups, no database.
#
#   onebox.sh install    SLURM and munge from the system's packages
#   onebox.sh start      exit status 75, with the reason, where it cannot be started
#   onebox.sh stop       ends what `start` started
#
# GPUs are links to /dev/null that SLURM counts and hands out; processors and memory are pretended too.
# A job's address space is limited to the memory it asked for (VSizeFactor), so that a job which
# asks for too little runs out of it for real, at the same place each time.
set -euo pipefail

dir=/var/lib/interlude-onebox
node=$(hostname -s)
unset SLURM_CONF # the plugin's jobs lose every SLURM_* variable: the config lies in /etc/slurm

cannot() {
    echo "SLURM can not be started: $*" >&2
    exit 75 # EX_TEMPFAIL
}

# alive NAME: whether the daemon that `start` started under this name is running
alive() {
    local pid
    pid=$(cat "$dir/run/$1.pid" 2>/dev/null) || return 1
    [[ -n $pid && $(cat "/proc/$pid/comm" 2>/dev/null) == "$1" ]]
}

# wait_for WHAT COMMAND...: until the command succeeds
wait_for() {
    local what=$1
    shift
    for _ in {1..150}; do
        "$@" >/dev/null 2>&1 && return
        sleep 0.2
    done
    cannot "$what did not come up, see $dir/log"
}

check() {
    ((EUID == 0)) || cannot "it takes root"
    for command in slurmctld slurmd sbatch munged; do
        command -v "$command" >/dev/null || cannot "$command is not installed (make slurm)"
    done
    for file in slurm.conf gres.conf; do
        [[ ! -e /etc/slurm/$file || $(readlink "/etc/slurm/$file") == "$dir/$file" ]] ||
            cannot "/etc/slurm/$file belongs to another cluster"
    done
}

write_config() {
    mkdir -p "$dir"/{run,log,state,spool} /etc/slurm
    for gpu in {0..3}; do ln -sfn /dev/null "$dir/gpu$gpu"; done
    echo "Name=gpu File=$dir/gpu[0-3]" >"$dir/gres.conf"
    cat >"$dir/slurm.conf" <<EOF
ClusterName=onebox
SlurmctldHost=$node(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerParameters=sched_interval=2,batch_sched_delay=0,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
VSizeFactor=100
ReturnToService=2
KillWait=5
MinJobAge=3600
GresTypes=gpu
NodeName=$node NodeAddr=127.0.0.1 CPUs=4 RealMemory=64000 Gres=gpu:4 State=UNKNOWN
PartitionName=debug Nodes=$node Default=YES MaxTime=UNLIMITED State=UP
EOF
    ln -sfn "$dir/slurm.conf" "$dir/gres.conf" /etc/slurm/
}

start_munge() {
    munge -n >/dev/null 2>&1 && return
    [[ -s /etc/munge/munge.key ]] || head -c 128 /dev/urandom >/etc/munge/munge.key
    chown munge:munge /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
    install -d -o munge -g munge -m 755 /run/munge
    install -d -o munge -g munge -m 700 /var/log/munge
    runuser -u munge -- munged
    wait_for munged munge -n
    cp /run/munge/munged.pid "$dir/run/munged.pid"
}

takes_jobs() { [[ $(sinfo --noheader --format=%t) =~ ^(idle|mix|alloc) ]]; }

queue_is_empty() { [[ -z $(squeue --noheader) ]]; }

start() {
    check
    stop # what an interrupted test may have left
    write_config
    start_munge
    slurmctld
    wait_for slurmctld scontrol ping
    slurmd -N "$node"
    wait_for slurmd takes_jobs
}

stop() {
    local pid
    if alive slurmctld; then
        scancel --quiet --user="$(id -un)" || true
        wait_for "the end of all jobs" queue_is_empty
    fi
    for name in slurmd slurmctld munged; do
        alive "$name" || continue
        pid=$(cat "$dir/run/$name.pid")
        kill "$pid"
        wait_for "the end of $name" test ! -e "/proc/$pid/exe" # a zombie has none
    done
    for file in slurm.conf gres.conf; do
        [[ $(readlink "/etc/slurm/$file") != "$dir/$file" ]] || rm "/etc/slurm/$file"
    done
    rm -rf "$dir"
}

install_packages() {
    ((EUID == 0)) || cannot "installing it takes root"
    command -v apt-get >/dev/null || cannot "there is no apt-get to install it"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        slurmctld slurmd slurm-client munge >/dev/null
}

case ${1:-} in
install) install_packages ;;
start) start ;;
stop) stop ;;
*) cannot "say install, start or stop" ;;
esac
