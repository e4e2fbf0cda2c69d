import { env } from 'node:process'
import { onAbort } from '../../abort.js'
import type { RolecastError } from '../../errors.js'
import { type CallContext, failure, toFailure } from './api-error.js'
import { type Diagnosis, isConnectionFailure, isPassingStatus, NO_INSTANCE_METADATA, NO_METADATA } from './diagnosis.js'

/**
 * As `toFailure`, but it also finds out what the SDK does not say: the SDK's chain of credential providers ends in the same
 * error if there are no credentials and if the endpoint of a container or an EC2 instance is temporarily down.
 *
 * @param signal of the caller: when it aborts, the failure is `aborted`
 */
export async function explainFailure(
  cause: unknown,
  context: CallContext,
  signal?: AbortSignal,
): Promise<RolecastError> {
  const source = cause instanceof Error ? sourceOf(cause.message) : undefined
  if (source === undefined) return withMissingProfile(toFailure(cause, context), cause, context)
  const state = await ask(source, signal)
  if (signal?.aborted) return failure('aborted', context, { cause: signal.reason })
  if (state === 'answers' || (state === 'silent' && !source.isThere))
    return withMissingProfile(toFailure(cause, context), cause, context)
  return failure(source.diagnosis.code, context, { cause, diagnosis: source.diagnosis })
}

/** A client that the caller gives skips a profile of AWS_PROFILE that does not exist, and does not report it. */
async function withMissingProfile(found: RolecastError, cause: unknown, context: CallContext): Promise<RolecastError> {
  if (found.code !== 'no-credentials' || found === cause || !env.AWS_PROFILE) return found
  const fault = await (await import('./aws-profile.js')).profileFault()
  if (fault === undefined) return found
  const { what: note, next } = fault
  return failure('no-credentials', context, { cause, note, diagnosis: { code: 'no-credentials', next } })
}

/** Where the SDK looked for credentials last. */
interface Source {
  readonly url: URL
  readonly request: RequestInit
  /** Whether it is known to exist, so that a missing response counts as a failure. */
  readonly isThere: boolean
  readonly diagnosis: Diagnosis
}

/** Only the source that the SDK tried: its variables are read as the SDK reads them. */
function sourceOf(message: string): Source | undefined {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = env
  const isExhausted = message === CHAIN_EXHAUSTED
  const container = relative ? `http://169.254.170.2${relative}` : full
  if (container) return isExhausted || message.endsWith(NOT_ECS) ? containerAt(container) : undefined
  return isExhausted && !isOn(env.AWS_EC2_METADATA_DISABLED) ? instanceMetadata() : undefined
}

const CHAIN_EXHAUSTED = 'Could not load credentials from any providers'

/** The SDK's last words for an endpoint that is neither ECS nor this machine, as that of EKS, whatever failed before. */
const NOT_ECS = ' is not a valid container metadata service hostname'

/** As the SDK reads the variable. */
function isOn(variable: string | undefined): boolean {
  return variable !== undefined && variable !== '' && variable !== 'false'
}

function containerAt(address: string): Source | undefined {
  if (!URL.canParse(address)) return undefined
  const url = new URL(address)
  return isAccepted(url) ? { url, request: {}, isThere: true, diagnosis: NO_METADATA } : undefined
}

/** Whether the SDK would send a request there: any host with https, and with http this machine, ECS and EKS. */
function isAccepted({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true
  return protocol === 'http:' && (HTTP_HOSTS.has(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname))
}

const HTTP_HOSTS: ReadonlySet<string> = new Set([
  'localhost',
  '[::1]',
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
])

/** A machine outside EC2 has no such service, so a missing response shows nothing. */
function instanceMetadata(): Source | undefined {
  const { AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: mode } = env
  const base = endpoint || (mode === 'IPv6' ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254')
  if (!URL.canParse('/latest/api/token', base)) return undefined
  return {
    url: new URL('/latest/api/token', base),
    request: { method: 'PUT', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' } },
    isThere: false,
    diagnosis: NO_INSTANCE_METADATA,
  }
}

/** Milliseconds; the SDK gives these endpoints as long. */
const TIMEOUT = 1_000

/**
 * Sends one request, without the authorization that the SDK sends. The response can be a credential, so it is not read.
 *
 * @returns `answers` also for a 4xx, which is a response of the endpoint, and if no connection was tried
 */
async function ask(
  { url, request }: Source,
  signal: AbortSignal | undefined,
): Promise<'answers' | 'failing' | 'silent'> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), TIMEOUT)
  const ignoreOuter = onAbort(signal, () => deadline.abort())
  try {
    const { status, body } = await fetch(url, { ...request, redirect: 'manual', signal: deadline.signal })
    await body?.cancel()
    return isPassingStatus(status) ? 'failing' : 'answers'
  } catch (error) {
    return deadline.signal.aborted || isConnectionFailure(error) ? 'silent' : 'answers'
  } finally {
    clearTimeout(timer)
    ignoreOuter()
  }
}
