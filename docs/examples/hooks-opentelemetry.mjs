// OpenTelemetry: a span for each decision. Run it: node docs/examples/hooks-opentelemetry.mjs
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { AUTHORIZATIONS, demoGuard, isMain } from './demo-guard.mjs'

/** Onto the span that is active: that of `traced`, or in a Lambda authorizer that of the invocation. */
export const spanHooks = {
  onDecision({ reason, status = 200, error, resolution, comparison }) {
    const span = trace.getActiveSpan()
    span?.setAttributes({
      'rolecast.reason': reason,
      'rolecast.status': status,
      'rolecast.error': error,
      'rolecast.rule': resolution?.rule,
      'rolecast.token': comparison?.status,
    })
    if (status === 503) span?.setStatus({ code: SpanStatusCode.ERROR, message: reason })
  },
  onError(error) {
    trace.getActiveSpan()?.recordException(error)
  },
}

/** The same guard, with a span of its own for each decision. */
export const traced = guard => (token, request) =>
  trace.getTracer('authorizer').startActiveSpan('authorize', async span => {
    try {
      return await guard(token, request)
    } finally {
      span.end()
    }
  })

if (isMain(import.meta.url)) {
  const exporter = new InMemorySpanExporter()
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  const guard = traced(demoGuard(spanHooks))
  for (const authorization of AUTHORIZATIONS) await guard(authorization?.slice('Bearer '.length))
  for (const { name, attributes, events } of exporter.getFinishedSpans())
    console.log(JSON.stringify({ name, attributes, events: events.map(event => event.attributes) }))
}
