import { posix } from 'node:path'
import { type Evaluated, literal, type TemplateSymbol } from '../evaluated.js'
import { nodeAt, type SourceNode, type Span } from '../yaml-document.js'
import type { PublishedKind } from './intrinsics.js'
import type { Stack } from './resources.js'

export interface PublishedValue {
  readonly name: Evaluated<Span>
  /** Its value, in the stack as it is when this is called. */
  readonly read: (stack: Stack) => Evaluated<Span> | undefined
}

/** What a stack publishes for others, by the way they read it. */
export function publications(kind: PublishedKind, stack: Stack): readonly PublishedValue[] {
  switch (kind) {
    case 'export':
      return exportsOf(stack)
    case 'output':
      return outputsOf(stack)
    case 'ssm':
      return parametersOf(stack)
    case 'region-export':
      return regionExportsOf(stack)
  }
}

function reader(node: SourceNode | undefined): PublishedValue['read'] {
  return ({ evaluator }) => node && evaluator.evaluate(node)
}

function exportsOf({ template, evaluator }: Stack): readonly PublishedValue[] {
  return [...template.outputs.values()].flatMap(({ value }) => {
    const name = nodeAt(nodeAt(value, 'Export'), 'Name')
    return name === undefined ? [] : [{ name: evaluator.evaluate(name), read: reader(nodeAt(value, 'Value')) }]
  })
}

/** Under `STACK.OUTPUT`. */
function outputsOf({ template, source }: Stack): readonly PublishedValue[] {
  const stacks = stackNames(source.document.path, source.format === 'serverless' ? source.document.root : undefined)
  return [...template.outputs].flatMap(([output, { key, value }]) =>
    stacks.map(parts => ({
      name: {
        is: 'symbolic' as const,
        parts: [...parts, `.${output}`],
        at: key,
      },
      read: reader(nodeAt(value, 'Value')),
    })),
  )
}

/** The CDK names the file like the stack; Serverless Framework names the stack like the service and the stage. */
function stackNames(
  path: string,
  serverless: SourceNode | undefined,
): readonly (readonly (string | TemplateSymbol)[])[] {
  if (serverless === undefined) return [[stackNameOf(posix.basename(path))]]
  const service = nodeAt(serverless, 'service')
  return service?.kind === 'scalar' ? [[`${service.text}-`, { why: 'the stage is given at deployment' }]] : []
}

/** `Auth` of `Auth.template.json`, or of `Auth.Output`. */
export function stackNameOf(text: string): string {
  return text.split('.', 1)[0]!
}

function parametersOf({ resources }: Stack): readonly PublishedValue[] {
  return [...resources.values()].flatMap(({ type, properties, evaluate }) => {
    const name = type === 'AWS::SSM::Parameter' ? nodeAt(properties, 'Name') : undefined
    return name === undefined ? [] : [{ name: evaluate(name), read: reader(nodeAt(properties, 'Value')) }]
  })
}

/** What the CDK's custom resource writes into the parameters of another region. */
function regionExportsOf({ resources }: Stack): readonly PublishedValue[] {
  return [...resources.values()].flatMap(({ type, properties }) => {
    if (type !== 'Custom::CrossRegionExportWriter') return []
    const exports = nodeAt(nodeAt(properties, 'WriterProps'), 'exports')
    return exports?.kind !== 'map'
      ? []
      : [...exports.entries].map(([name, { key, value }]) => ({ name: literal(name, key), read: reader(value) }))
  })
}
