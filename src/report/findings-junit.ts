import { htmlEscape } from 'escape-goat'
import type { Finding } from '../rules/finding.js'
import { fails, type FindingsReport, locationText } from './findings-report.js'
import { escapeCommands } from './github-log.js'
import { groupBy } from '../record.js'

/**
 * Findings as JUnit XML: a suite for each source, a case for each finding, and one that passes for a source without any. A
 * case fails where the finding fails the run; what is suppressed, and files that were not read, are skipped cases.
 */
export function findingsJunit({ findings, read, skipped, failOn }: FindingsReport): string {
  const byPath = groupBy(findings, ({ location }) => location.path)
  const paths = new Set([...read, ...byPath.keys()])
  const suites = [
    ...[...paths].map(path =>
      suite(
        path,
        (byPath.get(path) ?? []).map(finding => caseOf(finding, fails(finding, failOn))),
      ),
    ),
    ...skipped.map(({ path, why }) =>
      suite(path, [testCase(path, 'rolecast', `<skipped message=${xmlAttribute(why)}/>`, 'skipped')]),
    ),
  ]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="rolecast" ${countsOf(suites.flatMap(({ cases }) => cases))}>`,
    ...suites.flatMap(({ path, cases }) => [
      `  <testsuite name=${xmlAttribute(path)} ${countsOf(cases)}>`,
      ...cases.map(({ xml }) => `    ${xml}`),
      '  </testsuite>',
    ]),
    '</testsuites>',
  ]
    .map(line => `${line}\n`)
    .join('')
}

interface TestCase {
  readonly xml: string
  readonly result: 'passed' | 'failed' | 'skipped'
}

function suite(path: string, cases: readonly TestCase[]) {
  return { path, cases: cases.length > 0 ? cases : [testCase(path, 'rolecast', '', 'passed')] }
}

function caseOf(finding: Finding, isFailure: boolean): TestCase {
  const { ruleId, slug, severity, message, fix, location, pool, groups, suppressed } = finding
  const name = [`${ruleId} ${slug}`, pool, groups.join(' ')].filter(part => part !== '').join(': ')
  const text = `${locationText(location)} ${severity}: ${message} ${fix}`
  const [content, result] =
    suppressed !== undefined
      ? ([`<skipped message=${xmlAttribute(suppressed.reason)}/>`, 'skipped'] as const)
      : isFailure
        ? ([
            `<failure type=${xmlAttribute(severity)} message=${xmlAttribute(message)}>${xmlText(text)}</failure>`,
            'failed',
          ] as const)
        : ([`<system-out>${xmlText(text)}</system-out>`, 'passed'] as const)
  return testCase(location.path, name, content, result, location.line)
}

function testCase(path: string, name: string, content: string, result: TestCase['result'], line?: number): TestCase {
  const at = line === undefined ? '' : ` line="${line}"`
  return {
    xml: `<testcase classname=${xmlAttribute(path)} name=${xmlAttribute(name)} file=${xmlAttribute(path)}${at}>${content}</testcase>`,
    result,
  }
}

function countsOf(cases: readonly TestCase[]): string {
  const count = (result: TestCase['result']) => cases.filter(one => one.result === result).length
  return `tests="${cases.length}" failures="${count('failed')}" errors="0" skipped="${count('skipped')}"`
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
