"""Imports every file of faults, so that the list is full."""

import clip_faults
import clock_faults
import disk_faults
import drain_faults
import fairness_faults
import gateway_faults
import postgres_faults
import redis_faults
import request_faults
import sharing_faults
import stale_faults
import start_faults
import upload_faults
import worker_faults

__all__ = [
    "clip_faults",
    "clock_faults",
    "disk_faults",
    "drain_faults",
    "fairness_faults",
    "gateway_faults",
    "postgres_faults",
    "redis_faults",
    "request_faults",
    "sharing_faults",
    "start_faults",
    "stale_faults",
    "upload_faults",
    "worker_faults",
]
