import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { seedAndPath } from './seed-reporter.js'

test('the seed and the path of a failing property are found in its message, and make it fail again', () => {
  const property = fc.property(fc.nat(), number => number < 100)
  const messageOf = (parameters: fc.Parameters<[number]>) => {
    try {
      fc.assert(property, parameters)
    } catch (error) {
      return (error as Error).message
    }
    throw new Error('it did not fail')
  }
  const found = seedAndPath(messageOf({ seed: 42 }))!
  expect(found).toMatch(/^\{ seed: 42, path: "/)
  const [, path] = /path: "([^"]*)"/.exec(found)!
  expect(seedAndPath(messageOf({ seed: 42, path: path! }))).toContain(`path: "${path}"`)
})

test('control: another failure has none', () => {
  expect(seedAndPath('expected 1 to be 2')).toBeUndefined()
})
