import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where Chromium is; undefined if it is nowhere. */
export const executablePath: string | undefined = findChromium()

function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const onPath = folders.flatMap(folder =>
    ['chromium', 'chromium-browser', 'google-chrome'].map(name => join(folder, name)),
  )
  return process.env['CHROMIUM'] ?? onPath.find(path => existsSync(path))
}
