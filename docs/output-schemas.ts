/**
 * The JSON Schemas of what the commands print for programs, as `docs/schemas/*.schema.json`. Strict: a key that a schema does
 * not have is an error, so that a reader can rely on there being no other.
 */
import * as z from 'zod'
import { CONCERN_NAMES } from '../src/audit/concerns.js'
import { SEMANTICS } from '../src/claims/decide.js'
import { MAX_PRECEDENCE } from '../src/group.js'

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const text = z.string()
const texts = z.array(text)
const counts = (names: readonly string[]) => z.strictObject(Object.fromEntries(names.map(name => [name, count])))
const named = <T extends z.ZodType>(id: string, schema: T) => schema.meta({ id })

const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const account = z.string().regex(/^\d{12}$/)
const semantics = z.enum(SEMANTICS)
const calibration = named('calibration', z.strictObject({ date: text, userPoolId: text })).optional()
const severity = z.enum(['error', 'warning', 'note'])
const concern = named('concern', z.enum(CONCERN_NAMES))
const outcome = z.enum(['resolved', 'none', 'ambiguous', 'undetermined'])
const rule = named(
  'rule',
  z.enum([
    'no-groups',
    'no-roles',
    'no-precedence',
    'lowest-precedence',
    'shared-role',
    'conflicting-roles',
    'roleless-contender',
  ]),
)
const evidence = z.enum(['observed', 'documented', 'inferred', 'calibrated', 'unknown'])
const tool = named('tool', z.strictObject({ name: z.literal('rolecast'), version: text }))

const reading = named(
  'reading',
  z.strictObject({
    source: z.enum(['cognito', 'files']),
    userPoolId: text.optional(),
    poolName: text.optional(),
    account: account.optional(),
    region: text.optional(),
    startedAt: time.optional(),
    endedAt: time.optional(),
    strategy: z.enum(['per-group', 'per-user']).optional(),
    attributes: texts.optional(),
    estimatedUsers: count.optional(),
  }),
)

const group = { groupName: text, precedence: z.int().min(0).max(MAX_PRECEDENCE).optional(), roleArn: text.optional() }

const selectionRule = named(
  'selectionRule',
  z.enum([
    'no-mapping',
    'custom-role',
    'custom-role-not-allowed',
    'custom-role-without-mapping',
    'custom-role-with-rules',
    'preferred-role',
    'undetermined-preferred-role',
    'single-role',
    'mapping-rule',
    'uncertain-rule',
    'ambiguous-authenticated',
    'ambiguous-denied',
    'ambiguous-unset',
    'authenticated-role-missing',
  ]),
)

const candidate = z.strictObject({
  outcome: z.enum(['role', 'denied']),
  roleArn: text.optional(),
  rule: selectionRule,
  ruleIndex: count.optional(),
})

const selectionOutcome = z.enum(['role', 'denied', 'undetermined'])

const selection = named(
  'selection',
  z.strictObject({
    outcome: selectionOutcome,
    roleArn: text.optional(),
    candidates: z.array(candidate).min(2).optional(),
    rule: selectionRule,
    evidence: evidence.exclude(['calibrated']),
    ruleIndex: count.optional(),
  }),
)

/** Not known is an absent key. */
const trust = named(
  'trust',
  z.strictObject({
    trusted: z.boolean().optional(),
    reason: z.enum([
      'allowed',
      'denied',
      'no-allow',
      'other-principal',
      'other-action',
      'other-audience',
      'placeholder-audience',
      'guests-only',
      'signed-in-only',
      'condition-not-met',
      'uncertain-principal',
      'uncertain-action',
      'uncertain-condition',
      'uncertain-statement',
      'uncertain-policy',
    ]),
    statementIndex: count.optional(),
    anyPool: z.boolean().optional(),
    guests: z.boolean().optional(),
    placeholders: texts,
  }),
)

const roleCheck = named(
  'roleCheck',
  z.strictObject({
    roleArn: text,
    status: z.enum(['exists', 'missing', 'unknown']),
    why: text.optional(),
    trust: trust.optional(),
    privileges: z
      .strictObject({ attached: texts, inline: texts, administrator: z.boolean().optional(), notRead: texts })
      .optional(),
  }),
)

