#!/usr/bin/env bash
# Audits a user pool, and compares the result with the one before: audit.sh FOLDER
#
# FOLDER has the earlier result, previous.ndjson, if there is one. The script writes there:
#   audit.ndjson  every user with groups, role and reason: the next night's previous.ndjson
#   diff.txt      who gained, lost or changed a role
#   diff.html     the same as a page
#
# Exit codes: 0 no user gained a role, 1 a user gained one or may have, 2 it could not audit or compare. With FIRST_AUDIT=true, a
# result alone is enough.
set -euo pipefail

cd "${1:?give the folder of the results}"
: "${USER_POOL_ID:?set the id of the user pool}"
rolecast=(npx --no-install rolecast)

# Nothing of an earlier run may pass for a result of this one.
rm -f audit.ndjson diff.txt diff.html
"${rolecast[@]}" audit pool --user-pool-id "$USER_POOL_ID" --format ndjson --output audit.ndjson

if [ ! -e previous.ndjson ]; then
  echo 'There is no earlier audit to compare with: no change was looked for.' | tee diff.txt
  # An earlier result that expired must not pass for "no user gained a role".
  if [ "${FIRST_AUDIT:-}" = true ]; then exit 0; else exit 2; fi
fi
"${rolecast[@]}" audit diff previous.ndjson audit.ndjson --format html --output diff.html
code=0
"${rolecast[@]}" audit diff previous.ndjson audit.ndjson --fail-on gained --output diff.txt || code=$?
if [ -e diff.txt ]; then cat diff.txt; fi
exit "$code"
