import { lowerFirst } from '../text.js'
import { defineRule, yaml } from './rule.js'

export const notFollowed = defineRule({
  id: 'COG194',
  slug: 'not-followed',
  title: 'Something that may define groups or role mappings was not looked into',
  severity: 'warning',
  enabled: true,
  what: 'A module from a registry, a nested stack that is not among the files, a custom resource, or a resource type that rolecast does not know. What it defines takes part in every tie and every ranking, and no rule has checked it.',
  why: 'A result without findings would look like a pass for groups that nobody has looked at.',
  fix: 'Validate a form that contains it: a plan, the synthesised or packaged template, or the live pool after the deployment.',
  avoid: yaml(`
    Resources:
      Auth:
        Type: AWS::CloudFormation::Stack
        Properties: { TemplateURL: https://s3.amazonaws.com/templates/cognito-groups.yaml }
  `),
  prefer: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: !ImportValue admin-role }
  `),
  see: 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html',
  checkAll(infrastructure) {
    return infrastructure.notFollowed.map(({ what, why, next, location }) => ({
      pool: '',
      subject: [what],
      resources: [],
      location,
      message: `Not followed: ${lowerFirst(what)}, because ${why}. Groups and role mappings there are not checked.`,
      fix: `${next}.`,
    }))
  },
})
