"""Kafka record batches (format v2) as bytes: parsed, scanned, built, split, merged and re-headed."""

from understudy.core.batches.batch import Batch, parse
from understudy.core.batches.build import build, build_columns, control_batch
from understudy.core.batches.compression import (
    MAX_INFLATED_BYTES,
    Codec,
    DecompressionTooLarge,
    MissingCodec,
)
from understudy.core.batches.records import Columns, Headers, Record
from understudy.core.batches.scan import AbortedTransaction, Scanned, batches_in, committed, scan
from understudy.core.batches.split import merge, rebuild, split
from understudy.core.batches.stamp import Restamped, relocate, restamp, restamped

__all__ = [
    "MAX_INFLATED_BYTES",
    "AbortedTransaction",
    "Batch",
    "Codec",
    "Columns",
    "DecompressionTooLarge",
    "Headers",
    "MissingCodec",
    "Record",
    "Restamped",
    "Scanned",
    "batches_in",
    "build",
    "build_columns",
    "committed",
    "control_batch",
    "merge",
    "parse",
    "rebuild",
    "relocate",
    "restamp",
    "restamped",
    "scan",
    "split",
]
