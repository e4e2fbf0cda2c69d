import { htmlEscape } from 'escape-goat'
import { type Finding, sentencesOf } from '../rules/finding.js'
import {
  failuresOf,
  fails,
  type FindingsReport,
  isComplete,
  lineOf,
  locationText,
  notReadTexts,
  rulesOffText,
} from './findings-report.js'
import { escapeCommands } from './github-log.js'
import { groupBy } from '../record.js'

/**
 * Findings as JUnit XML: a suite for each source, a case for each finding, and one that passes for a source without
 * any. A case fails where the finding fails the run, and is an error for a file that could not be read; what is
 * suppressed, and what was not looked at without failing the run, are skipped cases. The properties of the first suite
 * say how much there was to look at.
 */
export function findingsJunit(report: FindingsReport): string {
  const { findings, read, skipped, strict } = report
  const byPath = groupBy(findings, ({ location }) => location.path)
  const paths = new Set([...read, ...byPath.keys()])
  const failures = new Set(failuresOf(report))
  const suites = [
    { ...suite(SUMMARY, []), properties: propertiesOf(report) },
    ...[...paths].map(path =>
      suite(
        path,
        (byPath.get(path) ?? []).map(finding => caseOf(finding, fails(finding, report))),
      ),
    ),
    ...skipped.map(file => {
      const result = failures.has(file) ? 'error' : 'skipped'
      return suite(file.path, [caseOfFile(file.path, `could not be read: ${file.why}`, result, lineOf(file))])
    }),
    ...notReadTexts(report).map(({ path, text }) =>
      suite(path, [caseOfFile(path, text, strict ? 'failure' : 'skipped')]),
    ),
  ]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="rolecast" ${countsOf(suites.flatMap(({ cases }) => cases))}>`,
    ...suites.flatMap(({ path, cases, properties }) => [
      `  <testsuite name=${xmlAttribute(path)} ${countsOf(cases)}>`,
      ...properties,
      ...cases.map(({ xml }) => `    ${xml}`),
      '  </testsuite>',
    ]),
    '</testsuites>',
  ]
    .map(line => `${line}\n`)
    .join('')
}

/** The suite that is not about a file. */
const SUMMARY = 'rolecast'

function propertiesOf(report: FindingsReport): readonly string[] {
  const off = rulesOffText(report)
  const values = { complete: isComplete(report), ...report.coverage, ...(off !== undefined && { rulesOff: off }) }
  return [
    '    <properties>',
    ...Object.entries(values).map(
      ([name, value]) => `      <property name=${xmlAttribute(name)} value=${xmlAttribute(`${value}`)}/>`,
    ),
    '    </properties>',
  ]
}

interface TestCase {
  readonly xml: string
  readonly result: 'passed' | 'failure' | 'error' | 'skipped'
}

interface Suite {
  readonly path: string
  readonly cases: readonly TestCase[]
  readonly properties: readonly string[]
}

function suite(path: string, cases: readonly TestCase[]): Suite {
  return { path, cases: cases.length > 0 ? cases : [testCase(path, 'rolecast', '', 'passed')], properties: [] }
}

/** For a file that was not read. */
function caseOfFile(path: string, message: string, result: 'failure' | 'error' | 'skipped', line?: number): TestCase {
  return testCase(path, 'rolecast', `<${result} message=${xmlAttribute(message)}/>`, result, line)
}

function caseOf(finding: Finding, isFailure: boolean): TestCase {
  const { ruleId, slug, severity, message, location, pool, groups, suppressed } = finding
  const name = [`${ruleId} ${slug}`, pool, groups.join(' ')].filter(part => part !== '').join(': ')
  const text = `${locationText(location)} ${severity}: ${sentencesOf(finding)}`
  const [content, result] =
    suppressed !== undefined
      ? ([`<skipped message=${xmlAttribute(suppressed.reason)}/>`, 'skipped'] as const)
      : isFailure
        ? ([
            `<failure type=${xmlAttribute(severity)} message=${xmlAttribute(message)}>${xmlText(text)}</failure>`,
            'failure',
          ] as const)
        : ([`<system-out>${xmlText(text)}</system-out>`, 'passed'] as const)
  return testCase(location.path, name, content, result, location.line)
}

function testCase(path: string, name: string, content: string, result: TestCase['result'], line?: number): TestCase {
  const at = line === undefined ? '' : ` line="${line}"`
  const file = path === SUMMARY ? '' : ` file=${xmlAttribute(path)}`
  return {
    xml: `<testcase classname=${xmlAttribute(path)} name=${xmlAttribute(name)}${file}${at}>${content}</testcase>`,
    result,
  }
}

function countsOf(cases: readonly TestCase[]): string {
  const count = (result: TestCase['result']) => cases.filter(one => one.result === result).length
  return `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`
}

/** In quotes. A line break would be read as a space. */
function xmlAttribute(text: string): string {
  return `"${xmlText(text).replaceAll('\n', '&#10;').replaceAll('\r', '&#13;').replaceAll('\t', '&#9;')}"`
}

/**
 * XML 1.0 has no way to write most control characters, nor half a surrogate pair. What GitHub Actions would take for a
 * command on stdout is written as references.
 */
function xmlText(text: string): string {
  return escapeCommands(
    htmlEscape(text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')),
    character => `&#${character.charCodeAt(0)};`,
  )
}
