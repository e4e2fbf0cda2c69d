import { Option } from 'commander'
import { SEMANTICS } from '../claims/decide.js'

export function semanticsOption(): Option {
  return new Option('--semantics <reading>', 'which reading of the rules to apply')
    .choices(SEMANTICS)
    .default('observed')
}
