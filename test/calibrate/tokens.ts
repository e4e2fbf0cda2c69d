import { Buffer } from 'node:buffer'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CompactSign, exportJWK, generateKeyPair } from 'jose'

export const userPoolId = 'eu-west-1_Ab12Cd34e'
export const ISSUER = `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`
export const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

/** Seconds since the epoch. */
export const ISSUED_AT = Date.UTC(2026, 10, 29, 12) / 1_000

export interface Signer {
  readonly kid: string
  /** The public key. */
  readonly jwk: Readonly<Record<string, unknown>>
  /** A token of these claims. The header can have anything, and so can the payload, as text. */
  sign(claims: object | string, header?: Readonly<Record<string, unknown>>): Promise<string>
}

export async function createSigner(kid = 'key-1'): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }
  return {
    kid,
    jwk,
    sign(claims, header = {}) {
      const payload = Buffer.from(typeof claims === 'string' ? claims : JSON.stringify(claims))
      return new CompactSign(payload).setProtectedHeader({ alg: 'RS256', kid, ...header }).sign(privateKey)
    },
  }
}

/** A token that nobody signed. */
export function unsigned(claims: object | string, header: object = { alg: 'RS256', kid: 'key-1' }): string {
  const part = (value: object | string) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.${part('signature')}`
}

export function idToken(roleClaims: object = {}, more: object = {}) {
  return {
    sub: '7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6',
    iss: ISSUER,
    aud: '1h57kf5cpq17m0eml12EXAMPLE',
    token_use: 'id',
    'cognito:username': 'secret-alice',
    email: 'secret-alice@example.com',
    iat: ISSUED_AT,
    exp: ISSUED_AT + 3_600,
    ...roleClaims,
    ...more,
  }
}

export function accessToken(roleClaims: object = {}, more: object = {}) {
  return {
    sub: '7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6',
    iss: ISSUER,
    client_id: '1h57kf5cpq17m0eml12EXAMPLE',
    token_use: 'access',
    username: 'secret-alice',
    iat: ISSUED_AT,
    exp: ISSUED_AT + 3_600,
    ...roleClaims,
    ...more,
  }
}

export interface KeyServer extends AsyncDisposable {
  readonly url: string
  readonly paths: string[]
}

/** Answers every request as `answer` does. */
export async function startKeyServer(answer: (response: ServerResponse, path: string) => void): Promise<KeyServer> {
  const paths: string[] = []
  const server = createServer((request, response) => {
    paths.push(request.url!)
    answer(response, request.url!)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

interface ListedGroup {
  readonly GroupName: string
  readonly Precedence?: number | undefined
  readonly RoleArn?: string | undefined
  readonly LastModifiedDate?: Date | undefined
}

/** A user pool whose one user is in some groups, as a client has it. Undefined: it does not have the user. */
export function clientOf(groups: readonly ListedGroup[], memberships: readonly string[] | undefined) {
  const calls: string[] = []
  const client = {
    async adminListGroupsForUser({ Username }: { readonly Username: string }) {
      calls.push(`AdminListGroupsForUser ${Username}`)
      if (memberships === undefined)
        throw Object.assign(new Error('User does not exist.'), { name: 'UserNotFoundException' })
      return { Groups: groups.filter(({ GroupName }) => memberships.includes(GroupName)) }
    },
    async listGroups() {
      calls.push('ListGroups')
      return { Groups: groups }
    },
  }
  return { client, calls }
}
