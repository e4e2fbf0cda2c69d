/**
 * The data of a plain object, in an object without a prototype, each property read once. Undefined for anything else:
 * data from a class, a getter or a symbol could be lost in the response, or differ when it is read again.
 */
export function copyPlain(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) return undefined
  const copy = Object.create(null) as Record<string, unknown>
  const descriptors = Object.getOwnPropertyDescriptors(value)
  for (const key of Reflect.ownKeys(descriptors)) {
    const { [key as string]: descriptor } = descriptors
    if (typeof key === 'symbol' || !descriptor!.enumerable || !Object.hasOwn(descriptor!, 'value')) return undefined
    copy[key] = descriptor!.value
  }
  return copy
}

/** The elements, each read once, and undefined for a hole. Undefined if it is not an array. */
export function copyArray(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? Array.from({ length: value.length }, (_, index): unknown => value[index]) : undefined
}

/**
 * An object's own properties, each read once: inherited ones are ignored, even those that were added to
 * `Object.prototype`.
 */
export function ownFields(value: unknown): Readonly<Record<string, unknown>> {
  return Object.assign(Object.create(null), typeof value === 'object' ? value : undefined) as Record<string, unknown>
}
