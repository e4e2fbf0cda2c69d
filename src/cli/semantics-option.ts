import { type Command, Option } from 'commander'
import { type CheckedCalibration, readCalibration } from '../claims/calibration.js'
import type { SemanticsChoice } from '../claims/choose-semantics.js'
import { type Semantics, SEMANTICS } from '../claims/decide.js'
import { isRolecastError, quote, RolecastError } from '../errors.js'
import { invalidFile, readJsonFile } from './json-file.js'

export interface SemanticsCommandOptions {
  readonly semantics?: Semantics
  /** A file. */
  readonly calibration?: string
}

/** `--semantics` and `--calibration`, of which one can be given. */
export function addSemanticsOptions(command: Command): Command {
  return command.addOption(semanticsOption()).addOption(calibrationOption())
}

export function semanticsOption(): Option {
  return new Option('--semantics <reading>', 'which reading of the rules to apply')
    .choices(SEMANTICS)
    .default('observed')
}

export function calibrationOption(): Option {
  return new Option(
    '--calibration <file>',
    'apply the reading that a scratch user pool showed, from `rolecast calibrate --json`',
  ).conflicts('semantics')
}

/** What the options choose. The file is read and checked here, so that a command can fail before it starts. */
export async function readSemantics({
  semantics = 'observed',
  calibration,
}: SemanticsCommandOptions): Promise<SemanticsChoice> {
  return calibration === undefined ? { semantics } : { calibration: await readCalibrationFile(calibration) }
}

/** @throws RolecastError `invalid-input` for a file that is not JSON, `invalid-calibration` */
async function readCalibrationFile(path: string): Promise<CheckedCalibration> {
  const content = await readJsonFile(path, invalidFile('calibration', path, 'rolecast calibrate --json'))
  try {
    return readCalibration(content)
  } catch (error) {
    if (!isRolecastError(error)) throw error
    throw new RolecastError(error.code, `the file ${quote(path)}: ${error.message}`, { value: path, cause: error })
  }
}
