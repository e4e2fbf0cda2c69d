import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export const userPoolId = 'eu-west-1_Ab12Cd34e'
export const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

export const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'vip', precedence: 20 },
  { groupName: 'editors', precedence: 5, roleArn: role('Editor') },
  { groupName: 'billing', precedence: 7, roleArn: role('Billing') },
  { groupName: 'support', precedence: 7, roleArn: role('Support') },
  { groupName: 'readers', precedence: 20, roleArn: role('Reader') },
  { groupName: 'contractors', roleArn: role('Contractor') },
  { groupName: '__proto__', precedence: 3, roleArn: role('Proto') },
  { groupName: 'a,b', precedence: 4, roleArn: role('Comma') },
  { groupName: '管理者-é-🙂', precedence: 6, roleArn: role('Unicode') },
]

let poolFiles = 0
/** Writes a file as `aws cognito-idp list-groups` prints it. */
export async function poolFileIn(folder: string, groups: readonly unknown[] = GROUPS.map(groupType)): Promise<string> {
  const path = join(folder, `pool-${poolFiles++}.json`)
  await writeFile(path, JSON.stringify({ Groups: groups }))
  return path
}

function groupType({ groupName, precedence, roleArn }: (typeof GROUPS)[number]) {
  return { GroupName: groupName, Precedence: precedence, RoleArn: roleArn }
}

export const groupsOf = (...names: readonly string[]) => names.flatMap(name => ['--group', name])

/** The JSON of each line. */
export const jsonLines = (stdout: string) =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line))
