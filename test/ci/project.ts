import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

/** A template with these groups, each with a role of its own. */
export function template(groups: Readonly<Record<string, number>>): string {
  const resources = Object.entries(groups).map(([GroupName, Precedence], index) => [
    `Group${index}`,
    {
      Type: 'AWS::Cognito::UserPoolGroup',
      Properties: { UserPoolId: { Ref: 'Pool' }, GroupName, Precedence, RoleArn: role(`Role${index}`) },
    },
  ])
  return JSON.stringify(
    { Resources: { Pool: { Type: 'AWS::Cognito::UserPool' }, ...Object.fromEntries(resources) } },
    null,
    2,
  )
}

export const CLEAN = template({ admins: 0, editors: 1 })
export const TIE = template({ admins: 1, editors: 1 })
/** A template that cannot be read. */
export const BROKEN = 'Resources:\n  Pool: { Type: AWS::Cognito::UserPool\n  - x\n'

/** Makes a folder with these files. */
export async function makeProject(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return folder
}
