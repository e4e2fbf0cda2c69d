import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createCoalescer } from '../../../src/cognito/groups/coalesce.js'
import { turn } from '../../models/source-model.js'

/** A coalescer, and calls that end when they are told to. */
function setUp() {
  const landed: [string, number][] = []
  const calls: {
    readonly signal: AbortSignal
    readonly answer: (value: number) => void
    readonly fail: (error: unknown) => void
  }[] = []
  const coalescer = createCoalescer<string, number>((key, value) => void landed.push([key, value]))
  const start = (signal: AbortSignal) =>
    new Promise<number>((answer, fail) => void calls.push({ signal, answer, fail }))
  return { coalescer, calls, landed, start }
}

const left = () => new Error('left')

describe('joining', () => {
  test('a caller that asks for a key under way shares its call and its result', async () => {
    const { coalescer, calls, landed, start } = setUp()
    const waiting = [
      coalescer.join('a', start, undefined, left),
      coalescer.join('a', start, new AbortController().signal, left),
    ]
    expect(calls.length).toBe(1)
    expect(coalescer.has('a')).toBe(true)
    calls[0]!.answer(1)
    expect(await Promise.all(waiting)).toEqual([1, 1])
    expect(landed).toEqual([['a', 1]])
    expect(coalescer.has('a')).toBe(false)
  })

  test('each key has a call of its own', async () => {
    const { coalescer, calls, start } = setUp()
    const waiting = [coalescer.join('a', start, undefined, left), coalescer.join('__proto__', start, undefined, left)]
    calls[1]!.answer(2)
    calls[0]!.answer(1)
    expect(await Promise.all(waiting)).toEqual([1, 2])
  })

  test('a caller that asks after the result starts a new call', async () => {
    const { coalescer, calls, start } = setUp()
    const first = coalescer.join('a', start, undefined, left)
    calls[0]!.answer(1)
    await first
    const second = coalescer.join('a', start, undefined, left)
    expect(calls.length).toBe(2)
    calls[1]!.answer(2)
    expect(await second).toBe(2)
  })

  test('a failure goes to all callers that wait, and to none that come later', async () => {
    const { coalescer, calls, landed, start } = setUp()
    const waiting = [
      coalescer.join('a', start, undefined, left),
      coalescer.join('a', start, new AbortController().signal, left),
    ]
    const error = new Error('failed')
    calls[0]!.fail(error)
    const seen = await Promise.allSettled(waiting)
    expect(seen.map(one => one.status === 'rejected' && one.reason)).toEqual([error, error])
    expect(landed).toEqual([])
    expect(coalescer.has('a')).toBe(false)
    const again = coalescer.join('a', start, undefined, left)
    calls[1]!.answer(2)
    expect(await again).toBe(2)
  })

  test('`landed` is called before any waiting caller gets the result', async () => {
    const order: string[] = []
    const coalescer = createCoalescer<string, number>(() => void order.push('landed'))
    let answer: (value: number) => void = () => undefined
    const start = () => new Promise<number>(resolve => void (answer = resolve))
    const waiting = [undefined, new AbortController().signal].map(signal =>
      coalescer.join('a', start, signal, left).then(() => void order.push('waiter')),
    )
    answer(1)
    await Promise.all(waiting)
    expect(order).toEqual(['landed', 'waiter', 'waiter'])
  })
})

