import type { ErrorCode } from './errors.js'

/** What `rolecast explain` and docs/errors.md say about an error code. */
export interface ErrorText {
  /** What happened. */
  readonly means: string
  /** The usual causes. */
  readonly cause: string
  /** What to do. */
  readonly next: {
    /** For code that calls rolecast. */
    readonly library: string
    /** For the reader of a terminal. Absent: the command line does not fail with this code. */
    readonly commandLine?: string
  }
}

/**
 * By code, in the order of a table of contents: what you gave, the credentials, the network, Cognito, the token,
 * rolecast.
 */
export const ERROR_TEXTS: Readonly<Record<ErrorCode, ErrorText>> = {
  'invalid-argument': {
    means: 'An argument or an option of the command line cannot be used.',
    cause: 'A misspelt rule, group or option, two options that exclude each other, or one that is missing.',
    next: {
      library: 'Only the command line fails with this code, never the library.',
      commandLine: 'Change what the message quotes. `--help` after a command prints its options with an example.',
    },
  },
  'invalid-input': {
    means: 'A file, a stream or a snapshot cannot be used.',
    cause: 'The file does not exist or cannot be read, it has another format, or one of its lines is invalid.',
    next: {
      library: 'Check the input that the message names. Write a snapshot again with this version of rolecast.',
      commandLine: 'Check the file and the line that the message names. `-` is standard input.',
    },
  },
  'invalid-option': {
    means: 'An option has an invalid value, or two options exclude each other.',
    cause:
      'An unknown option, a number out of its range, a value that is not a function, or an address that is not a URL.',
    next: {
      library:
        'Change the option that the message names. The type of the options has the range and the default of each.',
      commandLine: 'Change the option that the message names. An AWS_* variable or a profile may set it too.',
    },
  },
  'invalid-group': {
    means: 'Cognito cannot have such a group.',
    cause: 'A group without a usable name, or with a role that is not a string.',
    next: {
      library: 'Give groups with a `groupName`, and with a `precedence` and a `roleArn` if the group has them.',
      commandLine: 'Check the group in the file. `aws cognito-idp list-groups` prints a file that can be used.',
    },
  },
  'invalid-precedence': {
    means: 'Cognito does not accept this precedence.',
    cause: 'A string such as "7", a fraction, or a number outside 0 to 2147483647.',
    next: {
      library: 'Give an integer from 0 to 2147483647, or leave the key out if the group has no precedence.',
      commandLine: 'Give an integer from 0 to 2147483647. If a group has no precedence, leave the key out.',
    },
  },
  'invalid-group-name': {
    means: 'Cognito does not allow this group name, or the pool has no group with it.',
    cause: 'A misspelt name, an empty one, one with a space, or one of more than 128 characters.',
    next: {
      library: 'Check the name against the groups of the pool. Names are case-sensitive.',
      commandLine: 'Check the name. `aws cognito-idp list-groups` prints the groups of the pool.',
    },
  },
  'invalid-user-pool-id': {
    means: 'A user pool ID is malformed.',
    cause: 'The ID of an app client or of an identity pool, or an ARN, instead of the ID of a user pool.',
    next: {
      library: 'Give an ID such as `eu-west-1_Ab12Cd34e`.',
      commandLine:
        'Give an ID such as eu-west-1_Ab12Cd34e. `aws cognito-idp list-user-pools --max-results 60` prints them.',
    },
  },
  'invalid-calibration': {
    means: 'A calibration cannot be used.',
    cause:
      "The file is malformed or of another version, it was made against an endpoint that is not AWS's, or its tokens contradict every reading of the rules.",
    next: {
      library: 'Make one with `rolecast calibrate --json` and give what `readCalibration` returns.',
      commandLine: 'Make one with `rolecast calibrate --json --output FILE`, or leave out --calibration.',
    },
  },
  'no-region': {
    means: 'There is no AWS Region to send the call to.',
    cause:
      'The ID of the pool does not begin with a Region, for example in an emulator, and no Region is given or configured.',
    next: {
      library: 'Give `region`, set AWS_REGION, or give a profile that has a region.',
      commandLine: 'Give --region, set AWS_REGION, or give a --profile that has a region.',
    },
  },
  'no-credentials': {
    means: 'The AWS SDK found no credentials that it can use.',
    cause:
      'You are not signed in, the session of IAM Identity Center has expired, the profile does not exist, or a file with credentials cannot be read.',
    next: {
      library: 'Sign in again, set AWS_PROFILE or the AWS_* variables, or give a `client` with credentials.',
      commandLine:
        'Sign in again (`aws sso login`), set AWS_PROFILE, or give --profile. `aws configure list-profiles` prints the profiles.',
    },
  },
  'not-authorized': {
    means: 'AWS rejected the call because of its credentials or permissions.',
    cause: 'A permission is missing, or the credentials are wrong, have expired, or belong to another account.',
    next: {
      library: 'Allow the action that the message names. If the credentials have expired, renew them.',
      commandLine:
        'Allow the action that the message names. `aws sts get-caller-identity` says whose credentials these are.',
    },
  },
  'pool-not-found': {
    means: 'The user pool or identity pool does not exist in this account and Region.',
    cause: 'A misspelt ID, another account or another Region. A group that does not exist is a result, not this error.',
    next: {
      library: 'Check the ID, the Region and the account of the credentials.',
      commandLine: 'Check the ID, --region and --profile. `aws sts get-caller-identity` says which account it is.',
    },
  },
  'user-not-found': {
    means: 'The user does not exist in the user pool.',
    cause: 'A misspelt name, an alias that the pool does not have, or a deleted user.',
    next: {
      library: 'Give the username, the `sub` or an alias that the pool has.',
      commandLine: 'Give the username, the sub, or an alias that the pool has, such as the e-mail address.',
    },
  },
  throttled: {
    means: 'AWS throttled the call, and retries did not help.',
    cause: 'Too many calls per second, for example because another program in the account uses the same quota.',
    next: {
      library: 'Try again later; the error is `retryable`. Lower `requestsPerSecond`, or cache more.',
      commandLine: 'Try again later. In an audit, lower the rates; `rolecast audit pool --help` names the options.',
    },
  },
  timeout: {
    means: 'There was no response in time.',
    cause: 'A slow network, a proxy, or an endpoint that does not respond.',
    next: {
      library: 'Try again; the error is `retryable`. If it happens again, raise `timeout`.',
      commandLine: 'Try again. If it happens again, check the network and --endpoint-url.',
    },
  },
  aborted: {
    means: 'The call or the command was stopped before it finished.',
    cause: 'A `signal` that was aborted, or an interrupt such as Ctrl-C.',
    next: {
      library: 'Nothing, if you aborted it yourself. `cause` is the reason of the signal.',
      commandLine: 'Run the command again. An audit with --checkpoint continues from there.',
    },
  },
  unreachable: {
    means: 'The connection could not be made, or it was lost.',
    cause:
      'No network, a host name that does not resolve, a firewall, or no response from the credentials service of a container or instance.',
    next: {
      library: 'Try again; the error is `retryable`. Check the endpoint and the Region.',
      commandLine: 'Check the network, --endpoint-url and --region, then try again.',
    },
  },
  'tls-failed': {
    means: 'A trusted TLS connection could not be made.',
    cause: 'A proxy or an emulator with a certificate of its own, or a port that does not speak TLS.',
    next: {
      library: 'Give the CA of the proxy or emulator in NODE_EXTRA_CA_CERTS, or check the endpoint.',
      commandLine: 'Give the CA of the proxy or emulator in NODE_EXTRA_CA_CERTS, or check --endpoint-url.',
    },
  },
  'clock-skew': {
    means: 'AWS rejected the signature because the clock of this machine is wrong.',
    cause: 'A clock that is wrong by more than five minutes, often in a virtual machine that was suspended.',
    next: {
      library: 'Set the clock, for example with NTP.',
      commandLine: 'Set the clock, for example with NTP.',
    },
  },
  'service-error': {
    means: 'AWS returned a server error.',
    cause: 'A response with a 5xx status. Most such errors are temporary.',
    next: {
      library: 'Try again later; the error is `retryable`.',
      commandLine: 'Try again later.',
    },
  },
  'request-rejected': {
    means: 'AWS rejected the request as invalid.',
    cause:
      'A value that the API does not accept, such as an attribute that the pool does not have, or a pagination token that has expired.',
    next: {
      library: 'Check what the message names. `cause` has the message of AWS.',
      commandLine: 'Check what the message names. For an expired pagination token, run the command again.',
    },
  },
  'not-supported': {
    means: 'The endpoint does not have the operation.',
    cause: 'An emulator without this operation.',
    next: {
      library: "Leave out the option that needs the operation, or use AWS's own endpoint.",
      commandLine: 'Leave out the option that needs the operation, or leave out --endpoint-url.',
    },
  },
  'malformed-response': {
    means: 'A response of Cognito or of a trigger does not have the documented form. It was not used.',
    cause: 'An endpoint that is not Cognito, such as a proxy or an emulator, or a trigger that returns another form.',
    next: {
      library: 'Check the endpoint; `cause` and `value` show what was wrong. For a trigger, correct what it returns.',
      commandLine: 'Check --endpoint-url, AWS_ENDPOINT_URL and the proxy.',
    },
  },
  'store-failed': {
    means: 'The store of a shared cache failed. The data came from Cognito instead.',
    cause: 'The store, such as Redis, did not respond in time, or rejected the command.',
    next: { library: 'Check the store; `cause` has its error. The result is correct, because it comes from Cognito.' },
  },
  'invalid-claim': {
    means: 'A claim has a type that its transport does not produce.',
    cause: 'The payload of another kind of token or event, or a claim that a trigger sets.',
    next: {
      library: 'Give the claims as the transport has them, and name the transport.',
      commandLine:
        'Check that the token is an ID or access token of a user, and that no trigger sets the claim that the message names.',
    },
  },
  'ambiguous-claim': {
    means: 'A claim whose list was joined into one string can be read in several ways.',
    cause: 'API Gateway joins lists without quotes, and a group name contains the separator.',
    next: {
      library: "Verify the token itself, or give the names of the pool's groups, so that only one reading is possible.",
    },
  },
  'invalid-token': {
    means: 'The text is not an ID or access token of a Cognito user.',
    cause: 'A refresh token, a token of another issuer, or an incomplete token.',
    next: {
      library: 'Give the whole ID token or access token.',
      commandLine: 'Give the whole ID token or access token, on standard input or in a file.',
    },
  },
  'invalid-signature': {
    means: "None of the user pool's keys signed the token.",
    cause: 'A changed or forged token, or a token of a pool that was deleted and created again.',
    next: {
      library: 'Do not trust the token. Sign in again to get another one.',
      commandLine: 'Do not trust the token. Sign in again, and verify the new one.',
    },
  },
  'wrong-user-pool': {
    means: 'The token is from another user pool.',
    cause: 'A token and a pool ID from different environments.',
    next: {
      library: 'Give the user pool that the message names, or a token from the pool that you gave.',
      commandLine: 'Give the --user-pool-id that the message names, or a token from the pool that you gave.',
    },
  },
  'invalid-event': {
    means: 'A Lambda event is of an unknown kind.',
    cause: 'Another service calls the function, or a test calls it with another event.',
    next: { library: 'Check what calls the function. Pass the event on unchanged.' },
  },
  'missing-package': {
    means: 'A package that rolecast needs could not be loaded.',
    cause:
      'An installation without dependencies, an optional package that is not installed, or a bundle without the package.',
    next: {
      library: 'Install the package where the program runs, or include it in the bundle.',
      commandLine: 'Install rolecast again, with its dependencies, or install the package that the message names.',
    },
  },
  unexpected: {
    means: 'An unexpected error.',
    cause: 'A bug in rolecast, or an AWS error that rolecast does not know.',
    next: {
      library: 'Look at `cause`, and report the error.',
      commandLine: 'Run the command again with --verbose, and report what it prints.',
    },
  },
}