const change = named(
  'change',
  z.union([
    z.strictObject({ change: z.enum(['user-vanished', 'user-appeared']), username: text }),
    z.strictObject({
      change: z.enum(['group-vanished', 'group-appeared', 'group-changed', 'group-replaced', 'group-unlisted']),
      groupName: text,
    }),
  ]),
)

const mapping = z.enum(['Token', 'Rules', 'none'])

const credentials = named(
  'credentials',
  z.strictObject({
    identityPoolId: text,
    mapping,
    clientId: text.optional(),
    mappedClients: texts.optional(),
    outcomes: counts(['role', 'denied', 'undetermined']),
    rules: z.partialRecord(selectionRule, count),
    roles: z.array(z.strictObject({ roleArn: text, users: count })),
  }),
)

const finding = { concern, severity, count: count.min(1), affectedUsers: count }

/** `AuditSummary`, but for its findings. */
const summary = {
  reading: reading.optional(),
  semantics,
  calibration,
  users: count,
  disabled: count,
  enabledUnknown: count,
  memberships: count,
  outcomes: counts(['resolved', 'none', 'ambiguous', 'undetermined']),
  evidence: counts(['observed', 'documented', 'inferred', 'calibrated', 'unknown']),
  roles: z.array(z.strictObject({ roleArn: text, users: count, disabledUsers: count })),
  groups: z.array(z.strictObject({ ...group, users: count, disabledUsers: count })),
  credentials: credentials.optional(),
  roleChecks: z.array(roleCheck).optional(),
}

const audit = z.strictObject({
  version: z.literal(1),
  tool,
  ...summary,
  findings: z.array(
    z.strictObject({
      concern,
      severity,
      title: text,
      next: text,
      count: count.min(1),
      affectedUsers: count,
      users: texts,
      groups: texts,
      roles: texts,
      allUsers: text.optional(),
    }),
  ),
  changes: z.array(change),
  notLookedAt: texts,
})

const auditLine = z.union([
  z.strictObject({
    audit: z.strictObject({
      version: z.literal(1),
      tool,
      reading: reading.optional(),
      semantics,
      calibration,
      // The app clients to whose users the credentials apply, in an audit of accounts.
      identityPool: z
        .strictObject({
          identityPoolId: text,
          mapping,
          clientId: text.optional(),
          mappedClients: texts.optional(),
          clientIds: texts.optional(),
        })
        .optional(),
      groups: z.array(z.strictObject(group)),
      roleChecks: z.array(roleCheck).optional(),
      onlyUsersOf: z.array(concern).min(1).optional(),
    }),
  }),
  z.strictObject({
    username: text,
    sub: text.optional(),
    enabled: z.boolean().optional(),
    status: text.optional(),
    attributes: z.record(text, text).optional(),
    groups: texts,
    roles: texts,
    outcome,
    rule,
    evidence,
    preferredRole: text.optional(),
    candidateRole: text.optional(),
    unknownGroups: texts.min(1).optional(),
    credentials: z
      .strictObject({
        outcome: selectionOutcome,
        rule: selectionRule,
        roleArn: text.optional(),
        candidates: z.array(candidate).min(2).optional(),
      })
      .optional(),
    findings: z.array(concern).min(1).optional(),
  }),
  z.strictObject({
    summary: z.strictObject({
      ...summary,
      findings: z.array(z.strictObject({ ...finding, groups: texts, roles: texts })),
      changes: z.array(change),
      notLookedAt: texts,
    }),
  }),
])

const { roles: _roles, groups: _groups, ...figures } = summary

const auditCsvMetadata = z.strictObject({
  '@context': z.tuple([z.literal('http://www.w3.org/ns/csvw'), z.strictObject({ '@language': z.literal('en') })]),
  url: text,
  'dc:title': text,
  'dc:creator': text,
  'dc:date': time.optional(),
  notes: z.tuple([
    z.strictObject({
      ...figures,
      findings: z.array(z.strictObject(finding)),
      changes: z.array(change),
      onlyUsersOf: z.array(concern).min(1).optional(),
      notLookedAt: texts,
    }),
  ]),
  dialect: z.strictObject({
    delimiter: z.literal(','),
    header: z.literal(true),
    lineTerminators: z.array(text),
    encoding: z.literal('utf-8'),
    quoteChar: z.literal('"'),
  }),
  tableSchema: z.strictObject({
    primaryKey: z.literal('username'),
    columns: z.array(
      z.strictObject({
        name: text,
        titles: text,
        'dc:description': text,
        datatype: z.enum(['boolean', 'string']),
        separator: z.literal(' ').optional(),
      }),
    ),
  }),
})

