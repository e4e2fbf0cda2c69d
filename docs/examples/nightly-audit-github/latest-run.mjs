/**
 * Prints the run that made the newest result, from what GitHub says of the artifacts with its name (on stdin, a list of
 * pages); nothing if there is none. Only runs of this repository's main branch count: a pull request from a fork can upload an artifact of any
 * name, and its branch can be called main too.
 */
import { text } from 'node:stream/consumers'

const pages = JSON.parse(await text(process.stdin))
const artifacts = pages.flatMap(page => page.artifacts)
const ours = artifacts.filter(
  ({ expired, workflow_run: run }) =>
    !expired && run.head_branch === 'main' && run.head_repository_id === run.repository_id,
)
const newest = ours.reduce((a, b) => (a === undefined || b.created_at > a.created_at ? b : a), undefined)
if (newest !== undefined) console.log(newest.workflow_run.id)
