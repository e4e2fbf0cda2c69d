/** What a record from outside says itself: nothing that its prototype has counts. */
export function own(record: object, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key as keyof typeof record] : undefined
}