/** `AuditSummary` whole, in an audit of accounts. */
const poolSummary = named(
  'poolSummary',
  z.strictObject({
    ...summary,
    findings: z.array(z.strictObject({ ...finding, users: texts, groups: texts, roles: texts })),
    changes: z.array(change),
  }),
)

const accountSource = z.strictObject({ profile: text.optional(), roleArn: text.optional() })
const poolPlace = { account, region: text, userPoolId: text, name: text.optional() }
const findingCounts = counts(['error', 'warning', 'note'])

const accountRest = {
  version: z.literal(1),
  tool,
  semantics,
  calibration,
  accounts: z.array(z.strictObject({ account, sources: z.array(accountSource) })),
  regions: z.array(
    z.strictObject({ account, region: text, listedAt: time, userPools: count, identityPools: count.optional() }),
  ),
  userPools: counts(['listed', 'read']),
  users: count,
  disabled: count,
  findings: findingCounts,
  notRead: z.array(
    z.strictObject({
      what: z.enum(['account', 'region', 'user-pool', 'identity-pools', 'identity-pool']),
      source: accountSource.optional(),
      account: account.optional(),
      region: text.optional(),
      userPoolId: text.optional(),
      identityPoolId: text.optional(),
      code: text,
      message: text,
    }),
  ),
  notLookedAt: texts,
}

const auditAccount = z.strictObject({
  ...accountRest,
  pools: z.array(
    z.strictObject({
      ...poolPlace,
      audits: z.array(z.strictObject({ clientIds: texts.optional(), summary: poolSummary })),
    }),
  ),
})

/** The last line; before it are the lines of each pool, as `auditLine` has them. */
const auditAccountLine = z.strictObject({
  account: z.strictObject({
    ...accountRest,
    pools: z.array(
      z.strictObject({ ...poolPlace, audits: count, users: count, disabled: count, findings: findingCounts }),
    ),
  }),
})

const roleClaims = z.strictObject({
  'cognito:groups': texts.min(1).optional(),
  'cognito:roles': texts.min(1).optional(),
  'cognito:preferred_role': text.optional(),
})

/** `PoolResolution`, and what an identity pool makes of it. */
const prediction = {
  outcome,
  rule,
  evidence,
  groups: texts,
  roles: texts,
  preferredRole: text.optional(),
  candidateRole: text.optional(),
  determiningGroups: texts,
  claims: named('claims', roleClaims),
  calibration,
  unknownGroups: texts.optional(),
  selection: selection.optional(),
  identityPool: z.strictObject({ identityPoolId: text, mappingKey: text.optional() }).optional(),
}

const predict = z.strictObject({ ...prediction, stale: z.boolean(), age: z.number().min(0) })

const { unknownGroups: _unknown, selection: _selection, identityPool: _pool, ...forecast } = prediction

const preferredRoleChange = z.enum(['same', 'gained', 'lost', 'changed', 'undetermined', 'not-carried'])

const verify = z.strictObject({
  tool,
  verdict: z.enum(['match', 'mismatch', 'settles', 'inconclusive']),
  settles: z.strictObject({ row: z.literal('13'), semantics }).optional(),
  userPoolId: text,
  endpoint: text.optional(),
  token: z.strictObject({ use: z.enum(['id', 'access']), issuedAt: time, expiresAt: time, isExpired: z.boolean() }),
  signature: z.strictObject({ isChecked: z.boolean(), keys: text.optional() }),
  semantics,
  calibration,
  groups: z.array(
    z.strictObject({
      groupName: text,
      precedence: z.int().min(0).max(MAX_PRECEDENCE).nullable(),
      roleArn: text.nullable(),
      modifiedAt: z.number().optional(),
    }),
  ),
  memberships: z.strictObject({
    status: z.enum(['same', 'different', 'not-compared']),
    missing: texts,
    unexpected: texts,
  }),
  roles: z.strictObject({
    status: z.enum(['same', 'different', 'undetermined', 'not-carried']),
    missing: texts,
    unexpected: texts,
    preferredRole: preferredRoleChange,
    carriedPreferredRole: text.optional(),
  }),
  forecast: z.strictObject(forecast),
  fits: z.array(semantics),
  doubts: z.array(
    z.strictObject({
      doubt: z.enum([
        'group-changed',
        'group-gone',
        'memberships-differ',
        'nothing-compared',
        'changes-unknown',
        'signature-unchecked',
      ]),
      groups: texts,
    }),
  ),
  triggerSigns: z.array(
    z.strictObject({
      sign: z.enum([
        'roles-without-groups',
        'preferred-outside-roles',
        'roles-in-access-token',
        'empty-claim',
        'repeated-entry',
        'impossible-group',
        'foreign-role',
        'roles-suppressed',
        'groups-suppressed',
      ]),
      values: texts.min(1),
    }),
  ),
  undated: texts,
  isReadAfterToken: z.boolean(),
  notLookedAt: texts,
})

