import { type Command, Option } from 'commander'
import { quote, RolecastError } from '../errors.js'
import { inGroup } from './option-group.js'
import { toWritten } from './output-option.js'

/** The options of commands that read all users of live pools. */
export interface ReadingOptions {
  readonly strategy?: 'per-group' | 'per-user'
  readonly membershipsPerUser?: number
  readonly attributes?: readonly string[]
  readonly requestsPerSecond?: readonly Rate[]
  readonly checkpoint?: string
  /** Milliseconds. */
  readonly maxCheckpointAge?: number
  readonly takeOver?: boolean
  readonly dryRun?: boolean
}

export interface Rate {
  readonly api: 'ListGroups' | 'ListUsers' | 'AdminListGroupsForUser'
  readonly perSecond: number
}

/**
 * @param checkpoint `file`, or `folder` if it is for several pools
 * @param more options of the command that belong to these
 */
export function addReadingOptions(
  command: Command,
  checkpoint: 'file' | 'folder',
  ...more: readonly Option[]
): Command {
  return inGroup(command, 'Reading live pools', () => {
    command
      .addOption(
        new Option(
          '--strategy <way>',
          'read the users of each group, or the groups of each user; default: the faster one',
        ).choices(['per-group', 'per-user']),
      )
      .option('--memberships-per-user <n>', 'average number of groups per user, for the estimate; default: 3', toNumber)
      .option(
        '--requests-per-second <api=n>',
        "calls per second, for each account in each Region; the defaults are Cognito's quotas: ListGroups=5, ListUsers=30 (with ListUsersInGroup) and AdminListGroupsForUser=50; repeatable",
        (text: string, rates: readonly Rate[] = []) => [...rates, toRate(text)],
      )
      .option(
        `--checkpoint <${checkpoint}>`,
        `save what is read to this ${checkpoint}, so that the same command resumes from it after an interruption`,
        toWritten,
      )
      .option(
        '--max-checkpoint-age <duration>',
        'do not resume from a checkpoint that was started longer ago than this, such as 90m, 12h or 2d; default: 1d',
        toDuration,
      )
      .option(
        '--take-over',
        'also resume from a checkpoint that is locked by a process which cannot be checked from here, such as one on another machine; use this only if that process has ended',
      )
      .option('--dry-run', 'print what reading would cost, check that nothing it needs is missing, and stop')
    for (const option of more) command.addOption(option)
  })
}

/** The options under their names in the library. */
export function readingOf(options: ReadingOptions) {
  const { strategy, membershipsPerUser, attributes, maxCheckpointAge, takeOver } = options
  const rate = (api: Rate['api']) => options.requestsPerSecond?.findLast(one => one.api === api)?.perSecond
  return {
    strategy,
    membershipsPerUser,
    attributes,
    maxCheckpointAge,
    takeOver,
    requestsPerSecond: rate('ListGroups'),
    rates: { ListUsers: rate('ListUsers'), AdminListGroupsForUser: rate('AdminListGroupsForUser') },
  }
}

/** For commands that report attributes of users. */
export function attributesOption(): Option {
  return new Option(
    '--attributes <names>',
    'also read these attributes of each user, in addition to sub; separated by commas, such as email,custom:team; with files: the attributes that become columns of a CSV; repeatable',
  ).argParser((text: string, names: readonly string[] = []) => [...names, ...text.split(',').map(name => name.trim())])
}

const UNIT = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

function toDuration(text: string): number {
  const [, number, unit] = /^(\d{1,6}(?:\.\d{1,3})?)([mhd])$/.exec(text) ?? []
  if (number !== undefined && unit !== undefined) return Number(number) * UNIT[unit as keyof typeof UNIT]
  throw new RolecastError('invalid-argument', `${quote(text)} is not a duration; give one such as 90m, 12h or 2d`, {
    value: text,
  })
}

function toNumber(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new RolecastError('invalid-argument', `${quote(text)} is not a number; give one such as 3`, { value: text })
}

function toRate(text: string): Rate {
  const [, api, number] = /^(ListGroups|ListUsers|AdminListGroupsForUser)=([\d.]+)$/.exec(text) ?? []
  const perSecond = Number(number)
  if (api !== undefined && perSecond > 0) return { api: api as Rate['api'], perSecond }
  throw new RolecastError(
    'invalid-argument',
    `${quote(text)} is not a rate; give --requests-per-second ListUsers=15, ListGroups=… or AdminListGroupsForUser=…`,
    {
      value: text,
    },
  )
}
