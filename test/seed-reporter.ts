import type { Reporter, TestModule } from 'vitest/node'

/** Says last, after everything else that a failing run prints, how to see each failing property fail again. */
export class SeedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap(module =>
      [...module.children.allTests('failed')].flatMap(test =>
        (test.result().errors ?? []).flatMap(({ message }) => {
          const counterexample = seedAndPath(message)
          return counterexample === undefined
            ? []
            : [`${module.relativeModuleId} > ${test.fullName}\n  ${counterexample}`]
        }),
      ),
    )
    if (lines.length > 0) process.on('exit', () => console.error(`\nProperties that failed:\n${lines.join('\n')}`))
  }
}

/** What fast-check says of a failure, for `fc.assert(property, …)`. */
export function seedAndPath(message: string): string | undefined {
  return /\{ seed: -?\d+, path: "[^"]*", endOnFailure: (?:true|false) \}/.exec(message)?.[0]
}