const carriedClaims = named(
  'carriedClaims',
  z.strictObject({
    'cognito:groups': texts.nullable(),
    'cognito:roles': texts.nullable(),
    'cognito:preferred_role': text.nullable(),
  }),
)
const tokenPair = { idToken: carriedClaims, accessToken: carriedClaims }
const calibrationGroup = z.strictObject({
  groupName: text,
  precedence: z.int().min(0).max(MAX_PRECEDENCE).nullable(),
  roleArn: text.nullable(),
})
const notMeasured = z.strictObject({ outcome: z.literal('not-measured'), why: text })
const seconds = z.number().min(0)
const noAnswer = z.strictObject({ outcome: z.enum(['not-settled', 'not-supported', 'not-run']), why: text })
const caseVerdict = z.enum(['agrees', 'settles', 'contradicts', 'none'])
const runRole = z.enum(['Alpha', 'Beta', 'Gamma', 'other'])
const selectionCandidate = z.strictObject({
  outcome: z.enum(['role', 'denied']),
  role: runRole.optional(),
  rule: selectionRule,
})
const carriedClaim = z.union([text, texts, z.null()])

/** `CalibrationResult`, and what printed it. */
const calibrationFile = z.strictObject({
  calibration: z.literal(1),
  tool,
  date: time,
  userPoolId: text,
  endpoint: text.optional(),
  region: text,
  tier: text.nullable(),
  semantics: semantics.optional(),
  readings: z.array(z.strictObject({ semantics, contradictedBy: texts })),
  rows: z.array(
    z.strictObject({
      id: text,
      row: text,
      about: text,
      predicted: z.strictObject({ outcome, evidence, candidateRole: text.optional(), ...tokenPair }),
      real: z.strictObject(tokenPair).optional(),
      verdict: z.enum(['agrees', 'settles', 'contradicts', 'not-settled']),
      reading: semantics.optional(),
      readings: z.array(semantics).min(1).optional(),
      why: text.optional(),
    }),
  ),
  order: z.union([
    z.strictObject({
      outcome: z.literal('read'),
      groups: texts,
      roles: texts,
      listed: texts,
      isListed: z.boolean(),
      isStable: z.boolean(),
      isSameForReverse: z.boolean(),
    }),
    notMeasured,
  ]),
  delays: z.array(
    z.strictObject({
      change: z.enum(['AdminAddUserToGroup', 'UpdateGroup', 'AdminRemoveUserFromGroup', 'DeleteGroup']),
      about: text,
      delay: z.union([z.strictObject({ outcome: z.enum(['shown', 'not-within']), seconds }), notMeasured]),
    }),
  ),
  identityPool: z
    .array(
      z.strictObject({
        id: text,
        about: text,
        configuration: z.strictObject({
          authenticatedRole: text.optional(),
          mapping: z
            .strictObject({
              Type: z.enum(['Token', 'Rules']),
              AmbiguousRoleResolution: z.enum(['AuthenticatedRole', 'Deny']).optional(),
              RulesConfiguration: z
                .strictObject({
                  Rules: z.array(
                    z.strictObject({
                      Claim: text,
                      MatchType: z.enum(['Equals', 'Contains', 'StartsWith', 'NotEqual']),
                      Value: text,
                      RoleARN: text,
                    }),
                  ),
                })
                .optional(),
            })
            .optional(),
          customRoleArn: text.optional(),
        }),
        token: carriedClaims.optional(),
        predicted: z
          .strictObject({
            outcome: selectionOutcome,
            role: runRole.optional(),
            candidates: z.array(selectionCandidate).min(2).optional(),
            rule: selectionRule,
            evidence,
          })
          .optional(),
        real: z.union([
          z.strictObject({ outcome: z.literal('role'), role: runRole }),
          z.strictObject({ outcome: z.enum(['denied', 'configuration-rejected']), error: text }),
          noAnswer,
        ]),
        verdict: caseVerdict,
        reading: selectionCandidate.optional(),
      }),
    )
    .optional(),
  preToken: z
    .array(
      z.strictObject({
        id: text,
        returns: text,
        version: z.enum(['V1_0', 'V2_0', 'V3_0']),
        real: z.union([
          z.strictObject({ outcome: z.literal('tokens') }),
          z.strictObject({ outcome: z.literal('rejected'), error: text }),
          noAnswer,
        ]),
        verdict: caseVerdict,
        claims: z.array(
          z.strictObject({
            token: z.enum(['id', 'access']),
            claim: z.enum(['cognito:groups', 'cognito:roles', 'cognito:preferred_role']),
            predicted: carriedClaim,
            rule: z.enum([
              'unchanged',
              'replaced',
              'left-out',
              'empty-details',
              'suppressed',
              'suppressed-by-name',
              'added',
            ]),
            evidence,
            real: carriedClaim,
            verdict: z.enum(['agrees', 'settles', 'contradicts']),
            reading: z.enum(['as-taken', 'unchanged', 'absent', 'takes-value']).optional(),
          }),
        ),
      }),
    )
    .optional(),
  notSeen: texts,
  tokens: z.array(
    z.strictObject({
      id: text,
      row: text,
      groups: z.array(calibrationGroup),
      ...tokenPair,
      note: text.optional(),
    }),
  ),
})

