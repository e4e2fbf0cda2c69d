import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { loadSharedConfigFiles } from '@smithy/core/config'
import { quote, RolecastError } from '../../errors.js'
import { closest } from '../../text.js'

/**
 * @param profile without it, that of AWS_PROFILE
 * @throws RolecastError `no-credentials` as a rejection: the SDK would skip the profile and use the credentials of the
 * machine, which are not those that you asked for
 */
export async function checkProfile(profile?: string): Promise<void> {
  const fault = await profileFault(profile)
  if (fault === undefined) return
  throw new RolecastError('no-credentials', `${fault.what}; ${fault.next}`, { value: profile || env.AWS_PROFILE })
}

/** Why the SDK would skip a profile, and what to do. */
export interface ProfileFault {
  readonly what: string
  readonly next: string
}

/**
 * Whether the SDK does not find a profile, or a file that may have it cannot be read. `default` needs no file.
 *
 * @param given without it, the profile of AWS_PROFILE
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export async function profileFault(given?: string): Promise<ProfileFault | undefined> {
  const profile = given || env.AWS_PROFILE
  if (!profile) return undefined
  const subject = `the AWS profile ${quote(profile)}${given ? '' : ', which AWS_PROFILE names,'}`
  const { files, unreadable, written, names } = await readProfiles()
  if (unreadable !== undefined) {
    const { file, code } = unreadable
    return {
      what: `${subject} cannot be looked up, because ${quote(file)} cannot be read (${code})`,
      next: 'make the file readable, or let AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name others',
    }
  }
  if (profile === 'default' || names.has(profile)) return undefined
  const places = `${quote(files[0])} nor ${quote(files[1])}`
  if (written.has(profile))
    return {
      what: `${subject} is in neither ${places} in a form that the AWS SDK reads`,
      next: 'write `[profile NAME]` in the first or `[NAME]` in the second, without a space in NAME and with a setting below',
    }
  const near = closest(profile, names)
  return {
    what: `${subject} is in neither ${places}`,
    next:
      near === undefined
        ? 'check the name, or list the profiles with `aws configure list-profiles`'
        : `did you mean ${quote(near)}? \`aws configure list-profiles\` lists them`,
  }
}

/** The profiles that the SDK finds. */
export async function profileNames(): Promise<readonly string[]> {
  return [...(await readProfiles()).names]
}

interface Profiles {
  readonly files: readonly [config: string, credentials: string]
  /** A file that exists and may have anything in it. */
  readonly unreadable: { readonly file: string; readonly code: string } | undefined
  /** Names that may have been intended as a profile. */
  readonly written: ReadonlySet<string>
  /** Names that the SDK accepts as a profile. */
  readonly names: ReadonlySet<string>
}

async function readProfiles(): Promise<Profiles> {
  const files = configurationFiles()
  const [configFilepath, filepath] = files
  const texts = await Promise.all(files.map(readText))
  // The SDK's own parser: it drops sections that it does not know, and files that it cannot read.
  const { configFile, credentialsFile } = await loadSharedConfigFiles({ configFilepath, filepath, ignoreCache: true })
  const inConfig = Object.keys(configFile).filter(name => !/^(?:sso-session|services)\./.test(name))
  return {
    files,
    unreadable: files.flatMap((file, at) => {
      const { code } = texts[at]!
      return code === undefined ? [] : { file, code }
    })[0],
    written: new Set(texts.flatMap(({ text }) => sectionsOf(text))),
    names: new Set([...inConfig, ...Object.keys(credentialsFile)]),
  }
}

/** The names in `[profile work]`, `[work]` and `[profile "my work"]`. */
function sectionsOf(text: string): readonly string[] {
  return text.split('\n').flatMap(line => {
    const [, section] = /^\[([^\]]+)\]/.exec(line.trim()) ?? []
    if (section === undefined) return []
    return [
      section
        .trim()
        .replace(/^profile\s+/, '')
        .replaceAll(/["']/g, ''),
    ]
  })
}

/** A file that does not exist counts as empty; one that cannot be read may contain anything. */
async function readText(file: string): Promise<{ readonly text: string; readonly code?: string }> {
  try {
    return { text: await readFile(file, 'utf8') }
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? { text: '' } : { text: '', code }
  }
}

/** Where the SDK looks. */
function configurationFiles(): readonly [config: string, credentials: string] {
  const { HOME, USERPROFILE, HOMEPATH, HOMEDRIVE = 'C:\\', AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE } = env
  const home = HOME || USERPROFILE || (HOMEPATH ? `${HOMEDRIVE}${HOMEPATH}` : homedir())
  const file = (given: string | undefined, name: string) => {
    if (!given) return join(home, '.aws', name)
    return given.startsWith('~/') ? join(home, given.slice(2)) : given
  }
  return [file(AWS_CONFIG_FILE, 'config'), file(AWS_SHARED_CREDENTIALS_FILE, 'credentials')]
}
