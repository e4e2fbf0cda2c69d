// A CloudFormation Hook, run with the events of docs/examples/events: `node docs/examples/hook.mjs`.
import { readFileSync } from 'node:fs'
import { createHookHandler } from 'rolecast/handlers'

const read = name => readFileSync(new URL(`events/${name}`, import.meta.url), 'utf8')

export const handler = createHookHandler({
  // In place of Amazon S3, where CloudFormation leaves the template. In a Lambda function, leave it out.
  fetch: async () => new Response(read('hook-payload.json')),
})

for (const name of ['hook-stack.json', 'hook-change-set.json', 'hook-resource.json'])
  console.log(JSON.stringify(await handler(JSON.parse(read(name)))))
