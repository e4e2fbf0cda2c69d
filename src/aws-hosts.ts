import { REGION_PATTERN } from './aws-ids.js'

/** The services that rolecast calls, as their hosts name them. */
export type AwsService = 'cognito-idp' | 'cognito-identity' | 'iam' | 'lambda' | 'sts'

/** Whose host it is. */
export interface AwsHost {
  readonly service: AwsService
  /** Absent of a host for all Regions. */
  readonly region?: string
}

/** Those that an SDK calls in every partition, over IPv4 only or over IPv4 and IPv6. */
const DOMAINS =
  /\.(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov|api\.aws|api\.amazonwebservices\.com\.cn|api\.amazonwebservices\.eu|api\.aws\.ic\.gov|api\.aws\.scloud|api\.cloud-aws\.adc-e\.uk|api\.aws\.hci\.ic\.gov)$/

const SERVICE = /^(cognito-idp|cognito-identity|iam|lambda|sts)(?:-fips)?$/

/**
 * The service whose own host this is, a VPC endpoint included, or undefined for any other. Customers' own servers also
 * have hosts below AWS's domains, such as `ID.execute-api.REGION.amazonaws.com` and `NAME.REGION.elb.amazonaws.com`, so
 * the domain alone does not show that AWS responds.
 *
 * @see https://docs.aws.amazon.com/general/latest/gr/cognito_identity.html
 */
export function awsHost(host: string): AwsHost | undefined {
  const labels = host.replace(DOMAINS, '').split('.')
  if (labels.length === host.split('.').length) return undefined
  const isVpcEndpoint = labels.length === 4 && labels[0]!.startsWith('vpce-') && labels[3] === 'vpce'
  const [name = '', region, ...more] = isVpcEndpoint ? labels.slice(1, 3) : labels
  const service = SERVICE.exec(name)?.[1] as AwsService | undefined
  if (service === undefined || more.length > 0) return undefined
  if (region !== undefined && REGION_PATTERN.test(region)) return { service, region }
  const isForAllRegions = (service === 'iam' && (region === 'global' || region === 'us-gov')) || region === undefined
  return isForAllRegions && (service === 'iam' || service === 'sts') ? { service } : undefined
}

/**
 * Whether this is a host of Amazon S3 itself, of a bucket or of a Region. A bucket's content can be anyone's; a host below
 * another service's domain can be anyone's server.
 *
 * @see https://docs.aws.amazon.com/general/latest/gr/s3.html
 */
export function isS3Host(host: string): boolean {
  const name = host.replace(DOMAINS, '')
  return name !== host && S3.test(name)
}

const S3 = /^(?:[a-z\d][a-z\d.-]{1,61}[a-z\d]\.)?s3(?:-fips)?(?:\.dualstack)?(?:[.-][a-z]{2,}(?:-[a-z]+)+-\d+)?$/