describe('leaving', () => {
  test('a caller that leaves gets the error of `leave` immediately, and the others get the result', async () => {
    const { coalescer, calls, landed, start } = setUp()
    const controller = new AbortController()
    const leaving = coalescer.join('a', start, controller.signal, () => new Error('I left'))
    const staying = coalescer.join('a', start, new AbortController().signal, left)
    controller.abort()
    await expect(leaving).rejects.toThrow('I left')
    expect(calls[0]!.signal.aborted).toBe(false)
    calls[0]!.answer(1)
    expect(await staying).toBe(1)
    expect(landed).toEqual([['a', 1]])
  })

  test('the last caller that leaves aborts the call, with the reason, and `landed` is not called', async () => {
    const { coalescer, calls, landed, start } = setUp()
    const [one, other] = [new AbortController(), new AbortController()]
    const waiting = [coalescer.join('a', start, one.signal, left), coalescer.join('a', start, other.signal, left)]
    one.abort()
    other.abort('enough')
    expect(calls[0]!.signal.reason).toBe('enough')
    expect(coalescer.has('a')).toBe(false)
    calls[0]!.answer(1)
    expect((await Promise.allSettled(waiting)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(landed).toEqual([])
  })

  test('a caller without a signal never leaves', async () => {
    const { coalescer, calls, start } = setUp()
    const controller = new AbortController()
    const staying = coalescer.join('a', start, undefined, left)
    const leaving = coalescer.join('a', start, controller.signal, left)
    controller.abort()
    await expect(leaving).rejects.toThrow('left')
    expect(calls[0]!.signal.aborted).toBe(false)
    calls[0]!.answer(1)
    expect(await staying).toBe(1)
  })

  test('a caller that comes after a call was aborted starts a new one, and the old one does not affect it', async () => {
    const { coalescer, calls, landed, start } = setUp()
    const controller = new AbortController()
    const leaving = coalescer.join('a', start, controller.signal, left)
    controller.abort()
    const late = coalescer.join('a', start, undefined, left)
    calls[0]!.fail(new Error('aborted'))
    await expect(leaving).rejects.toThrow('left')
    await turn()
    expect(coalescer.has('a')).toBe(true)
    calls[1]!.answer(2)
    expect(await late).toBe(2)
    expect(landed).toEqual([['a', 2]])
  })

  test('aborting after the result does nothing', async () => {
    const { coalescer, calls, start } = setUp()
    const controller = new AbortController()
    const leave = vi.fn(left)
    const waiting = coalescer.join('a', start, controller.signal, leave)
    calls[0]!.answer(1)
    expect(await waiting).toBe(1)
    controller.abort()
    expect(leave).not.toHaveBeenCalled()
    expect(calls[0]!.signal.aborted).toBe(false)
  })
})

describe('calls without a waiting caller', () => {
  test('one is started unless one is under way', () => {
    const { coalescer, calls, start } = setUp()
    coalescer.spawn('a', start)
    coalescer.spawn('a', start)
    void coalescer.join('a', start, undefined, left)
    expect(calls.length).toBe(1)
  })

  test('it is not aborted when all callers that joined it have left', async () => {
    const { coalescer, calls, landed, start } = setUp()
    const controller = new AbortController()
    coalescer.spawn('a', start)
    const leaving = coalescer.join('a', start, controller.signal, left)
    controller.abort()
    await expect(leaving).rejects.toThrow('left')
    expect(calls[0]!.signal.aborted).toBe(false)
    calls[0]!.answer(1)
    await turn()
    expect(landed).toEqual([['a', 1]])
  })

  test('its failure has no effect on others', async () => {
    const { coalescer, calls, landed, start } = setUp()
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    coalescer.spawn('a', start)
    calls[0]!.fail(new Error('failed'))
    await turn()
    await turn()
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
    expect(landed).toEqual([])
    expect(coalescer.has('a')).toBe(false)
  })
})

describe('forgetting', () => {
  test.each(['forget', 'forgetAll'] as const)(
    '%s: waiting callers keep the call, `landed` is not called, and a new caller starts a new one',
    async how => {
      const { coalescer, calls, landed, start } = setUp()
      const early = coalescer.join('a', start, new AbortController().signal, left)
      coalescer[how]('a')
      expect(coalescer.has('a')).toBe(false)
      const late = coalescer.join('a', start, undefined, left)
      calls[1]!.answer(2)
      expect(await late).toBe(2)
      calls[0]!.answer(1)
      expect(await early).toBe(1)
      expect(landed).toEqual([['a', 2]])
    },
  )

  test('a forgotten call ends without ending the one that came after it', async () => {
    const { coalescer, calls, landed, start } = setUp()
    const early = coalescer.join('a', start, undefined, left)
    coalescer.forget('a')
    const late = coalescer.join('a', start, undefined, left)
    calls[0]!.answer(1)
    expect(await early).toBe(1)
    expect(coalescer.has('a')).toBe(true)
    calls[1]!.answer(2)
    expect(await late).toBe(2)
    expect(landed).toEqual([['a', 2]])
  })

  test('a forgotten call is aborted when all its callers have left, and the one after it is not', async () => {
    const { coalescer, calls, start } = setUp()
    const controller = new AbortController()
    const early = coalescer.join('a', start, controller.signal, left)
    coalescer.forget('a')
    coalescer.spawn('a', start)
    controller.abort()
    await expect(early).rejects.toThrow('left')
    expect(calls.map(call => call.signal.aborted)).toEqual([true, false])
    expect(coalescer.has('a')).toBe(true)
  })

  test('to forget one key leaves the others', () => {
    const { coalescer, start } = setUp()
    coalescer.spawn('a', start)
    coalescer.spawn('b', start)
    coalescer.forget('a')
    expect([coalescer.has('a'), coalescer.has('b')]).toEqual([false, true])
  })
})

describe('in any order', () => {
  type Act = { readonly do: 'join' | 'leave' | 'spawn' | 'forget' | 'answer' | 'fail'; readonly which: number }
  const acts: fc.Arbitrary<Act> = fc.record({
    do: fc.constantFrom('join', 'join', 'join', 'leave', 'leave', 'spawn', 'forget', 'answer', 'fail'),
    which: fc.nat(5),
  })

  /** A call by its number: who waits for it, and how it ended. */
  interface Expected {
    readonly key: string
    waiting: number
    state: 'under way' | 'aborted' | 'ended'
    forgotten: boolean
  }

  test('each caller gets the result of the call that was under way, and a call is aborted exactly when no caller is left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { maxLength: 20 }), async some => {
        const { coalescer, calls, landed, start } = setUp()
        const expected: Expected[] = []
        const toLand: [string, number][] = []
        const waiters: { controller: AbortController; call: number; wanted: unknown; promise: Promise<unknown> }[] = []
        const current = (key: string) =>
          expected.findLastIndex(call => call.key === key && call.state === 'under way' && !call.forgotten)
        const reach = (key: string) => {
          if (current(key) === -1) expected.push({ key, waiting: 0, state: 'under way', forgotten: false })
          return current(key)
        }
        for (const { do: act, which } of some) {
          const key = 'ab'[which % 2]!
          const going = expected.findIndex(
            (call, index) => index >= which % Math.max(1, expected.length) && call.state === 'under way',
          )
          if (act === 'join') {
            const controller = new AbortController()
            const call = reach(key)
            expected[call]!.waiting++
            const promise = coalescer.join(key, start, controller.signal, () => 'left').catch((error: unknown) => error)
            waiters.push({ controller, call, wanted: undefined, promise })
          } else if (act === 'leave') {
            const waiter = waiters[which % Math.max(1, waiters.length)]
            if (waiter === undefined || waiter.wanted !== undefined) continue
            waiter.wanted = 'left'
            const call = expected[waiter.call]!
            if (--call.waiting === 0) call.state = 'aborted'
            waiter.controller.abort()
          } else if (act === 'spawn') {
            if (current(key) === -1) expected[reach(key)]!.waiting = Infinity
            coalescer.spawn(key, start)
          } else if (act === 'forget') {
            if (current(key) !== -1) expected[current(key)]!.forgotten = true
            coalescer.forget(key)
          } else if (going !== -1) {
            const call = expected[going]!
            call.state = 'ended'
            for (const waiter of waiters)
              if (waiter.call === going) waiter.wanted ??= act === 'answer' ? going : 'failed'
            if (act === 'answer' && !call.forgotten) toLand.push([call.key, going])
            if (act === 'answer') calls[going]!.answer(going)
            else calls[going]!.fail('failed')
          }
          await turn()
          expect(calls.map(call => call.signal.aborted)).toEqual(expected.map(call => call.state === 'aborted'))
          expect(['a', 'b'].map(one => coalescer.has(one))).toEqual(['a', 'b'].map(one => current(one) !== -1))
          expect(landed).toEqual(toLand)
        }
        for (const waiter of waiters) if (waiter.wanted !== undefined) expect(await waiter.promise).toBe(waiter.wanted)
      }),
      { numRuns: 200 },
    )
  })
})
