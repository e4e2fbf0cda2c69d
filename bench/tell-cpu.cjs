// Prints the processor time of the process that loads it, in microseconds, as the last line of stderr.
const { writeSync } = require('node:fs')

process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  writeSync(2, `\n${user + system}`)
})
