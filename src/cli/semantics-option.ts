import type { Readable } from 'node:stream'
import { type Command, Option } from 'commander'
import { type CheckedCalibration, readCalibration } from '../claims/calibration.js'
import type { SemanticsChoice } from '../claims/choose-semantics.js'
import { type Semantics, SEMANTICS } from '../claims/decide.js'
import { isRolecastError, RolecastError } from '../errors.js'
import { inputName, inputOption } from './input-file.js'
import { invalidFile, readJsonFile } from './json-file.js'
import { inGroup } from './option-group.js'

export interface SemanticsCommandOptions {
  readonly semantics?: Semantics
  /** A file. */
  readonly calibration?: string
}

/**
 * `--semantics` and `--calibration`, of which one can be given.
 *
 * @param byDefault what applies without both, if not `observed`
 */
export function addSemanticsOptions(command: Command, byDefault?: string): Command {
  const semantics = new Option(
    '--semantics <reading>',
    `which reading of the rules to apply${byDefault === undefined ? '' : `; default: ${byDefault}`}`,
  ).choices(SEMANTICS)
  if (byDefault === undefined) semantics.default('observed')
  return inGroup(command, 'Rules', () => command.addOption(semantics).addOption(calibrationOption()))
}

function calibrationOption(): Option {
  return inputOption(
    '--calibration <file>',
    'apply the reading that the tokens of a scratch user pool showed, from `rolecast calibrate --json`',
  ).conflicts('semantics')
}

/**
 * The reading that the options choose. The file is read and checked here, so that a command can fail before it starts.
 */
export async function readSemantics(
  { semantics = 'observed', calibration }: SemanticsCommandOptions,
  stdin: Readable,
): Promise<SemanticsChoice> {
  return calibration === undefined ? { semantics } : { calibration: await readCalibrationFile(calibration, stdin) }
}

/** @throws RolecastError `invalid-input` for a file that is not JSON, `invalid-calibration` */
async function readCalibrationFile(path: string, stdin: Readable): Promise<CheckedCalibration> {
  const content = await readJsonFile(path, stdin, invalidFile('calibration', path, 'rolecast calibrate --json'))
  try {
    return readCalibration(content)
  } catch (error) {
    if (!isRolecastError(error)) throw error
    throw new RolecastError(error.code, `the file ${inputName(path)}: ${error.message}`, { value: path, cause: error })
  }
}
