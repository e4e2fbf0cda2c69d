import { randomBytes } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose'

/**
 * A key of a user pool as `/.well-known/jwks.json` publishes it. A type and not an interface, so that it is assignable
 * to every library's type.
 */
export type PublicKey = {
  /** The algorithm. */
  readonly alg: 'RS256'
  /** The exponent. */
  readonly e: string
  /** The key ID, which the header of a token names. */
  readonly kid: string
  /** The type of the key. */
  readonly kty: 'RSA'
  /** The modulus. */
  readonly n: string
  /** The key is for signatures. */
  readonly use: 'sig'
}

export interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

/** Cognito signs ID tokens with one key of the pool and access tokens with another. */
export interface PoolKeys {
  readonly id: SigningKey
  readonly access: SigningKey
  readonly jwks: { readonly keys: readonly PublicKey[] }
}

export async function createPoolKeys(): Promise<PoolKeys> {
  const [id, access] = await Promise.all([createKey(), createKey()])
  return { id, access, jwks: { keys: await Promise.all([id, access].map(published)) } }
}

async function createKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { modulusLength: 2048 })
  return { kid: randomBytes(32).toString('base64'), privateKey, publicKey }
}

async function published({ kid, publicKey }: SigningKey): Promise<PublicKey> {
  const { n, e } = await exportJWK(publicKey)
  return { alg: 'RS256', e: e!, kid, kty: 'RSA', n: n!, use: 'sig' }
}