const auditUser = z.array(
  z.union([
    z.strictObject({ username: text, ...prediction }),
    z.strictObject({ username: text, error: z.strictObject({ code: text, message: text }) }),
  ]),
)

const location = named(
  'location',
  z.strictObject({
    path: text,
    line: count.optional(),
    column: count.optional(),
    endLine: count.optional(),
    endColumn: count.optional(),
    construct: text.optional(),
  }),
)

const notRead = z.strictObject({ path: text, why: text })

const validate = z.strictObject({
  findings: z.array(
    z.strictObject({
      ruleId: z.string().regex(/^COG\d{3}$/),
      slug: text,
      severity,
      message: text,
      impact: text.optional(),
      fix: text,
      pool: text,
      groups: texts,
      resources: texts,
      location,
      related: z.array(z.strictObject({ message: text, location })),
      key: text,
      suppressed: z.strictObject({ reason: text, location }).optional(),
    }),
  ),
  complete: z.boolean(),
  exitCode: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  coverage: counts(['pools', 'groups', 'attachments', 'rolesChecked', 'rolesNotChecked']),
  rulesOff: z.array(z.strictObject({ ruleId: z.string().regex(/^COG\d{3}$/), by: text })),
  read: texts,
  skipped: z.array(notRead),
  notRead: z.array(z.looseObject({ path: text, why: text, next: text })),
  unrelated: z.array(notRead),
})

const snapshot = z.strictObject({
  version: z.literal(1),
  userPoolId: text,
  takenAt: count,
  Groups: z.array(z.strictObject({ GroupName: text, Precedence: z.int().optional(), RoleArn: text.optional() })),
})

const roleChange = named('roleChange', z.enum(['same', 'gained', 'lost', 'changed', 'undetermined', 'allowed-roles']))
const roleChanges = counts(['same', 'gained', 'lost', 'changed', 'undetermined', 'allowed-roles'])
const roleOutcome = named('roleOutcome', z.strictObject({ outcome, roleArn: text.optional() }))
const inShort = z.strictObject({ outcome, rule, preferredRole: text.optional(), candidateRole: text.optional() })

const impactSummary = named(
  'impactSummary',
  z.strictObject({
    users: count,
    disabled: count,
    disabledChanged: count,
    changes: roleChanges,
    transitions: z.array(
      z.strictObject({ change: roleChange, before: roleOutcome, after: roleOutcome, count, users: texts }),
    ),
  }),
)

const nullableText = text.nullable().optional()

const groupChanges = z.array(
  z.strictObject({
    groupName: text,
    precedence: z.int().nullable().optional(),
    roleArn: nullableText,
    remove: z.boolean().optional(),
    add: z.boolean().optional(),
    note: text.optional(),
  }),
)
const membershipChanges = z.array(
  z.strictObject({ username: text, groupName: text, change: z.enum(['add', 'remove']), hasEffect: z.boolean() }),
)
const impactHead = {
  version: z.literal(1),
  tool,
  reading,
  semantics,
  calibration,
  changes: z.array(change),
  notLookedAt: texts,
}

