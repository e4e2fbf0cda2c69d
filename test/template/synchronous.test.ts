import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import {
  detectFormat,
  readProject,
  readProjectSync,
  readTemplate,
  readTemplateSync,
  validateTemplate,
  validateTemplateSync,
} from '../../src/template/index.js'
import { errorOf } from '../failure-of.js'

const folder = fileURLToPath(new URL('../fixtures/templates', import.meta.url))
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
  .map(path => ({ path, text: readFileSync(join(folder, path), 'utf8') }))

/** What it returns, or the code and the message of what it throws. */
async function resultOf(work: () => unknown): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    if (!isRolecastError(error)) throw error
    return [error.code, error.message]
  }
}

const LATER = 'cannot be read synchronously'

describe('reading synchronously', () => {
  test('a text gives the same result as asynchronously, or is rejected with the name of the function to use', async () => {
    const rejected = new Set<string>()
    let same = 0
    for (const { path, text } of files) {
      const atOnce = await resultOf(() => readTemplateSync(text, { path }))
      if (Array.isArray(atOnce) && atOnce[1].includes(LATER)) {
        rejected.add(detectFormat(text, path)!)
        expect(atOnce[0]).toBe('invalid-option')
        expect(atOnce[1]).toMatch(
          /^`.+` is of the format `.+`, which cannot be read synchronously; use `readTemplate`$/,
        )
        continue
      }
      expect(atOnce, path).toEqual(await resultOf(() => readTemplate(text, { path })))
      same++
    }
    expect([...rejected].toSorted()).toEqual(['terraform-source'])
    expect(same).toBeGreaterThan(15)
  })

  test('findings are the same', async () => {
    const now = Date.parse('2026-11-29')
    const templates = files.filter(({ path, text }) => detectFormat(text, path) === 'cloudformation')
    expect(templates.length).toBeGreaterThan(5)
    for (const { path, text } of templates) {
      const options = { path, now, severities: { COG101: 'note' } } as const
      expect(await resultOf(() => validateTemplateSync(text, options)), path).toEqual(
        await resultOf(() => validateTemplate(text, options)),
      )
    }
  })

  test('files of a project are the same infrastructures, failures included', async () => {
    const project = files.flatMap(file => {
      const format = detectFormat(file.text, file.path)
      return format === 'cloudformation' || format === 'serverless' || format === 'user-pool'
        ? [{ ...file, format }]
        : []
    })
    const broken = { path: 'broken.json', text: '{ "Groups": 1, "userPoolId": "a" }', format: 'user-pool' } as const
    const all = [...project, broken]
    const atOnce = readProjectSync(all)
    expect(atOnce).toEqual(await readProject(all))
    expect(atOnce.failures.map(({ paths }) => paths)).toContainEqual(['broken.json'])
  })

  test.each([
    ['main.tf', 'resource "aws_cognito_user_group" "a" {}', 'terraform-source'],
    ['amplify/auth/resource.ts', "import { defineAuth } from '@aws-amplify/backend'\ndefineAuth({})", 'amplify'],
  ] as const)('what needs a parser that is loaded later names the function that reads it: %s', (path, text, format) => {
    const messages = [
      () => validateTemplateSync(text, { path }),
      () => readTemplateSync(text, { path }),
      () => readProjectSync([{ path, text, format }]),
    ].map(work => {
      const { code, message, value } = errorOf(work)
      expect([code, value]).toEqual(['invalid-option', path])
      return message
    })
    const what = `\`${path}\` is of the format \`${format}\`, which cannot be read synchronously`
    expect(messages).toEqual([
      `${what}; use \`validateTemplate\``,
      `${what}; use \`readTemplate\``,
      `${what}; use \`readProject\``,
    ])
  })
})
