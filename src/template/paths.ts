import { isAbsolute } from 'node:path'

/** Whether a path is that file, or in that folder. Both have slashes; `.` is the current folder. */
export function isWithin(path: string, fileOrFolder: string): boolean {
  const outer = fileOrFolder.replace(/\/$/, '')
  if (outer === '.') return !path.startsWith('..') && !isAbsolute(path)
  return path === outer || path.startsWith(`${outer}/`)
}
