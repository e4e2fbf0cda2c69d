import { readFileSync } from 'node:fs'
import type {
  PreTokenGenerationTriggerEvent,
  PreTokenGenerationTriggerHandler,
  PreTokenGenerationV2TriggerEvent,
  PreTokenGenerationV3TriggerEvent,
} from 'aws-lambda'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { applyGroupOverride, type GroupConfiguration, groupConfigurations, resolveRoles } from '../../src/index.js'

type Events = PreTokenGenerationTriggerEvent | PreTokenGenerationV2TriggerEvent | PreTokenGenerationV3TriggerEvent
type Configuration<Event extends Events> = Event['request']['groupConfiguration']

const resolution = resolveRoles([
  { groupName: 'editors', precedence: 5, roleArn: 'arn:aws:iam::111122223333:role/Editor' },
])

const event = (groupConfiguration: Configuration<PreTokenGenerationTriggerEvent>): PreTokenGenerationTriggerEvent => ({
  version: '1',
  region: 'eu-west-1',
  userPoolId: 'eu-west-1_Ab12Cd34e',
  triggerSource: 'TokenGeneration_Authentication',
  userName: 'jane',
  callerContext: { awsSdkVersion: 'x', clientId: 'x' },
  request: { userAttributes: {}, groupConfiguration },
  response: { claimsOverrideDetails: {} },
})

describe('the types of @types/aws-lambda', () => {
  test('an event of each version, and its response, are what `applyGroupOverride` takes', () => {
    type Given = Parameters<typeof applyGroupOverride>[1]
    expectTypeOf<PreTokenGenerationTriggerEvent>().toExtend<Given>()
    expectTypeOf<PreTokenGenerationV2TriggerEvent>().toExtend<Given>()
    expectTypeOf<PreTokenGenerationV3TriggerEvent>().toExtend<Given>()
    expectTypeOf<PreTokenGenerationTriggerEvent['response']>().toExtend<Given>()
    expectTypeOf<PreTokenGenerationV2TriggerEvent['response']>().toExtend<Given>()
    expectTypeOf<PreTokenGenerationV3TriggerEvent['response']>().toExtend<Given>()
  })

  test('a group configuration fits but for the null of no preferred role, which they do not have', () => {
    expectTypeOf<GroupConfiguration>().not.toExtend<Configuration<Events>>()
    expectTypeOf<Omit<GroupConfiguration, 'preferredRole'>>().toExtend<Configuration<PreTokenGenerationTriggerEvent>>()
    expectTypeOf<Omit<GroupConfiguration, 'preferredRole'>>().toExtend<
      Configuration<PreTokenGenerationV2TriggerEvent>
    >()
    expectTypeOf<Omit<GroupConfiguration, 'preferredRole'>>().toExtend<
      Configuration<PreTokenGenerationV3TriggerEvent>
    >()
    expectTypeOf<null>().not.toExtend<Configuration<Events>['preferredRole']>()
  })

  test('the page says how, for each version, and the handler gets what the real service sends', async () => {
    const [first] = groupConfigurations(resolveRoles([]))
    const sent = event(first as Configuration<PreTokenGenerationTriggerEvent>)
    void (first as Configuration<PreTokenGenerationV2TriggerEvent>)
    void (first as Configuration<PreTokenGenerationV3TriggerEvent>)
    expect(sent.request.groupConfiguration).toStrictEqual({
      groupsToOverride: [],
      iamRolesToOverride: [],
      preferredRole: null,
    })
    const page = readFileSync(new URL('../../docs/pre-token.md', import.meta.url), 'utf8')
    expect(page).toContain("as PreTokenGenerationTriggerEvent['request']['groupConfiguration']")
  })

  test('so a typed handler is run on every configuration, and its response forecast, without another cast', async () => {
    const handler: PreTokenGenerationTriggerHandler = async given => ({
      ...given,
      response: { claimsOverrideDetails: { groupOverrideDetails: given.request.groupConfiguration } },
    })
    const forecasts = await Promise.all(
      groupConfigurations(resolution).map(async configuration => {
        const given = event(configuration as Configuration<PreTokenGenerationTriggerEvent>)
        const answer = (await handler(given, {} as never, () => {})) as PreTokenGenerationTriggerEvent
        return applyGroupOverride(resolution, answer).idToken
      }),
    )
    expect(forecasts).toStrictEqual([resolution.claims])
  })
})