const impact = z.strictObject({
  ...impactHead,
  trial: z
    .strictObject({
      changes: groupChanges,
      memberships: membershipChanges.optional(),
      impact: impactSummary,
      undetermined: texts.optional(),
      kept: texts.optional(),
    })
    .optional(),
  suggestion: z
    .strictObject({
      precedences: z.array(z.strictObject({ groupName: text, before: z.int(), after: z.int() })),
      impact: impactSummary,
    })
    .optional(),
})

const impactLine = z.union([
  z.strictObject({
    impact: z.strictObject({ ...impactHead, trial: z.strictObject({ changes: groupChanges, undetermined: texts }) }),
  }),
  z.strictObject({
    username: text,
    enabled: z.boolean().optional(),
    change: roleChange,
    before: inShort,
    after: inShort,
    rolesAdded: texts,
    rolesRemoved: texts,
    unknownAfter: texts.optional(),
  }),
  z.strictObject({
    summary: z.strictObject({
      users: count,
      disabled: count,
      disabledChanged: count,
      changes: roleChanges,
      memberships: membershipChanges.optional(),
      undetermined: texts,
      kept: texts.optional(),
    }),
  }),
])

const side = z.strictObject({
  reading: reading.optional(),
  calibration,
  toolVersion: text.optional(),
  users: count,
})
const sideHead = side.omit({ users: true })
const namedUsers = z.strictObject({ count, users: texts })
const signInUsers = namedUsers.extend({ withRole: count })
const presence = z.enum(['both', 'new', 'gone'])
const credentialsChange = z.enum(['same', 'gained', 'lost', 'changed', 'undetermined'])
const credentialsChanges = counts(['same', 'gained', 'lost', 'changed', 'undetermined'])
const userCredentials = named(
  'userCredentials',
  z.strictObject({
    outcome: selectionOutcome,
    roleArn: text.optional(),
    candidates: z.array(z.strictObject({ outcome: z.enum(['role', 'denied']), roleArn: text.optional() })).optional(),
  }),
)
const groupValues = z.strictObject({ precedence: z.int().nullable().optional(), roleArn: nullableText })
const orUnknown = z.union([z.boolean(), z.literal('unknown')])
const roleState = z.strictObject({
  status: z.enum(['exists', 'missing', 'unknown']),
  trusted: orUnknown.optional(),
  openToOthers: orUnknown.optional(),
  administrator: orUnknown.optional(),
})
const diffRest = {
  semantics,
  calibration,
  before: side,
  after: side,
  notes: texts,
  changes: roleChanges,
  groups: z.array(
    z.strictObject({
      groupName: text,
      change: z.enum(['new', 'gone', 'changed']),
      before: groupValues.optional(),
      after: groupValues.optional(),
    }),
  ),
  roles: z
    .array(
      z.strictObject({
        roleArn: text,
        change: z.enum(['new', 'gone', 'changed']),
        before: roleState.optional(),
        after: roleState.optional(),
      }),
    )
    .optional(),
  findings: z
    .array(
      z.strictObject({
        concern,
        change: z.enum(['new', 'gone', 'more', 'fewer', 'undetermined']),
        before: count,
        after: count,
      }),
    )
    .optional(),
}
const transition = <C extends z.ZodType, S extends z.ZodType>(changes: C, state: S) =>
  z.strictObject({ presence, change: changes, before: state.optional(), after: state.optional(), count, users: texts })

const diff = z.strictObject({
  ...diffRest,
  newUsers: namedUsers,
  goneUsers: namedUsers,
  enabledUsers: signInUsers,
  disabledUsers: signInUsers,
  regroupedUsers: namedUsers,
  transitions: z.array(transition(roleChange, roleOutcome)),
  credentials: z
    .strictObject({
      identityPoolId: text,
      changes: credentialsChanges,
      transitions: z.array(transition(credentialsChange, userCredentials)),
    })
    .optional(),
})

