#!/bin/sh
# One task of the state machine: audits one user pool into $DATA/audits, and reads on where the last task of it stopped.
set -eu
mkdir -p "$DATA/audits" "$DATA/checkpoints"
# --take-over: Step Functions starts a task again only after the last one has stopped, which a lock in a shared folder cannot show.
exec rolecast audit pool --user-pool-id "$USER_POOL_ID" \
  --checkpoint "$DATA/checkpoints/$USER_POOL_ID" --max-checkpoint-age 30d --take-over \
  --format ndjson --output "$DATA/audits/$USER_POOL_ID.ndjson"
