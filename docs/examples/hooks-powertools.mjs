// Powertools for AWS Lambda 2: a line in the log, a metric and an annotation for each decision.
// Run it: node docs/examples/hooks-powertools.mjs
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { Tracer } from '@aws-lambda-powertools/tracer'
import { AUTHORIZATIONS, demoGuard, isMain } from './demo-guard.mjs'

export const powertoolsHooks = ({ logger, metrics, tracer }) => ({
  onDecision({ reason, status = 200, error, principalId, resolution }) {
    // What this throws would deny a granted request: a metric that fails must not lock everybody out.
    try {
      const level = status === 200 ? 'info' : status === 503 ? 'error' : 'warn'
      logger[level]('decision', { reason, status, error, principalId, rule: resolution?.rule })
      metrics.singleMetric().addDimension('reason', reason).addMetric('Decision', MetricUnit.Count, 1)
      tracer.putAnnotation('decision', reason)
    } catch (failure) {
      console.error('a decision was not recorded', failure)
    }
  },
  onError(error, { reason }) {
    logger.error('decision failed', { reason, error })
  },
})

if (isMain(import.meta.url)) {
  const [logger, tracer] = [new Logger(), new Tracer()]
  const metrics = new Metrics({ namespace: 'authorizer' })
  const guard = demoGuard(powertoolsHooks({ logger, metrics, tracer }))
  for (const authorization of AUTHORIZATIONS) await guard(authorization?.slice('Bearer '.length))
}
