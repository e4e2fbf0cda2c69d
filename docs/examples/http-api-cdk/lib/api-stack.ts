import {
  aws_apigatewayv2 as apigateway,
  aws_apigatewayv2_authorizers as authorizers,
  aws_apigatewayv2_integrations as integrations,
  aws_cognito as cognito,
  aws_iam as iam,
  aws_lambda as lambda,
  aws_lambda_nodejs as nodejs,
  CfnOutput,
  Duration,
  Stack,
  type StackProps,
} from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { fileURLToPath } from 'node:url'

const pathOf = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))

/** The groups and their precedences: the lowest number wins, and each group has a number of its own. */
export const GROUPS = { admins: 0, editors: 10, readers: 20 } as const

export interface ApiStackProps extends StackProps {
  /** Default: `GROUPS`. */
  readonly precedences?: Readonly<Record<keyof typeof GROUPS, number>>
}

/** A user pool with groups and roles, and an HTTP API whose authorizer decides by the role that a user would get now. */
export class ApiStack extends Stack {
  constructor(scope: Construct, id: string, { precedences = GROUPS, ...props }: ApiStackProps = {}) {
    super(scope, id, props)
    const userPool = new cognito.UserPool(this, 'UserPool')
    const client = userPool.addClient('Client', { authFlows: { userSrp: true } })
    const identityPool = new cognito.CfnIdentityPool(this, 'IdentityPool', {
      allowUnauthenticatedIdentities: false,
      cognitoIdentityProviders: [{ clientId: client.userPoolClientId, providerName: userPool.userPoolProviderName }],
    })

    const roleOf = (groupName: keyof typeof GROUPS): iam.Role => {
      const role = new iam.Role(this, `${groupName}-role`, {
        assumedBy: new iam.WebIdentityPrincipal('cognito-identity.amazonaws.com', {
          StringEquals: { 'cognito-identity.amazonaws.com:aud': identityPool.ref },
          'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' },
        }),
      })
      new cognito.UserPoolGroup(this, groupName, { userPool, groupName, precedence: precedences[groupName], role })
      return role
    }
    const admins = roleOf('admins')
    const editors = roleOf('editors')
    const readers = roleOf('readers')
    new cognito.CfnIdentityPoolRoleAttachment(this, 'IdentityPoolRoles', {
      identityPoolId: identityPool.ref,
      roles: { authenticated: readers.roleArn },
      roleMappings: {
        UserPool: {
          type: 'Token',
          ambiguousRoleResolution: 'Deny',
          identityProvider: `${userPool.userPoolProviderName}:${client.userPoolClientId}`,
        },
      },
    })

    const common = {
      runtime: lambda.Runtime.NODEJS_22_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 512,
      timeout: Duration.seconds(10),
      // ES modules have `await` at the top, so the groups are read in the init phase.
      bundling: { format: nodejs.OutputFormat.ESM },
      depsLockFilePath: pathOf('package-lock.json'),
      projectRoot: pathOf('.'),
    }
    const authorize = new nodejs.NodejsFunction(this, 'Authorizer', {
      ...common,
      entry: pathOf('src/authorizer.ts'),
      environment: {
        USER_POOL_ID: userPool.userPoolId,
        CLIENT_ID: client.userPoolClientId,
        WRITER_ROLE_ARNS: JSON.stringify([admins.roleArn, editors.roleArn]),
      },
    })
    authorize.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['cognito-idp:AdminListGroupsForUser'],
        resources: [userPool.userPoolArn],
      }),
    )

    const api = new apigateway.HttpApi(this, 'Api', {
      defaultAuthorizer: new authorizers.HttpLambdaAuthorizer('ByRole', authorize, {
        responseTypes: [authorizers.HttpLambdaResponseType.SIMPLE],
        // A decision for one route does not hold for another.
        resultsCacheTtl: Duration.seconds(0),
      }),
    })
    const pets = new nodejs.NodejsFunction(this, 'Pets', { ...common, entry: pathOf('src/pets.ts') })
    api.addRoutes({
      path: '/pets',
      methods: [apigateway.HttpMethod.GET, apigateway.HttpMethod.PUT],
      integration: new integrations.HttpLambdaIntegration('PetsIntegration', pets),
    })
    new CfnOutput(this, 'Url', { value: api.apiEndpoint })
  }
}
