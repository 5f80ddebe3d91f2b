"""What this machine lets us do to keep runs apart, as sentences for people."""

from services.executor.local.protocol import Capabilities


def describe(machine: Capabilities) -> list[str]:
    """One for each protection: that it is there, or why not and what follows."""
    return [
        _sentence(
            machine.no_namespaces,
            "Each run sees a file system, processes, shared memory and a list of accounts of its"
            " own, with its files in /home/jovyan",
            "Runs share the file system, accounts and process table of this machine, have no"
            " /home/jovyan (their files are in $HOME) and no memory or queues of System V"
            + (
                ""
                if machine.private_devices
                else ", nor terminals and /dev/shm (multiprocessing needs it)"
            ),
        ),
        _sentence(
            machine.no_uids,
            "Each run has a uid of its own",
            "Runs share our uid"
            + ("" if machine.private_devices else ": trust whoever may upload"),
        ),
        _sentence(
            "" if machine.landlock else "this kernel has no Landlock",
            "Runs can open only their own files, the system's and their environment's"
            + (", and signal only their own processes" if machine.landlock >= 6 else "")
            + f". {_network(machine)}",
            "Runs can open whatever their uid may, and listen on any port",
        ),
        _sentence(
            "" if machine.cgroup_parent else "no writable cgroup v2 directory with that controller",
            "Each run is in a control group of its own",
            "Memory is limited for each process, not for a run as a whole",
        ),
        _sentence(
            machine.no_zygotes,
            "Runs are forked from warm interpreters",
            "Each run is a new interpreter",
        ),
    ]


def _network(machine: Capabilities) -> str:
    """All runs and servers of the machine share one network."""
    if machine.landlock < 4:
        return "They can listen on the platform's ports: that takes Landlock of Linux 6.7"
    few = "They can listen on any free port and some that are usual, on no others"
    if machine.no_syscall_filter or machine.no_port_broker:
        return f"{few}: {machine.no_syscall_filter or machine.no_port_broker}"
    return "They can't listen on the platform's ports"


def _sentence(refusal: str, given: str, missing: str) -> str:
    return f"{missing}: {refusal}." if refusal else f"{given}."