const diffLine = z.union([
  z.strictObject({
    diff: z.strictObject({ version: z.literal(1), semantics, calibration, before: sideHead, after: sideHead }),
  }),
  z.strictObject({
    username: text,
    sub: text.optional(),
    presence,
    change: roleChange,
    before: inShort.optional(),
    after: inShort.optional(),
    rolesAdded: texts,
    rolesRemoved: texts,
    groupsAdded: texts,
    groupsRemoved: texts,
    became: z.enum(['enabled', 'disabled']).optional(),
    credentials: z
      .strictObject({
        change: credentialsChange,
        before: userCredentials.optional(),
        after: userCredentials.optional(),
      })
      .optional(),
  }),
  z.strictObject({
    summary: z.strictObject({
      ...diffRest,
      newUsers: count,
      goneUsers: count,
      enabledUsers: count,
      disabledUsers: count,
      regroupedUsers: count,
      credentials: z.strictObject({ identityPoolId: text, changes: credentialsChanges }).optional(),
    }),
  }),
])

const ruleTopic = { title: text, says: text, quote: text.optional(), page: text.optional(), known: text }
const example = z.strictObject({ language: z.enum(['yaml', 'json', 'hcl']), text })

/** What `rolecast explain` prints: of a name, one or two of these. */
const explain = z.strictObject({
  topics: z
    .array(
      z.discriminatedUnion('kind', [
        z.strictObject({
          kind: z.literal('finding'),
          name: text,
          id: text,
          title: text,
          severity,
          enabled: z.boolean(),
          what: text,
          context: text.optional(),
          why: text,
          fix: text,
          avoid: example,
          prefer: example,
          see: text,
        }),
        z.strictObject({
          kind: z.literal('token-rule'),
          name: rule,
          ...ruleTopic,
          fix: text.optional(),
          example: z.strictObject({ groups: z.array(z.strictObject(group)), claims: named('claims', roleClaims) }),
        }),
        z.strictObject({ kind: z.literal('trigger-rule'), name: text, ...ruleTopic }),
        z.strictObject({ kind: z.literal('credentials-rule'), name: selectionRule, ...ruleTopic }),
        z.strictObject({ kind: z.literal('semantics'), name: semantics, ...ruleTopic, when: text }),
        z.strictObject({
          kind: z.literal('audit-finding'),
          name: concern,
          title: text,
          severity,
          meaning: text,
          next: text,
        }),
        z.strictObject({
          kind: z.literal('output-name'),
          name: text,
          title: text,
          where: text,
          says: text,
          next: text.optional(),
        }),
        z.strictObject({
          kind: z.literal('error-code'),
          name: text,
          title: text,
          cause: text,
          next: z.strictObject({ library: text, commandLine: text.optional() }),
        }),
      ]),
    )
    .min(1),
})

/** What stderr says where a command cannot run. */
const failure = z.strictObject({
  error: z.strictObject({ code: text, message: text, value: text.optional() }),
})

const schemas: Readonly<Record<string, readonly [command: string, schema: z.ZodType]>> = {
  audit: ['rolecast audit pool --format json', audit],
  'audit-line': ['a line of rolecast audit pool --format ndjson', auditLine],
  'audit-csv-metadata': ['FILE-metadata.json of rolecast audit pool --format csv --output FILE', auditCsvMetadata],
  'audit-user': ['rolecast audit user --json', auditUser],
  'audit-account': ['rolecast audit account --format json', auditAccount],
  'audit-account-line': ['the last line of rolecast audit account --format ndjson', auditAccountLine],
  'audit-diff': ['rolecast audit diff --format json', diff],
  'audit-diff-line': ['a line of rolecast audit diff --format ndjson', diffLine],
  calibration: ['rolecast calibrate --json', calibrationFile],
  error: ['the line on stderr where a command fails with --json', failure],
  explain: ['rolecast explain --json', explain],
  impact: ['rolecast impact --format json', impact],
  'impact-line': ['a line of rolecast impact --format ndjson', impactLine],
  predict: ['rolecast predict --json, and a line of rolecast predict --stdin', predict],
  snapshot: ['rolecast snapshot', snapshot],
  validate: ['rolecast validate --format json', validate],
  verify: ['rolecast verify --json', verify],
}

/** By the name of the file in `docs/schemas`. */
export function outputSchemas(): readonly (readonly [file: string, schema: object])[] {
  return Object.entries(schemas).map(([name, [command, schema]]) => [
    `${name}.schema.json`,
    { title: command, ...z.toJSONSchema(schema) },
  ])
}
