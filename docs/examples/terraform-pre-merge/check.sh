#!/usr/bin/env bash
# What a pull request must pass. With USER_POOL_ID, the configuration is also compared with that user pool as it is now.
#
# Exit codes: 0 nothing found, 1 a finding or something that was not followed, 2 the check could not run.
set -euo pipefail
cd "$(dirname "$0")"

live=()
if [ -n "${USER_POOL_ID:-}" ]; then live=(--against-user-pool-id "$USER_POOL_ID"); fi
format=text
if [ -n "${GITHUB_ACTIONS:-}" ]; then format=github; fi
npx --no-install rolecast validate . --strict --fail-on warning --format "$format" "${live[@]}"
