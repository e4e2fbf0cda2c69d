import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { isAbortSignal, onAbort } from '../src/abort.js'

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

  test('is called synchronously if it has aborted', () => {
    let calls = 0
    onAbort(AbortSignal.abort(), () => calls++)()
    expect(calls).toBe(1)
    for (const none of [undefined, null]) expect(onAbort(none, () => calls++)()).toBeUndefined()
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

test('a signal is told by what it does, not by its class', () => {
  const listening = { addEventListener: () => {}, removeEventListener: () => {} }
  for (const one of [new AbortController().signal, AbortSignal.abort(), { aborted: false, ...listening }])
    expect(isAbortSignal(one)).toBe(true)
  for (const other of [undefined, null, 'x', 7, {}, { aborted: false }, listening, { ...listening, aborted: 'no' }])
    expect(isAbortSignal(other)).toBe(false)
  for (const name of Object.keys(listening))
    expect(isAbortSignal({ aborted: false, ...listening, [name]: undefined })).toBe(false)
})
