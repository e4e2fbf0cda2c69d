import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { onAbort } from '../src/abort.js'

describe('what waits for a signal', () => {
  const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

  test('is called once when it aborts, with the others, and not if it left', () => {
    const controller = new AbortController()
    const called: string[] = []
    const leave = ['a', 'b', 'c'].map(name => onAbort(controller.signal, () => called.push(name)))
    leave[1]!()
    controller.abort()
    controller.abort()
    expect(called).toEqual(['a', 'c'])
    for (const one of leave) one()
    expect(listeners(controller.signal)).toBe(0)
  })

  test('is called at once if it has aborted', () => {
    let calls = 0
    onAbort(AbortSignal.abort(), () => calls++)()
    expect(calls).toBe(1)
    expect(onAbort(undefined, () => calls++)()).toBeUndefined()
    expect(calls).toBe(1)
  })

  test('shares one listener, which is gone when the last has left', () => {
    const { signal } = new AbortController()
    const leave = Array.from({ length: 100 }, () => onAbort(signal, () => {}))
    expect(listeners(signal)).toBe(1)
    for (const one of leave.slice(1)) one()
    expect(listeners(signal)).toBe(1)
    leave[0]!()
    leave[0]!()
    expect(listeners(signal)).toBe(0)
    const again = onAbort(signal, () => {})
    expect(listeners(signal)).toBe(1)
    again()
    expect(listeners(signal)).toBe(0)
  })

  test('a hundred at a time make no warning of a leak', async () => {
    const warnings: Error[] = []
    const collect = (warning: Error) => warnings.push(warning)
    process.on('warning', collect)
    try {
      const { signal } = new AbortController()
      const leave = Array.from({ length: 100 }, () => onAbort(signal, () => {}))
      await new Promise(resolve => setImmediate(resolve))
      for (const one of leave) one()
    } finally {
      process.off('warning', collect)
    }
    expect(warnings).toEqual([])
  })
})
