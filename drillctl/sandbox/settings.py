"""Server settings as data: neutral always, loading while rows come in, serving for the checks.

Sources: PostgreSQL documentation, "Populating a Database" (14.4) and "Non-Durable Settings" (14.5).
"""

from __future__ import annotations

from collections.abc import Mapping

MIB = 1 << 20

# The major in which a setting came; an older server refuses to start with it.
_SINCE = {
    "log_parameter_max_length_on_error": 13,
    "client_connection_check_interval": 14,
    "archive_library": 15,
}


def known_to(major: int, settings: Mapping[str, str]) -> dict[str, str]:
    """`settings` without those that a server of this major does not know yet."""
    return {name: value for name, value in settings.items() if _SINCE.get(name, 0) <= major}


def shown(settings: Mapping[str, str]) -> dict[str, str]:
    """What SHOW answers for each of `settings` when it holds."""
    return dict(settings) | (
        {"archive_command": "(disabled)"} if settings.get("archive_mode") == "off" else {}
    )


def neutral(nonce: str) -> Mapping[str, str]:
    """Set before the first start of any restored server and asked back after it: it must not push
    WAL into production's archive, follow production's primary, or run production's jobs."""
    return {
        "cluster_name": nonce,
        "listen_addresses": "",
        "archive_mode": "off",
        "archive_command": "",
        "archive_library": "",
        "primary_conninfo": "",
        "primary_slot_name": "",
        "shared_preload_libraries": "",
        "session_preload_libraries": "",
        "local_preload_libraries": "",
        "max_logical_replication_workers": "0",
        "ssl": "off",
        "logging_collector": "off",
        "log_destination": "stderr",
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
        "log_error_verbosity": "terse",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "client_connection_check_interval": "1s",
    }


def loading(memory: int, cpus: float) -> Mapping[str, str]:
    """Nothing durable, WAL minimal, no autovacuum: a crash means starting the restore again."""
    return {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "autovacuum": "off",
        "checkpoint_timeout": "1d",
        "max_wal_size": "16GB",
        "wal_buffers": "64MB" if memory >= 512 * MIB else "8MB",
        "shared_buffers": f"{max(64, min(256, memory // MIB // 4))}MB",
        "maintenance_work_mem": f"{max(32, memory // MIB // 8)}MB",
        "max_parallel_maintenance_workers": str(max(0, int(cpus) - 1)),
    }


def serving(memory: int, cpus: float) -> Mapping[str, str]:
    """As a production server would stand: durable again, planner statistics and workers normal."""
    return {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_level": "replica",
        "autovacuum": "on",
        "shared_buffers": f"{max(64, memory // MIB // 4)}MB",
        "work_mem": f"{max(4, memory // MIB // 64)}MB",
        "max_parallel_workers_per_gather": str(max(0, int(cpus) - 1)),
        "jit": "off",
    }
