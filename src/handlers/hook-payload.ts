import { isS3Host } from '../aws-hosts.js'
import { quote, RolecastError } from '../errors.js'
import { field } from '../template/json-text.js'

/** The part of `fetch` that is used here. */
export type Fetch = (
  address: string,
  init: { readonly redirect: 'error'; readonly signal: AbortSignal },
) => Promise<Response>

/** A template has at most a million bytes; the file has two of them, escaped, and the changed resources. */
const MAX_BYTES = 20_000_000

interface Download {
  readonly download: Fetch
  /** In milliseconds. */
  readonly timeout: number
}

/**
 * The template that CloudFormation left for a hook. The address comes with the event, so only Amazon S3 is
 * called, over HTTPS, and redirects are not followed. The address contains a signature, so no message shows it.
 *
 * @throws RolecastError as a rejection: `invalid-event`, `timeout`, `unreachable`, `malformed-response`
 */
export async function readHookTemplate(payload: unknown, { download, timeout }: Download): Promise<string> {
  const address = checkAddress(payload)
  const signal = AbortSignal.timeout(timeout)
  let text: string
  try {
    const response = await download(address.href, { redirect: 'error', signal })
    if (!response.ok) throw malformed(`Amazon S3 responded with ${response.status}`)
    text = await readText(response)
  } catch (cause) {
    if (cause instanceof RolecastError) throw cause
    if (signal.aborted) {
      const what = `the template did not arrive within ${timeout} ms`
      throw new RolecastError('timeout', `${what}; raise \`timeout\`, or retry the operation`, { retryable: true })
    }
    const what = `the template cannot be downloaded from ${quote(address.host)}`
    throw new RolecastError('unreachable', `${what}; check the function's network`, { retryable: true, cause })
  }
  const template = field(parse(text), 'template')
  if (typeof template !== 'string' || template === '') throw malformed('the file of the hook has no string `template`')
  return template
}

function checkAddress(payload: unknown): URL {
  const address = typeof payload === 'string' && URL.canParse(payload) ? new URL(payload) : undefined
  if (address?.protocol === 'https:' && address.port === '' && isS3Host(address.hostname)) return address
  const what =
    address === undefined
      ? 'the event has no template address in `requestData.payload`'
      : `the address of the template in the event, at ${quote(address.host)}, is not one of Amazon S3 over HTTPS`
  throw new RolecastError('invalid-event', `${what}; let nothing but CloudFormation invoke the function`)
}

/** @throws RolecastError `malformed-response`: more than a template can have, or not UTF-8 */
async function readText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let size = 0
  try {
    for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength
      if (size > MAX_BYTES) throw malformed(`the file of the hook has more than ${MAX_BYTES} bytes`)
      text += decoder.decode(chunk, { stream: true })
    }
    return text + decoder.decode()
  } catch (cause) {
    if (cause instanceof TypeError && (cause as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw malformed('the file of the hook is not UTF-8', cause)
    throw cause
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw malformed('the file of the hook is not JSON', cause)
  }
}

function malformed(what: string, cause?: unknown): RolecastError {
  return new RolecastError('malformed-response', `${what}; retry the operation`, { cause })
}
