import { figure } from '../../../../src/report/figure.js'

/** "1 group", "2 groups", "10,000 groups" */
export function counted(count: number, noun: string): string {
  return `${figure(count)} ${noun}${count === 1 ? '' : 's'}`
}
