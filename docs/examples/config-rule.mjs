// A rule of AWS Config, run with the events of docs/examples/events: `node docs/examples/config-rule.mjs`.
import { readFileSync } from 'node:fs'
import { createConfigRuleHandler } from 'rolecast/handlers'

const read = name => JSON.parse(readFileSync(new URL(`events/${name}`, import.meta.url), 'utf8'))
const role = name => `arn:aws:iam::111122223333:role/${name}`

export const handler = createConfigRuleHandler({
  // In a Lambda function: userPoolId => takeSnapshot({ userPoolId })
  listGroups: async userPoolId => ({
    userPoolId,
    Groups: [
      { GroupName: 'admins', Precedence: 1, RoleArn: role('Admin') },
      { GroupName: 'staff', Precedence: 1, RoleArn: role('Staff') },
    ],
  }),
  // In a Lambda function: input => config.send(new PutEvaluationsCommand(input))
  putEvaluations: async ({ Evaluations }) => {
    for (const evaluation of Evaluations) console.log(JSON.stringify(evaluation))
  },
  userPoolIds: ['eu-west-1_Ab12Cd34e'],
})

for (const name of ['config-group-changed.json', 'config-scheduled.json', 'config-oversized.json'])
  await handler(read(name))
